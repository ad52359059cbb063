#include "engine/apply/ddl.hpp"

#include <algorithm>

#include "bson/extended_json.hpp"
#include "engine/apply/ddl_coll_mod.hpp"
#include "engine/cluster/command_cursor.hpp"
#include "engine/cluster/sharded_layout.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::apply {

namespace {

constexpr std::int32_t index_not_found = 27;
constexpr std::int32_t illegal_operation = 20;  // "can't drop system collection"
constexpr std::int32_t database_differ_case = 13297;
constexpr std::string_view views_suffix = ".system.views";
constexpr std::size_t message_entry_bytes_max = 2000;

/// Just before `at`: entries of one transaction have one time, and the next of them has not happened yet.
bson::timestamp before(bson::timestamp at) {
  if (at.increment > 0) return {at.seconds, at.increment - 1};
  return {at.seconds == 0 ? 0 : at.seconds - 1, UINT32_MAX};
}

bool same_but_for_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool has_code(const result<>& outcome, std::int32_t code) {
  return outcome.has_error() && outcome.error().kind == error_kind::server && outcome.error().server_code == code;
}

}  // namespace

bool is_data(const capture::change& one) {
  if (one.kind == capture::change_kind::command) return false;
  const auto dot = one.ns.find('.');
  return dot == std::string_view::npos || one.ns.substr(dot) != views_suffix;
}

task<result<ddl_effects>> ddl::apply(capture::change what) {
  ddl_effects effects;
  result<> done = ok();
  if (what.kind == capture::change_kind::command) {
    done = co_await apply_command(what, effects);
  } else if (reads_again(what)) {
    done = co_await read_again(what, effects);
  } else if (is_data(what)) {
    auto ns = cluster::parse_namespace(what.ns).value_or(cluster::namespace_name{});
    done = co_await settle(std::move(ns), what.at, effects);
  } else {
    done = co_await apply_view(what, effects);
  }
  if (done) co_return effects;
  error cause = std::move(done.error());
  if (cause.kind == error_kind::server) {
    cause.message += "; this was to apply the source's " +
                     bson::to_json(what.whole, bson::json_mode::canonical).substr(0, message_entry_bytes_max);
  }
  co_return cause;
}

task<result<>> ddl::apply_command(const capture::change& what, ddl_effects& effects) {
  SLUICE_CO_TRY(const auto entry, read_ddl_entry(what));
  switch (entry.verb) {
    case ddl_verb::nothing:
      co_return ok();
    case ddl_verb::create:
      co_return co_await create(entry, effects);
    case ddl_verb::rename:
      co_return co_await rename(entry, effects);
    case ddl_verb::drop_database:
      co_return co_await drop_database(entry, effects);
    case ddl_verb::drop_views:
      co_return co_await drop_views(entry.ns.database);
    default:
      break;
  }
  if (entry.verb == ddl_verb::drop && entry.uuid.empty()) {
    SLUICE_CO_TRY(const bool ours, takes(entry.ns));
    if (ours) co_return co_await settle(entry.ns, entry.at, effects);
    co_return ok();
  }
  // The rest is about a collection that must be ours; any other is gone or outside of the filter.
  const auto* found = find(entry);
  if (found == nullptr) co_return ok();
  const mapped_collection one = *found;
  switch (entry.verb) {
    case ddl_verb::drop:
      if (entry.at > one.listed_at) co_return co_await drop(one, effects);
      co_return ok();
    case ddl_verb::coll_mod:
      co_return co_await coll_mod(what, entry, effects);
    case ddl_verb::empty:
      // Also when it lies before the listing: documents of after are inserted again by what follows.
      co_return co_await empty(one.to->ns);
    case ddl_verb::create_indexes:
      effects.rebuild_plan = true;
      if (entry.at > one.indexes_listed_at) co_return co_await create_indexes(entry, one);
      co_return ok();
    case ddl_verb::drop_indexes:
      effects.rebuild_plan = true;
      if (entry.at <= one.indexes_listed_at) co_return ok();
      for (const auto& name : entry.index_names) {
        SLUICE_CO_TRYV(co_await drop_index(one.to->ns, name));
      }
      co_return ok();
    default:
      co_return unknown_entry(what, "a command that this version cannot apply");
  }
}

