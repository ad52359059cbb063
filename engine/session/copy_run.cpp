#include "engine/session/copy_run.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "engine/copy/collections.hpp"
#include "engine/runtime/failure_point.hpp"
#include "engine/runtime/log.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/runtime/task_group.hpp"
#include "engine/wire/retry.hpp"

namespace sluice::session {

namespace {

using cluster::collection_info;
using cluster::collection_kind;

constexpr std::uint32_t workers_default = 4;
constexpr std::size_t names_in_a_message = 20;
constexpr auto ping_interval = std::chrono::seconds(30);

cluster::namespace_filter filter_of(const copy_settings& settings) {
  return {.include = settings.include, .exclude = settings.exclude};
}

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

/// Milliseconds; -1 when the deployment did not answer, nothing below one (as the original shows it).
task<std::optional<std::int64_t>> ping_once(cluster::deployment known, std::unique_ptr<wire::connection>& connection,
                                            runtime::cancel_scope& until) {
  if (!connection || !connection->is_open()) {
    connection.reset();
    auto opened = co_await cluster::connect_primary(known, until, std::chrono::milliseconds(0));
    if (opened.has_error()) co_return -1;
    connection = std::move(opened.value());
  }
  auto answer = co_await cluster::ping(*connection);
  if (answer.has_error()) co_return -1;
  const std::int64_t ms = answer.value().count();
  co_return ms > 0 ? std::optional<std::int64_t>(ms) : std::nullopt;
}

task<result<>> cancel_after(std::chrono::steady_clock::duration time, runtime::cancel_scope& waiting,
                            runtime::cancel_scope& then) {
  const bool passed = co_await runtime::sleep_for(time, waiting);
  if (passed) then.cancel();
  co_return ok();
}

}  // namespace

std::size_t copy_run::data_memory_bytes() const {
  return std::max(settings_.memory_bytes, limits::memory_min_bytes) - limits::memory_reserved_bytes;
}

std::uint32_t copy_run::lane_count() const {
  // Each lane must be able to hold the largest batch, so memory bounds their number.
  const auto fitting = static_cast<std::uint32_t>(data_memory_bytes() / limits::lane_memory_min_bytes);
  if (settings_.lanes > 0) return std::min(settings_.lanes, fitting);
  // The destination is the limit long before a lane is: its own threads need the cores.
  return std::clamp(std::thread::hardware_concurrency() / 4, 1U, std::min(8U, fitting));
}

std::uint32_t copy_run::workers_per_lane() const {
  return settings_.connections > 0 ? settings_.connections : workers_default;
}

task<result<>> copy_run::run() {
  board_.set_state(state::running);
  board_.set_phase(phase::initializing_collections_and_indexes);
  SLUICE_CO_TRYV(co_await find_both());
  // Pings live and end with the steps; what they meet is shown and never fails the copy.
  runtime::cancel_scope pinging_scope;
  auto with_the_run = scope_.on_cancel([&pinging_scope] { pinging_scope.cancel(); });
  runtime::task_group pinging(control_, pinging_scope);
  pinging.spawn(keep_pinging(pinging_scope));
  auto outcome = co_await run_steps();
  pinging_scope.cancel();
  auto pinged = co_await pinging.join();
  (void)pinged;
  if (outcome.has_error()) co_await release_lease();
  co_return outcome;
}

// With a scope and connections of its own, since the run's may be cancelled. What goes wrong here is told and never
// becomes the outcome: the lease then ends by itself.
task<void> copy_run::release_lease() {
  if (!lease_wanted_) co_return;
  runtime::cancel_scope releasing_scope;
  runtime::cancel_scope waiting_scope;
  runtime::task_group waiting(control_, waiting_scope);
  waiting.spawn(cancel_after(limits::release_time, waiting_scope, releasing_scope));
  sluice::state::checkpoint theirs(
      [&] { return cluster::connect_primary(destination_, releasing_scope, limits::release_time); }, releasing_scope,
      limits::release_time);
  auto released = co_await theirs.release(self_);
  waiting_scope.cancel();
  auto waited = co_await waiting.join();
  (void)waited;
  if (!released) {
    log(log_level::warn, "session", "The lease could not be given up; it ends by itself",
        {{"seconds", std::chrono::seconds(limits::lease_time).count()}, {"cause", released.error().message}});
  }
}

task<result<>> copy_run::keep_pinging(runtime::cancel_scope& until) {
  std::unique_ptr<wire::connection> from;
  std::unique_ptr<wire::connection> to;
  for (;;) {
    const auto source_ms = co_await ping_once(source_, from, until);
    const auto destination_ms = co_await ping_once(destination_, to, until);
    board_.set_pings(source_ms, destination_ms);
    const bool go_on = co_await runtime::sleep_for(ping_interval, until);
    if (!go_on) co_return ok();
  }
}

task<result<>> copy_run::run_steps() {
  // Each step up to here may be done twice: an election or a lost connection in between begins them again.
  auto begin = [this]() -> task<result<>> {
    SLUICE_CO_TRYV(co_await connect());
    co_return co_await begin_or_resume();
  };
  SLUICE_CO_TRYV(co_await wire::retry(begin, settings_.retry_time, scope_));
  if (opened_.phase != sluice::state::run_phase::completed) {
    SLUICE_CO_TRYV(co_await create_collections());
    SLUICE_CO_TRYV(co_await copy_data());
    SLUICE_CO_TRYV(co_await build_indexes());
    SLUICE_CO_TRYV(co_await create_views());
  }
  co_return co_await finish();
}

task<result<>> copy_run::find_both() {
  SLUICE_CO_TRY(auto source_uri, wire::connection_string::parse(settings_.source_uri));
  SLUICE_CO_TRY(auto destination_uri, wire::connection_string::parse(settings_.destination_uri));
  SLUICE_CO_TRY(source_, co_await cluster::discover(source_uri, cluster::role::source, scope_));
  SLUICE_CO_TRY(destination_, co_await cluster::discover(destination_uri, cluster::role::destination, scope_));
  board_.set_names(names_.source + ": " + source_.primary.to_string(),
                   names_.destination + ": " + destination_.primary.to_string());
  co_return cluster::check_pair(source_, destination_);
}

task<result<>> copy_run::connect() {
  SLUICE_CO_TRY(to_source_, co_await cluster::connect_primary(source_, scope_, settings_.retry_time));
  SLUICE_CO_TRY(to_destination_, co_await cluster::connect_primary(destination_, scope_, settings_.retry_time));
  SLUICE_CO_TRYV(co_await cluster::check_privileges(*to_source_, cluster::role::source));
  SLUICE_CO_TRYV(co_await cluster::check_privileges(*to_destination_, cluster::role::destination));
  log(log_level::info, "session", "Connected",
      {{"source", source_.name()},
       {"sourceVersion", source_.version.to_string()},
       {"destination", destination_.name()},
       {"destinationVersion", destination_.version.to_string()}});
  checkpoint_ = std::make_unique<sluice::state::checkpoint>(
      [this]() { return cluster::connect_primary(destination_, scope_, settings_.retry_time); }, scope_,
      settings_.retry_time);
  co_return ok();
}

task<result<>> copy_run::begin_or_resume() {
  entries_.clear();
  board_.counters.clear();  // not published yet: nobody looks at them
  board_.builds.clear();
  if (settings_.reset) {
    log(log_level::warn, "session", "Dropping the checkpoint and starting over",
        {{"destination", destination_.name()}});
    SLUICE_CO_TRYV(co_await checkpoint_->drop());
  }
  SLUICE_CO_TRY(const bool resuming, co_await checkpoint_->exists());
  SLUICE_CO_TRYV(co_await read_source_catalog());
  if (!resuming && !settings_.drop) {
    const auto planned = data_collections();
    SLUICE_CO_TRYV(co_await refuse_or_drop_existing(planned));
  }
  sluice::state::run_parameters mine{source_.identity,    source_.name(),    destination_.identity,
                                     destination_.name(), settings_.include, settings_.exclude};
  lease_wanted_ = true;  // even when it fails: the reply that says so may be the only thing that got lost
  SLUICE_CO_TRY(opened_, co_await checkpoint_->open(std::move(mine), self_));
  runtime::failure_point("run_opened");
  board_.set_destination_written();
  board_.set_phase(phase::initializing_partitions);
  if (opened_.phase == sluice::state::run_phase::planning) {
    const auto planned = data_collections();
    SLUICE_CO_TRYV(co_await refuse_or_drop_existing(planned));
    SLUICE_CO_TRYV(co_await plan_all());
  } else {
    log(log_level::info, "session", "Going on where an earlier process stopped",
        {{"phase", sluice::state::to_string(opened_.phase)}});
    SLUICE_CO_TRYV(co_await resume_plan());
  }
  board_.publish_catalog(catalog_);
  co_return ok();
}

task<result<>> copy_run::read_source_catalog() {
  SLUICE_CO_TRY(catalog_, co_await cluster::read_catalog(*to_source_, filter_of(settings_), true));
  std::int64_t bytes = 0;
  for (const auto& info : catalog_.collections) bytes += info.data_bytes;
  partitioning_.partition_bytes = plan::partition_bytes_for(bytes, lane_count() * workers_per_lane());
  if (source_.can.natural_resume) {
    partitioning_.node = to_source_->host();
    SLUICE_CO_TRY(partitioning_.data_identity, co_await cluster::read_data_identity(*to_source_));
    if (partitioning_.data_identity.empty()) {
      board_.add_warning(
          "the source's `local` database cannot be read, so collections are copied in _id order, which "
          "costs the source more; grant the `backup` role to avoid that");
    }
  }
  co_return ok();
}

task<result<>> copy_run::refuse_or_drop_existing(const std::vector<const collection_info*>& fresh) {
  SLUICE_CO_TRY(auto there, co_await cluster::read_catalog(*to_destination_, cluster::namespace_filter{}, false));
  std::set<cluster::namespace_name> planned;
  for (const auto* info : fresh) planned.insert(info->ns);
  for (const auto& info : catalog_.collections) {
    if (info.kind == collection_kind::view) planned.insert(info.ns);
  }
  std::vector<std::string> names;
  for (const auto& info : there.collections) {
    if (!planned.contains(info.ns)) continue;
    names.push_back(info.ns.to_string());
    if (!settings_.drop) continue;
    log(log_level::info, "session", "Dropping a collection of the destination", {{"ns", info.ns.to_string()}});
    SLUICE_CO_TRYV(co_await copy::drop_collection(*to_destination_, info.ns));
  }
  if (names.empty() || settings_.drop) co_return ok();
  co_return failure(error_kind::refused,
                    "the destination " + destination_.name() + " already holds " + std::to_string(names.size()) +
                        " of the namespaces to be copied: " + listed(names) +
                        "; drop them, leave them out with --exclude, or let --drop drop them. Nothing was written");
}

std::vector<const collection_info*> copy_run::data_collections() const {
  std::vector<const collection_info*> found;
  for (const auto& info : catalog_.collections) {
    if (info.kind != collection_kind::view) found.push_back(&info);
  }
  return found;
}

std::vector<const collection_info*> copy_run::living_collections() const {
  auto found = data_collections();
  std::erase_if(found, [this](const collection_info* info) { return board_.counters.at(info->ns)->gone.load(); });
  return found;
}

void copy_run::prepare_counters() {
  for (const auto* info : data_collections()) {
    board_.counters.try_emplace(info->ns, std::make_unique<copy::collection_counters>());
    board_.builds.try_emplace(info->ns, std::make_unique<index::build_progress>());
  }
}

void copy_run::add_entry(plan::partition what, copy::position at) {
  auto& counters = *board_.counters.at(what.ns);
  counters.documents += at.documents;
  counters.bytes += at.bytes;
  if (!at.done) ++counters.partitions_left;
  entries_.push_back({std::move(what), std::move(at)});
}

task<result<std::vector<plan::partition>>> copy_run::cut(std::vector<const collection_info*> infos) {
  std::vector<plan::partition> all;
  for (const auto* info : infos) {
    SLUICE_CO_TRY(auto pieces, co_await plan::cut(*to_source_, *info, partitioning_, source_.can));
    std::ranges::move(pieces, std::back_inserter(all));
  }
  co_return all;
}

task<result<>> copy_run::plan_all() {
  prepare_counters();
  SLUICE_CO_TRY(auto pieces, co_await cut(data_collections()));
  std::vector<bson::document> documents;
  documents.reserve(pieces.size());
  for (const auto& piece : pieces) documents.push_back(plan::to_document(piece));
  SLUICE_CO_TRYV(co_await checkpoint_->store("partitions", std::move(documents)));
  runtime::failure_point("partitions_stored");
  SLUICE_CO_TRYV(co_await checkpoint_->set_phase(sluice::state::run_phase::copying));
  runtime::failure_point("copying_begun");
  for (auto& piece : pieces) add_entry(std::move(piece), {});
  co_return ok();
}

// Partitions keep the name under which their collection was planned: it is identified by UUID, and its copy on the
// destination has that name. What the source has got since is planned now; what it has lost is dropped.
task<result<>> copy_run::resume_plan() {
  SLUICE_CO_TRY(auto stored, co_await checkpoint_->load("partitions"));
  SLUICE_CO_TRY(auto refused, co_await checkpoint_->load("refused"));
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
    }
    known.insert(piece.ns);
    copy::position at;
    if (is_trusted(document, opened_)) at = copy::position_from(document);
    going_on.emplace_back(std::move(piece), std::move(at));
  }
  std::erase_if(lost, [&known](const auto& ns) { return known.contains(ns); });
  for (const auto& ns : lost) {
    log(log_level::warn, "session", "A collection was dropped on the source; its copy is dropped too",
        {{"ns", ns.to_string()}});
    SLUICE_CO_TRYV(co_await copy::drop_collection(*to_destination_, ns));
  }
  std::ranges::sort(catalog_.collections, {}, &collection_info::ns);
  prepare_counters();
  for (auto& [piece, at] : going_on) add_entry(std::move(piece), std::move(at));

  std::vector<const collection_info*> fresh;
  for (const auto* info : data_collections()) {
    if (!known.contains(info->ns)) fresh.push_back(info);
  }
  if (opened_.phase == sluice::state::run_phase::copying && !fresh.empty()) {
    SLUICE_CO_TRYV(co_await refuse_or_drop_existing(fresh));
    SLUICE_CO_TRY(auto pieces, co_await cut(fresh));
    std::vector<bson::document> documents;
    for (const auto& piece : pieces) documents.push_back(plan::to_document(piece));
    SLUICE_CO_TRYV(co_await checkpoint_->add("partitions", std::move(documents)));
    for (auto& piece : pieces) add_entry(std::move(piece), {});
  } else {
    std::erase_if(catalog_.collections, [&known](const collection_info& info) {
      return info.kind != collection_kind::view && !known.contains(info.ns);
    });
  }
  co_return ok();
}

