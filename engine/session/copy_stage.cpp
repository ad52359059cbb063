#include "engine/session/copy_stage.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "engine/cluster/shard_key.hpp"
#include "engine/cluster/sharded_layout.hpp"
#include "engine/copy/collections.hpp"
#include "engine/copy/copier.hpp"
#include "engine/runtime/failure_point.hpp"
#include "engine/runtime/log.hpp"
#include "engine/wire/retry.hpp"

namespace sluice::session {

namespace {

using cluster::collection_info;
using cluster::collection_kind;

constexpr std::uint32_t workers_default = 4;
constexpr std::size_t names_in_a_message = 20;

/// "a, b, c and 7 more".
std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), names_in_a_message); ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > names_in_a_message) text += " and " + std::to_string(names.size() - names_in_a_message) + " more";
  return text;
}

/// Whether a stored position is known to be true: see opened_run::confirmed_flush.
bool is_trusted(bson::document_view stored, const sluice::state::opened_run& opened) {
  if (stored.find("flush").to_int64().value_or(0) <= opened.confirmed_flush) return true;
  const auto term = stored.find("term").to_int64().value_or(-1);
  const auto election = stored.find("election").as_object_id().value_or(bson::object_id{});
  return opened.term.known() && term == opened.term.term && election == opened.term.election;
}

/// The shortest of a few: one alone may have waited for something else.
task<result<std::chrono::milliseconds>> round_trip(wire::connection& node) {
  auto shortest = std::chrono::milliseconds::max();
  for (int i = 0; i < 3; ++i) {
    SLUICE_CO_TRY(const auto one, co_await cluster::ping(node));
    shortest = std::min(shortest, one);
  }
  co_return shortest;
}

}  // namespace

std::size_t copy_stage::data_memory_bytes() const {
  const std::size_t all = std::max(settings_.memory_bytes, limits::memory_min_bytes) - limits::memory_reserved_bytes;
  if (!purpose_.followed) return all;
  return std::max(all, limits::capture_memory_bytes + limits::lane_memory_min_bytes) - limits::capture_memory_bytes;
}

std::uint32_t copy_stage::lane_count() const {
  // Each lane must be able to hold the largest batch, so memory bounds their number.
  const auto fitting = static_cast<std::uint32_t>(data_memory_bytes() / limits::lane_memory_min_bytes);
  if (settings_.lanes > 0) return std::min(settings_.lanes, fitting);
  // The destination is the limit long before a lane is: its own threads need the cores.
  return std::clamp(std::thread::hardware_concurrency() / 4, 1U, std::min(8U, fitting));
}

std::uint32_t copy_stage::workers_per_lane() const {
  return settings_.connections > 0 ? settings_.connections : workers_default;
}

void copy_stage::begin_again() {
  entries_.clear();
  board_.begin_again();
}

result<> copy_stage::set_catalog(cluster::catalog catalog, cluster::migration_scope scope) {
  catalog_ = std::move(catalog);
  scope_ = std::move(scope);
  if (!scope_.documents.is_everything()) board_.set_totals_unknown();
  return cluster::narrow(catalog_, scope_);
}

task<result<>> copy_stage::choose_partitioning() {
  std::int64_t bytes = 0;
  for (const auto& info : catalog_.collections) bytes += info.data_bytes;
  partitioning_.partition_bytes = plan::partition_bytes_for(bytes, lane_count() * workers_per_lane());
  partitioning_.filter = scope_.documents.query();
  // Only speed hangs on it: a destination that does not answer now is waited for by whoever needs it.
  const auto away = co_await round_trip(*between_.to_destination);
  if (away) partitioning_.batch_bytes = plan::batch_bytes_for(away.value());
  if (!between_.source.can.natural_resume) co_return ok();
  partitioning_.node = between_.to_source->host();
  SLUICE_CO_TRY(partitioning_.data_identity, co_await cluster::read_data_identity(*between_.to_source));
  if (partitioning_.data_identity.empty()) {
    board_.add_warning(
        "the source's `local` database cannot be read, so collections are copied in _id order, which "
        "costs the source more; grant the `backup` role to avoid that");
  }
  co_return ok();
}