task<result<>> ddl::create(const ddl_entry& entry, ddl_effects& effects) {
  SLUICE_CO_TRY(const bool ours, takes(entry.ns));
  if (!ours) co_return ok();
  const auto* known = find(entry);
  if (known != nullptr && entry.at <= known->listed_at) co_return ok();
  if (known == nullptr && gone_by_now(entry, entry.ns.database)) co_return ok();

  auto info = cluster::collection_of_create(entry.ns.database, entry.o);
  if (info.kind == cluster::collection_kind::view) {
    bson::document options = std::move(info.options);
    co_return co_await make_view(info.ns, std::move(options), effects);
  }
  if (entry.uuid.empty()) co_return co_await settle(entry.ns, entry.at, effects);
  info.uuid.assign(entry.uuid.begin(), entry.uuid.end());
  if (auto reason = cluster::reason_not_copyable(info)) co_return failure(error_kind::refused, *std::move(reason));
  if (auto reason = migrated_.documents.reason_against(info))
    co_return failure(error_kind::refused, *std::move(reason));
  set_destination(info);
  auto made = co_await make(info, effects);
  if (has_code(made, database_differ_case) && database_gone_by_now(entry)) co_return ok();
  if (made.has_error()) co_return made.error();
  put(info, entry.at, effects);
  co_return ok();
}

task<result<>> ddl::make(const cluster::collection_info& info, ddl_effects& effects) {
  SLUICE_CO_TRYV(check_place_of(info.ns));
  const bson::document command = cluster::create_command(info, true);
  const std::string& database = info.destination_ns().database;
  bson::document first = command;
  auto made = co_await run(database, std::move(first));
  if (made) co_return co_await shard(info);
  if (!has_code(made, wire::namespace_exists)) co_return made;
  auto taken = info.destination_data_ns();
  const auto* there = occupant(taken);
  // Applied a second time.
  if (there != nullptr && there->uuid == info.uuid) co_return co_await shard(info);
  // Something whose end has not been applied, or what an earlier process made and did not live to note: what belongs
  // into the collection follows in either case.
  if (there != nullptr) forget(std::vector<std::byte>(there->uuid), effects);
  SLUICE_CO_TRYV(co_await clear(std::move(taken)));
  bson::document second = command;
  made = co_await run(database, std::move(second));
  // system.js cannot be dropped, only emptied.
  if (has_code(made, wire::namespace_exists) && info.ns.collection == "system.js") co_return ok();
  if (made.has_error()) co_return made;
  co_return co_await shard(info);
}

task<result<>> ddl::shard(const cluster::collection_info& info) {
  if (info.shard_key.view().empty()) co_return ok();
  on_connection once = [&](wire::connection& to) -> task<result<>> {
    SLUICE_CO_TRYV(co_await state::wait_until_permitted(may_write_, scope_));
    co_return co_await cluster::shard_collection(to, info);
  };
  co_return co_await at(destination_, std::move(once));
}

task<result<>> ddl::clear(cluster::namespace_name ns) {
  const auto owner = cluster::owner_of_buckets(ns);
  SLUICE_CO_TRYV(check_ours(owner.value_or(ns)));
  bson::builder command;
  command.append("drop", owner ? owner->collection : ns.collection);
  bson::document drop_it = command.finish();
  auto dropped = co_await run(ns.database, std::move(drop_it));
  if (has_code(dropped, illegal_operation)) co_return co_await empty(ns);
  if (has_code(dropped, wire::namespace_not_found)) co_return ok();
  co_return dropped;
}

task<result<>> ddl::empty(const cluster::namespace_name& ns) {
  bson::builder command;
  command.append("delete", ns.collection).open_array("deletes").open_document("0");
  command.open_document("q").close().append("limit", 0).close().close();
  bson::document all = command.finish();
  co_return co_await run(ns.database, std::move(all));
}

task<result<>> ddl::drop(const mapped_collection& one, ddl_effects& effects) {
  SLUICE_CO_TRYV(co_await clear(one.to->ns));
  forget(one.uuid, effects);
  co_return ok();
}