task<result<>> copy_run::create_collections() {
  if (opened_.phase == sluice::state::run_phase::indexing) co_return ok();
  auto create = [](wire::connection& to, const collection_info& info) { return copy::create_collection(to, info); };
  SLUICE_CO_TRYV(
      co_await copy::for_each_collection(destination_, data_collections(), create, scope_, settings_.retry_time));
  runtime::failure_point("collections_created");
  co_return ok();
}

task<result<>> copy_run::copy_data() {
  board_.set_phase(phase::collection_copy);
  if (settings_.lanes > lane_count()) {
    board_.add_warning("only " + std::to_string(lane_count()) + " lanes fit into the memory; raise --memory-mb");
  }
  const copy::copier_options options{.lanes = lane_count(),
                                     .workers_per_lane = workers_per_lane(),
                                     .memory_bytes = data_memory_bytes(),
                                     .patience = settings_.retry_time};
  copy::copier::job work{source_,         destination_,   catalog_,     partitioning_,          std::move(entries_),
                         board_.counters, board_.refused, *checkpoint_, opened_.confirmed_flush};
  copy::copier copier(control_, options, std::move(work), scope_);
  SLUICE_CO_TRYV(co_await copier.run());
  runtime::failure_point("data_copied");
  SLUICE_CO_TRYV(co_await drop_what_is_gone());
  if (opened_.phase != sluice::state::run_phase::indexing) {
    auto restore = [](wire::connection& to, const collection_info& info) { return copy::restore_options(to, info); };
    auto left = living_collections();
    std::erase_if(left, [](const collection_info* info) { return !cluster::restore_command(*info); });
    SLUICE_CO_TRYV(co_await copy::for_each_collection(destination_, left, restore, scope_, settings_.retry_time));
    SLUICE_CO_TRYV(co_await checkpoint_->set_phase(sluice::state::run_phase::indexing));
  }
  co_return ok();
}