task<result<>> copy_stage::refuse_or_drop(infos fresh) {
  SLUICE_CO_TRY(auto there,
                co_await cluster::read_catalog(*between_.to_destination, cluster::namespace_filter{}, false));
  std::set<cluster::namespace_name> planned;
  for (const auto* info : fresh) planned.insert(info->destination_ns());
  std::vector<cluster::namespace_name> coming;
  for (const auto& info : catalog_.collections) {
    if (info.kind == collection_kind::view) planned.insert(info.destination_ns());
    coming.push_back(info.ns);
  }
  std::vector<std::string> databases;
  for (const auto& info : there.collections) databases.push_back(info.ns.database);
  if (auto clash = cluster::name_in_the_way(scope_.names, coming, databases)) {
    co_return failure(error_kind::refused, *std::move(clash) + ". Nothing was written");
  }
  std::vector<std::string> names;
  for (const auto& info : there.collections) {
    if (!planned.contains(info.ns)) continue;
    names.push_back(info.ns.to_string());
    if (!settings_.drop) continue;
    log(log_level::info, "session", "Dropping a collection of the destination", {{"ns", info.ns.to_string()}});
    SLUICE_CO_TRYV(co_await copy::drop_collection(*between_.to_destination, info.ns));
  }
  if (names.empty() || settings_.drop) co_return ok();
  co_return failure(error_kind::refused,
                    "the destination " + between_.destination.name() + " already holds " +
                        std::to_string(names.size()) + " of the namespaces to be copied: " + listed(names) +
                        (purpose_.followed ? "; drop them, or leave them out with a filter. Nothing was written"
                                           : "; drop them, leave them out with --exclude, or let --drop drop them. "
                                             "Nothing was written"));
}

/// Bounds of capped collections and expiries sleep while changes are applied. Servers before 6.0 know no value for an
/// expiry that never comes, and none of their collections can be told its bounds afterwards.
result<> copy_stage::check_what_sleeps() const {
  if (between_.destination.can.coll_mod_capped_size) return ok();
  const auto refused = [this](const collection_info& info, const std::string& what) {
    return failure(error_kind::refused, info.ns.to_string() + " " + what +
                                            ": that takes a destination of 6.0 or newer, and " +
                                            between_.destination.name() + " runs " +
                                            between_.destination.version.to_string() + "; leave it out with a filter");
  };
  for (const auto& info : catalog_.collections) {
    if (info.kind == collection_kind::capped) return refused(info, "is capped");
    for (const auto& index : info.indexes) {
      if (index.spec.view().find("expireAfterSeconds"))
        return refused(info, "has the TTL index \"" + index.name + "\"");
    }
  }
  return ok();
}

task<result<>> copy_stage::check_zones() {
  SLUICE_CO_TRY(const auto zoned, co_await cluster::read_zoned(*between_.to_destination));
  for (const auto& info : catalog_.collections) {
    if (!zoned.contains(info.destination_ns())) continue;
    co_return failure(error_kind::refused,
                      info.destination_ns().to_string() +
                          " has zones on the destination, which would decide where its chunks lie: take them away with "
                          "sh.removeRangeFromZone(), and set them after the commit");
  }
  co_return ok();
}

copy_stage::infos copy_stage::data_collections() const {
  std::vector<const collection_info*> found;
  for (const auto& info : catalog_.collections) {
    if (info.kind != collection_kind::view) found.push_back(&info);
  }
  return found;
}

copy_stage::infos copy_stage::living_collections() const {
  auto found = data_collections();
  std::erase_if(found, [this](const collection_info* info) { return board_.counters.at(info->ns)->gone.load(); });
  return found;
}

void copy_stage::prepare_counters() {
  for (const auto* info : data_collections()) {
    board_.counters.try_emplace(info->ns, std::make_unique<copy::collection_counters>());
    board_.builds.try_emplace(info->ns, std::make_unique<index::build_progress>());
  }
}

