// Indexes: built and dropped as the oplog says, in the weaker form that the policy asks for.
#include <utility>

#include "engine/apply/ddl.hpp"
#include "engine/cluster/command_cursor.hpp"
#include "engine/runtime/log.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::apply {

namespace {

constexpr std::int32_t index_not_found = 27;
constexpr std::int32_t index_already_exists = 68;
constexpr std::int32_t cannot_drop_shard_key_index = 370;  // of a sharded cluster, since 6.0

bool is_conflict(const error& cause) {
  return cause.kind == error_kind::server &&
         (cause.server_code == wire::index_options_conflict || cause.server_code == wire::index_key_specs_conflict ||
          cause.server_code == index_already_exists);
}

/// What an index of before may meet among documents of later; anything else would only be worse if it were ignored.
bool is_worth_stopping(const error& cause) {
  return cause.kind != error_kind::server || wire::is_retryable(cause) || cause.server_code == wire::unauthorized ||
         cause.server_code == wire::out_of_disk_space || cause.server_code == wire::user_writes_blocked;
}

bool is_unique(bson::document_view spec) {
  const auto field = spec.find("unique");
  return field && field.to_bool().value_or(false);
}

std::string name_of(bson::document_view spec) {
  const auto field = spec.find("name");
  return std::string(field ? field.as_string().value_or("") : "");
}

}  // namespace

task<result<>> ddl::create_indexes(const ddl_entry& entry, const mapped_collection& one) {
  for (const auto& spec : entry.indexes) {
    if (name_of(spec) == "_id_" || spec.find("clustered")) continue;
    SLUICE_CO_TRYV(co_await create_index(one, spec));
  }
  co_return ok();
}

task<result<>> ddl::create_index(const mapped_collection& one, bson::document_view spec) {
  // Of a time-series the entry holds the index of the buckets, which `createIndexes` takes on the buckets. Where that
  // form does not lead back to what the user asked for, 6.0 keeps the user's words beside it.
  auto on = one.to->ns;
  const auto original = spec.find("originalSpec");
  if (const auto asked = original ? original.as_document() : std::nullopt) {
    spec = *asked;
    on = cluster::owner_of_buckets(on).value_or(on);
  }
  const auto index = cluster::index_for_sync(spec, one.to->collated, indexes_);
  if (!index) co_return ok();

  auto built = co_await build(on, *index);
  if (built.has_error() && is_conflict(built.error())) {
    // Beside a plain index a unique one that may not be unique yet has no place: the commit builds it.
    const bool may_wait = indexes_.defer_unique_and_ttl && is_unique(spec);
    SLUICE_CO_TRY(const bool free, co_await make_room_for(on, *index, may_wait));
    if (!free) co_return ok();
    built = co_await build(on, *index);
  }
  if (built || is_worth_stopping(built.error())) co_return built;
  log(log_level::warn, "apply", "An index is left out until the commit",
      {{"ns", on.to_string()}, {"index", name_of(*index)}, {"cause", built.error().message}});
  co_return ok();
}

task<result<>> ddl::build(cluster::namespace_name on, bson::document index) {
  bson::builder command;
  command.append("createIndexes", on.collection).open_array("indexes").push(index).close();
  // By default a build waits for every voting member, so one that is down would stop it for good.
  command.append("commitQuorum", "majority");
  bson::document create_it = command.finish();
  co_return co_await run(on.database, std::move(create_it));
}

task<result<bool>> ddl::make_room_for(cluster::namespace_name on, const bson::document& index, bool may_wait) {
  std::vector<bson::document> present;
  on_connection list = [&](wire::connection& to) -> task<result<>> {
    bson::builder command;
    command.append("listIndexes", on.collection);
    bson::document list_them = command.finish();
    SLUICE_CO_TRY(auto listed, co_await cluster::run_cursor(to, on.database, std::move(list_them)));
    present = std::move(listed.documents);
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await at(destination_, std::move(list)));
  for (const auto& other : present) {
    const bool same_name = name_of(other) == name_of(index);
    if (!same_name && !cluster::indexes_collide(other, index)) continue;
    if (!same_name && may_wait) co_return false;
    std::string in_the_way = name_of(other);
    SLUICE_CO_TRYV(co_await drop_index(on, std::move(in_the_way)));
  }
  co_return true;
}

task<result<>> ddl::drop_index(cluster::namespace_name on, std::string name) {
  bson::builder command;
  command.append("dropIndexes", on.collection).append("index", std::string_view(name));
  bson::document drop_it = command.finish();
  auto dropped = co_await run(on.database, std::move(drop_it));
  if (!dropped && dropped.error().kind == error_kind::server &&
      (dropped.error().server_code == index_not_found || dropped.error().server_code == wire::namespace_not_found))
    co_return ok();
  // The source needs none for a key. What the commit finds there it lets be, too.
  if (!dropped && dropped.error().kind == error_kind::server &&
      dropped.error().server_code == cannot_drop_shard_key_index) {
    log(log_level::info, "apply", "An index stays, since it carries the shard key",
        {{"ns", on.to_string()}, {"index", name}});
    co_return ok();
  }
  co_return dropped;
}

}  // namespace sluice::apply