// By UUID, as everything on the source: what was renamed is still there. One listCollections a database.
task<result<>> copy_run::drop_what_is_gone() {
  std::vector<const collection_info*> gone;
  auto look = [this, &gone]() -> task<result<>> {
    gone.clear();
    SLUICE_CO_TRY(auto from, co_await cluster::connect_primary(source_, scope_, settings_.retry_time));
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
  SLUICE_CO_TRYV(co_await wire::retry(look, settings_.retry_time, scope_));
  for (const auto* info : gone) {
    log(log_level::warn, "session",
        "A collection was dropped on the source after it was copied; it is dropped here too",
        {{"ns", info->ns.to_string()}});
    board_.counters.at(info->ns)->gone = true;
  }
  auto drop = [](wire::connection& to, const collection_info& info) { return copy::drop_collection(to, info.ns); };
  co_return co_await copy::for_each_collection(destination_, std::move(gone), drop, scope_, settings_.retry_time);
}

task<result<>> copy_run::build_indexes() {
  board_.set_phase(phase::index_build);
  runtime::failure_point("indexing_begun");
  auto left = living_collections();
  SLUICE_CO_TRY(failed_indexes_, co_await index::build_indexes(destination_, std::move(left), board_.builds, scope_,
                                                               settings_.retry_time));
  co_return co_await drop_what_is_gone();  // once more: building may take as long as copying
}

task<result<>> copy_run::create_views() {
  std::vector<const collection_info*> views;
  for (const auto& info : catalog_.collections) {
    if (info.kind == collection_kind::view) views.push_back(&info);
  }
  auto create = [](wire::connection& to, const collection_info& info) { return copy::create_collection(to, info); };
  SLUICE_CO_TRYV(co_await copy::for_each_collection(destination_, views, create, scope_, settings_.retry_time));
  runtime::failure_point("views_created");
  co_return ok();
}

task<result<>> copy_run::finish() {
  if (board_.refused.count() == 0 && failed_indexes_.empty()) {
    board_.set_phase(phase::copy_completed);
    SLUICE_CO_TRYV(co_await checkpoint_->set_phase(sluice::state::run_phase::completed));
    runtime::failure_point("completed");
    co_return co_await checkpoint_->drop();
  }
  std::vector<std::string> missing;
  for (const auto& one : board_.refused.first())
    missing.push_back(one.ns + " _id " + one.id_json + " (" + one.message + ")");
  for (const auto& one : failed_indexes_) missing.push_back(one.ns + " index " + one.name + " (" + one.message + ")");
  co_return failure(error_kind::server, "the destination refused " + std::to_string(board_.refused.count()) +
                                            " documents and " + std::to_string(failed_indexes_.size()) +
                                            " indexes; everything else was copied. Missing: " + listed(missing));
}

}  // namespace sluice::session
