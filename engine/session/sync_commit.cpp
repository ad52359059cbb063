// The end of a live sync: the destination becomes what the source is, and the application's. Killed anywhere it begins
// again here: the checkpoint's phase says that everything up to the fence is applied.
#include <utility>

#include "engine/index/cutover.hpp"
#include "engine/runtime/failure_point.hpp"
#include "engine/runtime/log.hpp"
#include "engine/session/account_stage.hpp"
#include "engine/session/sync_run.hpp"

namespace sluice::session {

namespace {

using sluice::state::run_phase;

std::vector<std::string> complaints_of(const index::cutover_report& report) {
  std::vector<std::string> all;
  for (const auto& one : report.violations) {
    all.push_back("the commit stopped: the documents of " + one.ns.to_string() + " do not fit the unique index " +
                  one.index + ": " + one.message + "; repair them on the source, then commit again");
  }
  for (const auto& one : report.obstacles) all.push_back("the commit stopped: " + one);
  for (const auto& one : report.left) all.push_back("the commit stopped: " + one);
  return all;
}

}  // namespace

task<result<bool>> sync_run::finish_commit(runtime::cancel_scope& scope) {
  board_.set_phase(phase::committing);
  SLUICE_CO_TRYV(co_await checkpoint_->set_phase(run_phase::committing));
  opened_.phase = run_phase::committing;
  runtime::failure_point("committing_begun");

  index::cutover_job job{.source = between_.source,
                         .destination = between_.destination,
                         .scope = choice_,
                         .policy = purpose_of(settings_.build_indexes).indexes,
                         .tells_by_name = between_.source.kind == cluster::deployment_kind::sharded,
                         .patience = settings_.copy.retry_time,
                         .may_write = [this] { return checkpoint_->lease_is_fresh(); }};
  job.policy.per_command = settings_.copy.indexes_per_command;
  index::cutover_progress progress;
  SLUICE_CO_TRY(const auto report, co_await index::cut_over(std::move(job), board_.builds, progress, scope));
  commit_complaints_ = complaints_of(report);
  if (!report.complete()) {
    for (const auto& complaint : commit_complaints_) {
      log(log_level::error, "session", "The commit cannot be finished", {{"cause", complaint}});
    }
    SLUICE_CO_TRYV(co_await blocks_.lift_source(*checkpoint_));
    SLUICE_CO_TRYV(co_await checkpoint_->set_phase(run_phase::applying));
    opened_.phase = run_phase::applying;
    SLUICE_CO_TRYV(co_await checkpoint_->set_wish("run"));
    board_.set_phase(phase::change_application);
    desk_.commit_refused();
    co_return false;
  }
  runtime::failure_point("cut_over");
  if (settings_.copy.users) {
    SLUICE_CO_TRYV(co_await bring_accounts(between_, settings_.copy, choice_, *checkpoint_, board_, scope));
  }
  SLUICE_CO_TRYV(co_await blocks_.lift_destination(*checkpoint_));
  runtime::failure_point("destination_unblocked");
  SLUICE_CO_TRYV(co_await checkpoint_->set_phase(run_phase::committed));
  opened_.phase = run_phase::committed;
  blocks_.keep_source();
  board_.set_can_write();
  board_.set_phase(phase::commit_completed);
  desk_.committed();
  log(log_level::info, "session", "Committed; the destination is the application's");
  co_return true;
}

}  // namespace sluice::session