void copy_stage::add_entry(plan::partition what, copy::position at) {
  auto& counters = *board_.counters.at(what.ns);
  counters.documents += at.documents;
  counters.bytes += at.bytes;
  if (!at.done) ++counters.partitions_left;
  entries_.push_back({std::move(what), std::move(at)});
}

namespace {

/// Under the original's messages, with the fields that its users' log analysers look for.
void tell_pieces(const collection_info& info, const std::vector<plan::partition>& pieces) {
  const std::string& database = info.ns.database;
  const std::string& collection = info.ns.collection;
  if (pieces.size() == 1) {
    const char* const reason = info.kind == collection_kind::capped ? "Capped collection." : "Small collection.";
    log(log_level::debug, "session", "Creating a single partition for whole collection",
        {{"database", database}, {"collection", collection}, {"reason", std::string_view(reason)}});
    return;
  }
  const auto parts = static_cast<std::int64_t>(pieces.size());
  log(log_level::debug, "session", "Creating initial partitions for non-capped collection",
      {{"database", database},
       {"collection", collection},
       {"expectedSizePerPartition", info.data_bytes / std::max<std::int64_t>(parts, 1)}});
  log(log_level::debug, "session", "Pre-sampling information",
      {{"database", database},
       {"collection", collection},
       {"collectionDocCount", info.documents},
       {"collectionBytes", info.data_bytes},
       {"numIDsToSample", parts - 1}});
  for (const auto& piece : pieces) {
    log(log_level::debug, "session", "Persisted a new partition after sampling",
        {{"collection", collection},
         {"partition.partition.db", database},
         {"partition.partition.coll", collection},
         {"partition.number", piece.number},
         {"partition.bytes", piece.bytes_estimate}});
  }
}

}  // namespace

task<result<std::vector<plan::partition>>> copy_stage::cut(infos of) {
  std::vector<plan::partition> all;
  for (const auto* info : of) {
    SLUICE_CO_TRY(auto pieces, co_await plan::cut(*between_.to_source, *info, partitioning_, between_.source.can));
    tell_pieces(*info, pieces);
    std::ranges::move(pieces, std::back_inserter(all));
  }
  co_return all;
}

task<result<>> copy_stage::refuse_or_drop_existing() {
  if (between_.destination.kind == cluster::deployment_kind::sharded) {
    // The source's own keys have their indexes there.
    const bool may_make_index = scope_.sharding.create_supporting_indexes;
    SLUICE_CO_TRYV(cluster::check_shardable(catalog_, may_make_index));
    SLUICE_CO_TRYV(check_what_sleeps());
    SLUICE_CO_TRYV(co_await check_zones());
  }
  auto fresh = data_collections();
  SLUICE_CO_TRYV(co_await refuse_or_drop(std::move(fresh)));
  if (settings_.drop && settings_.drop_gone) {
    SLUICE_CO_TRYV(co_await drop_gone());
  }
  co_return ok();
}

task<result<>> copy_stage::drop_gone() {
  const auto covered = scope_.filter_of_destination();
  SLUICE_CO_TRY(auto there, co_await cluster::read_catalog(*between_.to_destination, covered, false));
  std::set<cluster::namespace_name> held;
  for (const auto& info : catalog_.collections) held.insert(info.destination_ns());
  for (const auto& info : there.collections) {
    if (held.contains(info.ns)) continue;
    log(log_level::info, "session", "Dropping a collection of the destination that the source does not hold",
        {{"ns", info.ns.to_string()}});
    SLUICE_CO_TRYV(co_await copy::drop_collection(*between_.to_destination, info.ns));
  }
  co_return ok();
}

task<result<>> copy_stage::plan(sluice::state::checkpoint& to) {
  SLUICE_CO_TRYV(co_await choose_partitioning());
  begin_again();
  prepare_counters();
  SLUICE_CO_TRY(auto pieces, co_await cut(data_collections()));
  std::vector<bson::document> documents;
  documents.reserve(pieces.size());
  for (const auto& piece : pieces) documents.push_back(plan::to_document(piece));
  SLUICE_CO_TRYV(co_await to.store("partitions", std::move(documents)));
  runtime::failure_point("partitions_stored");
  SLUICE_CO_TRYV(co_await to.set_phase(sluice::state::run_phase::copying));
  runtime::failure_point("copying_begun");
  for (auto& piece : pieces) add_entry(std::move(piece), {});
  co_return ok();
}