task<result<>> ddl::drop_database(const ddl_entry& entry, ddl_effects& effects) {
  const auto& database = entry.ns.database;
  std::vector<mapped_collection> all;
  for (const auto* one : map_.in_database(database))
    if (one->listed_at < entry.at) all.push_back(*one);
  for (const auto& one : all) {
    SLUICE_CO_TRYV(co_await drop(one, effects));
  }
  SLUICE_CO_TRYV(co_await drop_views(database));
  SLUICE_CO_TRY(const bool all_ours, migrated_.filter.covers_all_of(database));
  if (!all_ours || !map_.in_database(database).empty()) co_return ok();
  for (const auto& there : migrated_.names.destinations_of(database)) {
    SLUICE_CO_TRYV(co_await drop_if_bare(there));
  }
  co_return ok();
}

task<result<>> ddl::drop_if_bare(std::string database) {
  if (migrated_.beside_others) co_return ok();
  // A database without collections still keeps others away whose names differ in case only (6.0).
  bool bare = true;
  on_connection look = [&](wire::connection& to) -> task<result<>> {
    bson::builder list;
    list.append("listCollections", 1).append("nameOnly", true);
    bson::document command = list.finish();
    SLUICE_CO_TRY(const auto listed, co_await cluster::run_cursor(to, database, std::move(command)));
    bare = std::ranges::all_of(listed.documents, [](const bson::document& each) {
      const auto name = each.view().find("name").as_string().value_or("");
      return name == "system.views" || name == "system.js" || name == "system.profile";
    });
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await at(destination_, std::move(look)));
  if (!bare) co_return ok();
  bson::builder command;
  command.append("dropDatabase", 1);
  bson::document drop_it = command.finish();
  co_return co_await run(database, std::move(drop_it));
}

task<result<>> ddl::rename(const ddl_entry& entry, ddl_effects& effects) {
  if (entry.uuid.empty()) co_return co_await rename_by_name(entry, effects);
  const auto* found = find(entry);
  SLUICE_CO_TRY(const bool inside, takes(entry.to));
  if (found == nullptr) {
    if (!inside || gone_by_now(entry, entry.to.database)) co_return ok();
    std::vector<std::byte> uuid(entry.uuid.begin(), entry.uuid.end());
    co_return co_await enter(entry.to, std::move(uuid), {}, entry.at, effects);
  }
  const mapped_collection one = *found;
  if (entry.at <= one.listed_at) co_return ok();
  if (!inside) co_return co_await drop(one, effects);
  auto onto = migrated_.names.destination_of(entry.to);
  if (cannot_be_renamed(one, onto, entry.to)) {
    SLUICE_CO_TRYV(co_await drop(one, effects));
    co_return co_await enter(entry.to, one.uuid, one.to->shard_key, entry.at, effects);
  }
  co_return co_await move(one, std::move(onto), entry.to, effects);
}

// 5.0 with the feature compatibility version 4.4: "source namespace must not be sharded", and of collections that lie
// in two databases "must be on same shard". A name that has a shard key of its own makes another collection of it, too.
bool ddl::cannot_be_renamed(const mapped_collection& one, const cluster::namespace_name& onto,
                            const cluster::namespace_name& source) const {
  if (destination_.of.kind != cluster::deployment_kind::sharded || one.to->ns == onto) return false;
  return one.to->ns.database != onto.database || !one.to->shard_key.view().empty() ||
         migrated_.sharding.key_of(source) != nullptr;
}

void ddl::set_destination(cluster::collection_info& info) const {
  info.renamed_to = migrated_.names.renamed(info.ns);
  if (const auto* key = migrated_.sharding.key_of(info.ns)) info.shard_key = *key;
}

