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

std::vector<std::string> complaints_of(const verify::verify_figures& told) {
  std::vector<std::string> all;
  if (!told.fault.empty()) all.push_back("the commit stopped: the verification cannot go on: " + told.fault);
  for (const auto& one : told.differences) {
    all.push_back("the commit stopped: " + one.ns + " " + one.id_json + " " + one.what +
                  "; if applications still write to the source, end that and commit again");
  }
  const auto unnamed = told.different - static_cast<std::int64_t>(told.differences.size());
  if (unnamed > 0) all.push_back("the commit stopped: " + std::to_string(unnamed) + " more documents differ");
  if (told.undecided > 0) {
    all.push_back("the commit stopped: " + std::to_string(told.undecided) +
                  " documents of the source go on changing: end what writes to it, and commit again");
  }
  return all;
}

}  // namespace

/// Everything is applied: what has changed last is compared before anything else happens.
task<result<>> sync_run::compare_what_is_left() {
  commit_complaints_.clear();
  if (!verifying_) co_return ok();
  board_.set_waiting_for("the documents that changed last to be compared");
  SLUICE_CO_TRYV(co_await verifying_->settle());
  const auto told = verifying_->told();
  board_.set_verification(told);
  commit_complaints_ = complaints_of(told);
  log(log_level::info, "session", "Both sides were compared",
      {{"collections", told.collections_compared},
       {"documents", told.source_documents},
       {"lookedAgain", told.looked_again},
       {"different", told.different}});
  co_return ok();
}

task<result<>> sync_run::give_up_commit() {
  for (const auto& complaint : commit_complaints_) {
    log(log_level::error, "session", "The commit cannot be finished", {{"cause", complaint}});
  }
  SLUICE_CO_TRYV(co_await blocks_.lift_source(*checkpoint_));
  SLUICE_CO_TRYV(co_await checkpoint_->set_phase(run_phase::applying));
  opened_.phase = run_phase::applying;
  SLUICE_CO_TRYV(co_await checkpoint_->set_wish("run"));
  board_.set_phase(phase::change_application);
  desk_.commit_refused();
  if (verifying_) co_await verifying_->go_on();
  co_return ok();
}

task<result<bool>> sync_run::finish_commit(runtime::cancel_scope& scope) {
  SLUICE_CO_TRYV(co_await compare_what_is_left());
  if (!commit_complaints_.empty()) {
    SLUICE_CO_TRYV(co_await give_up_commit());
    co_return false;
  }
  board_.set_waiting_for("the catalog of the destination to become the source's");
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
    SLUICE_CO_TRYV(co_await give_up_commit());
    co_return false;
  }
  runtime::failure_point("cut_over");
  if (settings_.copy.users) {
    SLUICE_CO_TRYV(co_await bring_accounts(between_, settings_.copy, choice_, *checkpoint_, board_, scope));
  }
  SLUICE_CO_TRYV(co_await note_way_back());
  SLUICE_CO_TRYV(co_await balancer_.end());
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