// Partitions keep the name under which their collection was planned: it is identified by UUID, and its copy on the
// destination has that name. What the source has got since is planned now; what it has lost is dropped.
task<result<>> copy_stage::resume(sluice::state::checkpoint& from, const sluice::state::opened_run& opened) {
  SLUICE_CO_TRYV(co_await choose_partitioning());
  begin_again();
  SLUICE_CO_TRY(auto stored, co_await from.load("partitions"));
  SLUICE_CO_TRY(auto refused, co_await from.load("refused"));
  for (const auto& document : refused) board_.refused.restore(document);

  std::map<std::vector<std::byte>, collection_info*> by_uuid;
  std::map<cluster::namespace_name, collection_info*> by_name;
  for (auto& info : catalog_.collections) {
    if (!info.uuid.empty()) by_uuid[info.uuid] = &info;
    by_name[info.ns] = &info;
  }
  std::vector<std::pair<plan::partition, copy::position>> going_on;
  std::set<cluster::namespace_name> known;
  std::set<cluster::namespace_name> lost;
  for (const auto& document : stored) {
    SLUICE_CO_TRY(auto piece, plan::partition_from(document));
    const auto identified = by_uuid.find(piece.uuid);
    const auto named = by_name.find(piece.ns);
    collection_info* info = !piece.uuid.empty() ? (identified == by_uuid.end() ? nullptr : identified->second)
                                                : (named == by_name.end() ? nullptr : named->second);
    if (info == nullptr) {
      lost.insert(piece.ns);
      continue;
    }
    if (info->ns != piece.ns) {
      log(log_level::warn, "session", "A collection was renamed on the source; its copy keeps the name it had",
          {{"ns", info->ns.to_string()}, {"copiedAs", piece.ns.to_string()}});
      info->ns = piece.ns;
      info->renamed_to = scope_.names.renamed(piece.ns);
    }
    known.insert(piece.ns);
    copy::position at;
    if (is_trusted(document, opened)) at = copy::position_from(document);
    going_on.emplace_back(std::move(piece), std::move(at));
  }
  std::erase_if(lost, [&known](const auto& ns) { return known.contains(ns); });
  for (const auto& ns : lost) {
    log(log_level::warn, "session", "A collection was dropped on the source; its copy is dropped too",
        {{"ns", ns.to_string()}});
    cluster::namespace_name there = scope_.names.destination_of(ns);
    SLUICE_CO_TRYV(co_await copy::drop_collection(*between_.to_destination, std::move(there)));
  }
  std::ranges::sort(catalog_.collections, {}, &collection_info::ns);
  prepare_counters();
  for (auto& [piece, at] : going_on) add_entry(std::move(piece), std::move(at));

  std::vector<const collection_info*> fresh;
  for (const auto* info : data_collections()) {
    if (!known.contains(info->ns)) fresh.push_back(info);
  }
  if (opened.phase == sluice::state::run_phase::copying && !fresh.empty()) {
    SLUICE_CO_TRYV(co_await refuse_or_drop(fresh));
    SLUICE_CO_TRY(auto pieces, co_await cut(fresh));
    std::vector<bson::document> documents;
    for (const auto& piece : pieces) documents.push_back(plan::to_document(piece));
    SLUICE_CO_TRYV(co_await from.add("partitions", std::move(documents)));
    for (auto& piece : pieces) add_entry(std::move(piece), {});
  } else {
    std::erase_if(catalog_.collections, [&known](const collection_info& info) {
      return info.kind != collection_kind::view && !known.contains(info.ns);
    });
  }
  co_return ok();
}

