#include "engine/session/copy_run.hpp"

#include <utility>

#include "engine/runtime/failure_point.hpp"
#include "engine/runtime/log.hpp"
#include "engine/runtime/task_group.hpp"
#include "engine/session/account_stage.hpp"
#include "engine/session/hold_lease.hpp"
#include "engine/session/start_warnings.hpp"
#include "engine/wire/retry.hpp"

namespace sluice::session {

using sluice::state::run_phase;

task<result<>> copy_run::run() {
  board_.set_state(state::running);
  board_.set_phase(phase::initializing_collections_and_indexes);
  SLUICE_CO_TRY(choice_, choose_namespaces(settings_));
  SLUICE_CO_TRYV(co_await between_.find(names_));
  // Pings live and end with the steps; what they meet is shown and never fails the copy.
  runtime::cancel_scope pinging_scope;
  auto with_the_run = scope_.on_cancel([&pinging_scope] { pinging_scope.cancel(); });
  runtime::task_group pinging(control_, pinging_scope);
  pinging.spawn(between_.keep_pinging(pinging_scope));
  auto outcome = co_await run_steps();
  pinging_scope.cancel();
  auto pinged = co_await pinging.join();
  (void)pinged;
  // Success has dropped the checkpoint, and the lease with it.
  if (outcome.has_error() && lease_wanted_) co_await between_.release_lease(self_);
  co_return outcome;
}

task<result<>> copy_run::run_steps() {
  // Each step up to here may be done twice: an election or a lost connection in between begins them again.
  auto begin = [this]() -> task<result<>> {
    SLUICE_CO_TRYV(co_await between_.connect());
    checkpoint_ = between_.make_checkpoint();
    if (settings_.users) {
      SLUICE_CO_TRYV(co_await look_at_accounts(between_, choice_));
    }
    co_return co_await begin_or_resume();
  };
  SLUICE_CO_TRYV(co_await wire::retry(begin, settings_.retry_time, scope_));
  for (auto& sentence : start_warnings_) {
    log(log_level::warn, "session", sentence);
    board_.add_warning(std::move(sentence));
  }
  if (opened_.phase != run_phase::completed) {
    SLUICE_CO_TRYV(co_await hold_lease(control_, *checkpoint_, scope_, copy_all()));
  }
  co_return co_await finish();
}

task<result<>> copy_run::copy_all() {
  SLUICE_CO_TRYV(co_await balancer_.begin(*checkpoint_, opened_.facts));
  SLUICE_CO_TRYV(co_await copying_.copy(*checkpoint_, opened_, scope_));
  if (!settings_.users || !copying_.missing().empty()) co_return ok();
  co_return co_await bring_accounts(between_, settings_, choice_, *checkpoint_, board_, scope_);
}

task<result<>> copy_run::begin_or_resume() {
  if (settings_.reset) {
    log(log_level::warn, "session", "Dropping the checkpoint and starting over",
        {{"destination", between_.destination.name()}});
    SLUICE_CO_TRYV(co_await checkpoint_->drop_unless_owned(self_));
  }
  SLUICE_CO_TRY(const bool resuming, co_await checkpoint_->exists());
  SLUICE_CO_TRY(auto catalog, co_await cluster::read_catalog(*between_.to_source, choice_.filter, true));
  SLUICE_CO_TRY(start_warnings_, co_await find_start_warnings(*between_.to_source, choice_, settings_.sharding));
  SLUICE_CO_TRYV(co_await between_.take_shard_keys(catalog));
  SLUICE_CO_TRYV(copying_.set_catalog(std::move(catalog), choice_));
  if (!resuming && !settings_.drop) {
    SLUICE_CO_TRYV(co_await copying_.refuse_or_drop_existing());
    SLUICE_CO_TRYV(co_await between_.check_what_would_fail_later(copying_.catalog()));
  }
  sluice::state::run_parameters mine{between_.source.identity,    between_.source.name(), between_.destination.identity,
                                     between_.destination.name(), settings_.include,      settings_.exclude};
  for (const auto& [from, to] : settings_.remaps) mine.remaps.insert(mine.remaps.end(), {from, to});
  mine.document_filter = settings_.documents.given();
  if (settings_.sharding) mine.sharding = settings_.sharding->given();
  lease_wanted_ = true;  // even when it fails: the reply that says so may be the only thing that got lost
  SLUICE_CO_TRY(opened_, co_await checkpoint_->open(std::move(mine), self_));
  runtime::failure_point("run_opened");
  board_.set_destination_written();
  board_.set_phase(phase::initializing_partitions);
  SLUICE_CO_TRYV(co_await hold_lease(control_, *checkpoint_, scope_, plan_or_resume()));
  board_.publish_catalog(copying_.catalog());
  co_return ok();
}

task<result<>> copy_run::plan_or_resume() {
  if (opened_.phase != run_phase::planning) {
    log(log_level::info, "session", "Going on where an earlier process stopped",
        {{"phase", sluice::state::to_string(opened_.phase)}});
    co_return co_await copying_.resume(*checkpoint_, opened_);
  }
  SLUICE_CO_TRYV(co_await copying_.refuse_or_drop_existing());
  co_return co_await copying_.plan(*checkpoint_);
}

task<result<>> copy_run::finish() {
  const std::string missing = copying_.missing();
  if (!missing.empty()) co_return failure(error_kind::server, missing);
  board_.set_phase(phase::copy_completed);
  SLUICE_CO_TRYV(co_await checkpoint_->set_phase(run_phase::completed));
  runtime::failure_point("completed");
  SLUICE_CO_TRYV(co_await balancer_.end());
  co_return co_await checkpoint_->drop();
}

}  // namespace sluice::session
