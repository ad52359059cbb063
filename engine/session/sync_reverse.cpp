// Turning a committed run around: what is written to the destination from its commit on goes back to the old source,
// which nobody else has written to. Nothing is copied: both sides were the same at that moment.
#include <utility>

#include "engine/apply/collection_map.hpp"
#include "engine/cluster/catalog_document.hpp"
#include "engine/index/loosen.hpp"
#include "engine/runtime/failure_point.hpp"
#include "engine/runtime/log.hpp"
#include "engine/session/run_facts.hpp"
#include "engine/session/sync_run.hpp"
#include "engine/wire/retry.hpp"

namespace sluice::session {

namespace {

using sluice::state::run_phase;

/// A run that was committed, as the checkpoint on what was its destination tells.
struct committed_run {
  capture::start_time begins;
  bool blocks_source = false;
  std::optional<write_blocking> block_writes;
  bool verify = true;
  std::vector<bson::document> catalog;
};

error nothing_to_reverse(const std::string& where, const std::string& why) {
  return failure(error_kind::refused, "there is nothing to reverse: the checkpoint on " + where + " " + why);
}

task<result<committed_run>> read_committed(sluice::state::checkpoint& from, std::string where,
                                           std::string destination_identity) {
  SLUICE_CO_TRY(const auto runs, co_await from.load("run"));
  if (runs.empty()) co_return nothing_to_reverse(where, "is gone");
  const auto run = runs.front().view();
  if (run.find("sourceIdentity").as_string() != destination_identity) {
    co_return nothing_to_reverse(where, "is of a run from another deployment");
  }
  if (run.find("phase").as_string() != sluice::state::to_string(run_phase::committed)) {
    co_return nothing_to_reverse(where, "is of a run that was not committed");
  }
  const auto facts = run.find("facts").as_document().value_or(bson::document_view());
  const auto since = facts.find(reverse_from_fact).as_timestamp();
  const auto contained = facts.find(reverse_contained_fact).as_timestamp();
  if (!since || !contained) co_return nothing_to_reverse(where, "does not say when its run was committed");
  committed_run found;
  found.begins = {*since, *contained};
  found.blocks_source = facts.find(blocks_source_fact).as_bool().value_or(false);
  found.block_writes = write_blocking_from(facts.find(write_blocking_fact).as_string().value_or(""));
  found.verify = facts.find(verification_fact).as_bool().value_or(false);
  SLUICE_CO_TRY(found.catalog, co_await from.load(reverse_collection));
  co_return found;
}

}  // namespace

/// Before anything is written: whether the way back will be open.
result<> sync_run::check_reversible() {
  const auto& source = between_.source;
  const auto& destination = between_.destination;
  const auto refused = [](const std::string& why) {
    return failure(error_kind::refused, "this run could not be reversed: " + why + "; leave \"reversible\" out");
  };
  if (source.kind != cluster::deployment_kind::replica_set) return refused("its source is a sharded cluster");
  if (destination.kind != cluster::deployment_kind::replica_set) return refused("its destination is a sharded cluster");
  if (source.fcv != between_.destination.fcv) {
    return refused("the source has feature compatibility version " + source.fcv + ", the destination " +
                   between_.destination.fcv);
  }
  if (!settings_.block_writes) settings_.block_writes = write_blocking::source_and_destination;
  if (*settings_.block_writes != write_blocking::source_and_destination) {
    board_.add_warning(
        "nobody keeps applications from writing to the source after the commit: what they write there then is lost, or "
        "makes the two differ, when the run is reversed");
  }
  return ok();
}

/// Once: what is written by others from here on has to come back.
task<result<>> sync_run::note_way_back() {
  if (!settings_.reversible || opened_.facts.view().find(reverse_from_fact)) co_return ok();
  capture::start_time begins;
  cluster::catalog catalog;
  auto look = [this, &begins, &catalog]() -> task<result<>> {
    SLUICE_CO_TRY(const auto there, co_await between_.open_destination());
    SLUICE_CO_TRY(const auto way, co_await capture::choose_way(*there, capture::capture_way::automatic));
    SLUICE_CO_TRY(catalog, co_await cluster::read_catalog(*there, cluster::namespace_filter{}, false));
    SLUICE_CO_TRY(begins, co_await capture::read_start_time(*there, way));
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await wire::retry(look, settings_.copy.retry_time, scope_));
  auto documents = cluster::to_documents(catalog);
  SLUICE_CO_TRYV(co_await checkpoint_->store(reverse_collection, std::move(documents)));
  bson::builder facts;
  facts.append(reverse_from_fact, begins.capture_from).append(reverse_contained_fact, begins.contained);
  bson::document noted = facts.finish();
  SLUICE_CO_TRYV(co_await checkpoint_->set_facts(std::move(noted)));
  runtime::failure_point("way_back_noted");
  co_return ok();
}

/// The run that this one turned around: once this one can go on by itself, nobody is to find both.
task<result<>> sync_run::forget_earlier() {
  sluice::state::checkpoint earlier([this] { return between_.open_source(); }, scope_, settings_.copy.retry_time,
                                    limits::lease_time,
                                    sluice::state::checkpoint_database_of(settings_.copy.migration_name));
  SLUICE_CO_TRY(const auto runs, co_await earlier.load("run"));
  if (runs.empty()) co_return ok();
  const auto run = runs.front().view();
  const bool is_it = run.find("sourceIdentity").as_string() == between_.destination.identity &&
                     run.find("phase").as_string() == sluice::state::to_string(run_phase::committed);
  if (!is_it) co_return ok();
  co_return co_await earlier.drop();
}

// Called as begin() is. Until the phase is `applying` the earlier run's checkpoint is there to begin from again.
task<result<>> sync_run::begin_reversed(bool opened) {
  sluice::state::checkpoint earlier([this] { return between_.open_source(); }, scope_, settings_.copy.retry_time,
                                    limits::lease_time,
                                    sluice::state::checkpoint_database_of(settings_.copy.migration_name));
  SLUICE_CO_TRY(auto committed,
                co_await read_committed(earlier, between_.source.name(), between_.destination.identity));
  if (!opened) co_return ok();
  board_.set_phase(phase::initializing_collections_and_indexes);
  begins_ = committed.begins;
  run_id_ = self_.token;
  bson::builder facts;
  facts.append(capture_from_fact, begins_.capture_from).append(contained_fact, begins_.contained);
  facts.append(run_fact, run_id_).append(capture_fact, to_string(way_));
  facts.append(collections_fact, static_cast<std::int64_t>(committed.catalog.size()));
  facts.append(users_fact, false).append(verification_fact, settings_.verify && committed.verify);
  facts.append(reversible_fact, true).append(reversed_fact, true);
  // Its users' writes have been refused since the commit: that block is this run's from here on.
  facts.append(blocks_destination_fact, committed.blocks_source);
  if (committed.block_writes) facts.append(write_blocking_fact, to_string(*committed.block_writes));
  settings_.verify = settings_.verify && committed.verify;
  settings_.block_writes = committed.block_writes;
  settings_.copy.users = false;
  bson::document noted = facts.finish();
  opened_.facts = noted;
  SLUICE_CO_TRYV(co_await checkpoint_->set_facts(std::move(noted)));
  SLUICE_CO_TRY(auto catalog, cluster::catalog_from(committed.catalog));
  const auto map = apply::map_of(catalog);
  SLUICE_CO_TRYV(copying_.set_catalog(std::move(catalog), choice_));
  SLUICE_CO_TRYV(co_await checkpoint_->store("catalog", std::move(committed.catalog)));
  runtime::failure_point("reversal_noted");

  index::loosen_job job{.destination = between_.destination,
                        .filter = choice_.filter_of_destination(),
                        .patience = settings_.copy.retry_time,
                        .may_write = [this] { return checkpoint_->lease_is_fresh(); }};
  SLUICE_CO_TRYV(co_await index::loosen(std::move(job), scope_));
  runtime::failure_point("reversal_loosened");

  auto mapped = map.to_documents();
  mapped.push_back(map_mark());
  SLUICE_CO_TRYV(co_await checkpoint_->store_mapped(std::move(mapped), {}));
  SLUICE_CO_TRYV(co_await checkpoint_->set_phase(run_phase::applying));
  opened_.phase = run_phase::applying;
  runtime::failure_point("reversal_begun");
  SLUICE_CO_TRYV(co_await forget_earlier());
  SLUICE_CO_TRYV(co_await copying_.resume(*checkpoint_, opened_));
  board_.publish_catalog(copying_.catalog());
  desk_.reversed();
  log(log_level::info, "session", "Reversed; changes go the other way from here on",
      {{"source", between_.source.name()}, {"destination", between_.destination.name()}});
  co_return ok();
}

}  // namespace sluice::session