task<result<>> copy_stage::create_collections(runtime::cancel_scope& scope) {
  const bool sharded = between_.destination.kind == cluster::deployment_kind::sharded;
  if (sharded) {
    auto place = [this](wire::connection&, wire::connection& to) { return cluster::place_databases(to, catalog_); };
    SLUICE_CO_TRYV(co_await over_both(place, scope));
  }
  auto create = [](wire::connection& to, const collection_info& info) { return copy::create_collection(to, info); };
  SLUICE_CO_TRYV(co_await copy::for_each_collection(between_.destination, data_collections(), create, scope,
                                                    settings_.retry_time, may_write_));
  if (sharded) {
    auto spread = [this](wire::connection& from, wire::connection& to) -> task<result<>> {
      for (const auto* info : data_collections()) {
        SLUICE_CO_TRYV(co_await cluster::spread_chunks(from, to, *info));
      }
      co_return ok();
    };
    SLUICE_CO_TRYV(co_await over_both(spread, scope));
  }
  runtime::failure_point("collections_created");
  co_return ok();
}

task<result<>> copy_stage::over_both(std::function<task<result<>>(wire::connection&, wire::connection&)> step,
                                     runtime::cancel_scope& scope) {
  auto attempt = [this, &step, &scope]() -> task<result<>> {
    SLUICE_CO_TRY(const auto from, co_await cluster::connect_primary(between_.source, scope, settings_.retry_time));
    SLUICE_CO_TRY(const auto to, co_await cluster::connect_primary(between_.destination, scope, settings_.retry_time));
    SLUICE_CO_TRYV(co_await sluice::state::wait_until_permitted(may_write_, scope));
    co_return co_await step(*from, *to);
  };
  co_return co_await wire::retry(attempt, settings_.retry_time, scope);
}

task<result<>> copy_stage::copy_data(sluice::state::checkpoint& to, const sluice::state::opened_run& opened,
                                     runtime::cancel_scope& scope) {
  board_.set_phase(phase::collection_copy);
  if (settings_.lanes > lane_count()) {
    board_.add_warning("only " + std::to_string(lane_count()) + " lanes fit into the memory; raise --memory-mb");
  }
  const copy::copier_options options{.lanes = lane_count(),
                                     .workers_per_lane = workers_per_lane(),
                                     .memory_bytes = data_memory_bytes(),
                                     .patience = settings_.retry_time};
  copy::copier::job work{
      between_.source, between_.destination, catalog_, partitioning_,         std::move(entries_), board_.counters,
      board_.refused,  board_.measured,      to,       opened.confirmed_flush};
  copy::copier copier(control_, options, std::move(work), scope);
  SLUICE_CO_TRYV(co_await copier.run());
  runtime::failure_point("data_copied");
  if (purpose_.followed) {
    co_return co_await to.set_phase(sluice::state::run_phase::indexing);
  }
  SLUICE_CO_TRYV(co_await drop_what_is_gone(scope));
  if (opened.phase != sluice::state::run_phase::indexing) {
    auto restore = [](wire::connection& on, const collection_info& info) { return copy::restore_options(on, info); };
    auto left = living_collections();
    std::erase_if(left, [](const collection_info* info) { return !cluster::restore_command(*info); });
    SLUICE_CO_TRYV(co_await copy::for_each_collection(between_.destination, left, restore, scope, settings_.retry_time,
                                                      may_write_));
    SLUICE_CO_TRYV(co_await to.set_phase(sluice::state::run_phase::indexing));
  }
  co_return ok();
}