task<result<>> ddl::move(mapped_collection one, cluster::namespace_name onto, cluster::namespace_name source,
                         ddl_effects& effects) {
  if (one.to->ns != onto) {
    SLUICE_CO_TRYV(check_place_of(source));
    bson::builder command;
    command.append("renameCollection", one.to->ns.to_string()).append("to", onto.to_string());
    command.append("dropTarget", true);
    const bson::document rename_it = command.finish();
    bson::document first = rename_it;
    const std::string admin = "admin";
    auto moved = co_await run(admin, std::move(first));
    if (has_code(moved, wire::namespace_exists)) {  // a view of later
      SLUICE_CO_TRYV(co_await clear(onto));
      bson::document second = rename_it;
      moved = co_await run(admin, std::move(second));
    }
    if (has_code(moved, wire::namespace_not_found)) {  // done before?
      SLUICE_CO_TRY(const auto there, co_await described(onto));
      if (!there) co_return moved.error();
    } else if (moved.has_error()) {
      co_return moved.error();
    }
  }
  const auto* replaced = occupant(onto);
  if (replaced != nullptr && replaced->uuid != one.uuid) forget(std::vector<std::byte>(replaced->uuid), effects);
  one.source_ns = std::move(source);
  target there = *one.to;
  there.ns = std::move(onto);
  one.to = std::make_shared<const target>(std::move(there));
  effects.changed.push_back(one.uuid);
  map_.put(std::move(one));
  co_return ok();
}

task<result<>> ddl::coll_mod(const capture::change& what, const ddl_entry& entry, ddl_effects& effects) {
  const mapped_collection one = *find(entry);
  const auto on = cluster::owner_of_buckets(one.to->ns).value_or(one.to->ns);
  SLUICE_CO_TRY(auto plan, plan_coll_mod(what, entry, on.collection, indexes_));
  effects.rebuild_plan = true;
  if (plan.options && entry.at > one.listed_at) {
    SLUICE_CO_TRYV(co_await run(on.database, *std::move(plan.options)));
  }
  if (plan.index && entry.at > one.indexes_listed_at) {
    auto changed = co_await run(on.database, *std::move(plan.index));
    // Left out, or dropped since.
    if (changed.has_error() && !has_code(changed, index_not_found)) co_return changed;
  }
  co_return ok();
}

void ddl::put(const cluster::collection_info& info, bson::timestamp at, ddl_effects& effects) {
  map_.put({.uuid = info.uuid,
            .source_ns = info.data_ns(),
            .to = target_of(info, info.destination_data_ns()),
            .listed_at = before(at),
            .indexes_listed_at = before(at)});
  effects.changed.push_back(info.uuid);
}

void ddl::forget(bson::bytes_view uuid, ddl_effects& effects) {
  effects.erased.emplace_back(uuid.begin(), uuid.end());
  map_.erase(effects.erased.back());
}

const mapped_collection* ddl::find(const ddl_entry& entry) const {
  return entry.uuid.empty() ? map_.find_by_source(entry.ns) : map_.find(entry.uuid);
}

const mapped_collection* ddl::occupant(const cluster::namespace_name& destination) const {
  for (const auto& database : migrated_.names.sources_of(destination.database)) {
    for (const auto* one : map_.in_database(database))
      if (one->to->ns == destination) return one;
  }
  return nullptr;
}

result<bool> ddl::takes(const cluster::namespace_name& ns) const {
  const auto owner = cluster::owner_of_buckets(ns).value_or(ns);
  if (!cluster::is_user_namespace(owner)) return false;
  return migrated_.filter.covers(owner);
}

result<> ddl::check_place_of(const cluster::namespace_name& source) const {
  if (auto met = migrated_.names.collision(source)) return failure(error_kind::refused, *std::move(met));
  return check_ours(migrated_.names.destination_of(source));
}

result<> ddl::check_ours(const cluster::namespace_name& destination) const {
  if (!migrated_.foreign.contains(destination)) return ok();
  return failure(error_kind::refused,
                 destination.to_string() +
                     " was on the destination before this run, and the source has now something that goes there: it is "
                     "left as it is. Rename one of the two, and start over with a filter that leaves it out");
}

bool ddl::gone_by_now(const ddl_entry& entry, std::string_view database) const {
  return std::ranges::any_of(map_.in_database(database),
                             [&](const mapped_collection* one) { return entry.at <= one->listed_at; });
}

bool ddl::database_gone_by_now(const ddl_entry& entry) const {
  return std::ranges::any_of(map_.all(), [&](const mapped_collection* one) {
    return entry.at <= one->listed_at && same_but_for_case(one->source_ns.database, entry.ns.database);
  });
}

}  // namespace sluice::apply
