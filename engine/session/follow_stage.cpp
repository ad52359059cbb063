#include "engine/session/follow_stage.hpp"

#include <utility>

#include "engine/capture/start_time.hpp"
#include "engine/runtime/failure_point.hpp"
#include "engine/runtime/log.hpp"
#include "engine/wire/retry.hpp"

namespace sluice::session {

task<result<>> follow_stage::apply() {
  ended_ = co_await applying_.run(scope_);
  with_.news.notify();
  co_return ok();
}

task<result<follow_end>> follow_stage::run() {
  auto outcome = co_await loop();
  if (outcome.has_error()) scope_.cancel();  // the applier may still be at it
  auto ended = co_await group_.join();
  (void)ended;
  with_.board.set_waiting_for({});
  co_return outcome;
}

task<result<follow_end>> follow_stage::loop() {
  group_.spawn(apply());
  for (;;) {
    if (ended_) {
      auto joined = co_await group_.join();
      (void)joined;
      const auto how = *std::exchange(ended_, std::nullopt);
      if (how.has_error()) co_return how.error();
      if (how.value() == apply::apply_end::torn) co_return follow_end::torn;
      SLUICE_CO_TRY(const bool committed, co_await at_goal());
      if (committed) co_return follow_end::committed;
      goal_set_ = false;
      group_.spawn(apply());
      continue;
    }
    const wish wanted = with_.operator_desk.wanted();
    if (wanted != wish::run && !goal_set_ && !scope_.cancelled()) {
      SLUICE_CO_TRYV(co_await set_goal(wanted));
      goal_set_ = true;
      continue;
    }
    co_await with_.news.wait();
  }
}

task<result<>> follow_stage::set_goal(wish wanted) {
  const bool commits = wanted == wish::commit;
  with_.board.set_waiting_for(commits ? "the last changes to be applied, before the commit"
                                      : "the changes up to now to be applied, before the pause");
  SLUICE_CO_TRYV(co_await with_.checkpoint.set_wish(commits ? "commit" : "pause"));
  if (commits) {
    runtime::failure_point("commit_wished");
    with_.board.set_phase(phase::committing);
    SLUICE_CO_TRYV(co_await with_.blocks.block_source(with_.checkpoint));
  }
  bson::timestamp fence;
  auto append = [this, &fence]() -> task<result<>> {
    SLUICE_CO_TRY(const auto from, co_await with_.between.open_source());
    SLUICE_CO_TRY(fence, co_await capture::append_fence(*from));
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await wire::retry(append, patience_, scope_));
  runtime::failure_point("fence_appended");
  log(log_level::info, "session", commits ? "Commit handler called" : "Pausing",
      {{"fenceSeconds", fence.seconds}, {"fenceIncrement", fence.increment}});
  co_await applying_.stop_at(fence);
  co_return ok();
}

task<result<bool>> follow_stage::at_goal() {
  with_.board.set_waiting_for({});
  if (with_.operator_desk.wanted() == wish::commit) {
    SLUICE_CO_TRY(const bool committed, co_await finish_(scope_));
    with_.board.set_waiting_for({});
    co_return committed;
  }
  SLUICE_CO_TRYV(co_await stay_paused());
  co_return false;
}

task<result<>> follow_stage::stay_paused() {
  with_.operator_desk.paused();
  log(log_level::info, "session", "Paused; everything up to now is applied");
  while (with_.operator_desk.wanted() == wish::pause && !scope_.cancelled()) co_await with_.news.wait();
  if (scope_.cancelled()) co_return failure(error_kind::cancelled, "cancelled while paused");
  log(log_level::info, "session", "Going on");
  if (with_.operator_desk.wanted() == wish::run) co_return co_await with_.checkpoint.set_wish("run");
  co_return ok();
}

}  // namespace sluice::session