// By UUID, as everything on the source: what was renamed is still there. One listCollections a database.
task<result<>> copy_stage::drop_what_is_gone(runtime::cancel_scope& scope) {
  std::vector<const collection_info*> gone;
  auto look = [this, &gone, &scope]() -> task<result<>> {
    gone.clear();
    SLUICE_CO_TRY(auto from, co_await cluster::connect_primary(between_.source, scope, settings_.retry_time));
    std::map<std::string, std::set<std::vector<std::byte>>> there;
    for (const auto* info : living_collections()) {
      if (info->uuid.empty()) continue;
      if (!there.contains(info->ns.database)) {
        SLUICE_CO_TRY(there[info->ns.database], co_await cluster::list_uuids(*from, info->ns.database));
      }
      if (!there[info->ns.database].contains(info->uuid)) gone.push_back(info);
    }
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await wire::retry(look, settings_.retry_time, scope));
  for (const auto* info : gone) {
    log(log_level::warn, "session",
        "A collection was dropped on the source after it was copied; it is dropped here too",
        {{"ns", info->ns.to_string()}});
    board_.counters.at(info->ns)->gone = true;
  }
  auto drop = [](wire::connection& to, const collection_info& info) {
    return copy::drop_collection(to, info.destination_ns());
  };
  co_return co_await copy::for_each_collection(between_.destination, std::move(gone), drop, scope, settings_.retry_time,
                                               may_write_);
}

task<result<>> copy_stage::build_indexes(runtime::cancel_scope& scope) {
  board_.set_phase(phase::index_build);
  runtime::failure_point("indexing_begun");
  auto left = living_collections();
  cluster::index_policy policy = purpose_.indexes;
  policy.defer_unique_and_ttl = purpose_.followed;
  policy.per_command = settings_.indexes_per_command;
  SLUICE_CO_TRY(auto left_out,
                co_await index::build_indexes(between_.destination, std::move(left), policy, board_.builds, scope,
                                              settings_.retry_time, may_write_, &board_.index_commands));
  if (!purpose_.followed) {
    failed_indexes_ = std::move(left_out);
  } else {
    for (const auto& one : left_out) {
      board_.add_warning("the index " + one.name + " of " + one.ns + " cannot be built yet (" + one.message +
                         "); the commit tries again");
    }
    co_return ok();
  }
  co_return co_await drop_what_is_gone(scope);  // once more: building may take as long as copying
}

task<result<>> copy_stage::create_views(runtime::cancel_scope& scope) {
  std::vector<const collection_info*> views;
  for (const auto& info : catalog_.collections) {
    if (info.kind == collection_kind::view) views.push_back(&info);
  }
  auto create = [](wire::connection& to, const collection_info& info) { return copy::create_collection(to, info); };
  SLUICE_CO_TRYV(
      co_await copy::for_each_collection(between_.destination, views, create, scope, settings_.retry_time, may_write_));
  runtime::failure_point("views_created");
  co_return ok();
}

task<result<>> copy_stage::copy(sluice::state::checkpoint& to, const sluice::state::opened_run& opened,
                                runtime::cancel_scope& scope) {
  may_write_ = [&to] { return to.lease_is_fresh(); };
  if (opened.phase != sluice::state::run_phase::indexing) {
    SLUICE_CO_TRYV(co_await create_collections(scope));
  }
  if (purpose_.indexes_first) {
    SLUICE_CO_TRYV(co_await build_indexes(scope));
  }
  SLUICE_CO_TRYV(co_await copy_data(to, opened, scope));
  if (!purpose_.indexes_first) {
    SLUICE_CO_TRYV(co_await build_indexes(scope));
  }
  co_return co_await create_views(scope);
}

std::string copy_stage::missing() const {
  std::set<std::string> gone;  // on the source: nothing of them is missing
  for (const auto& [ns, counters] : board_.counters) {
    if (counters->gone) gone.insert(ns.to_string());
  }
  std::int64_t documents = 0;
  for (const auto& [ns, count] : board_.refused.counts()) documents += gone.contains(ns) ? 0 : count;
  std::vector<std::string> names;
  for (const auto& one : board_.refused.first()) {
    if (!gone.contains(one.ns)) names.push_back(one.ns + " _id " + one.id_json + " (" + one.message + ")");
  }
  for (const auto& one : failed_indexes_) {
    if (!gone.contains(one.ns)) names.push_back(one.ns + " index " + one.name + " (" + one.message + ")");
  }
  if (documents == 0 && names.empty()) return {};
  return "the destination refused " + std::to_string(documents) + " documents and " +
         std::to_string(failed_indexes_.size()) + " indexes; everything else was copied. Missing: " + listed(names);
}

}  // namespace sluice::session
