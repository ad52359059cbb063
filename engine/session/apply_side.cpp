#include "engine/session/apply_side.hpp"

#include <utility>

#include <boost/asio/post.hpp>

#include "engine/runtime/call_on.hpp"

namespace sluice::session {

apply_side::apply_side(boost::asio::any_io_executor control, job work, capture_side& from,
                       apply::apply_counters& counters, apply::apply_position& position)
    : control_(std::move(control)), job_(std::move(work)), from_(from), counters_(counters), position_(position) {
  lane_.start();
}

apply_side::~apply_side() {
  lane_.stop();
}

task<result<apply::apply_end>> apply_side::run(runtime::cancel_scope& until) {
  auto with_the_run = until.on_cancel([this] { boost::asio::post(lane_.executor(), [this] { scope_.cancel(); }); });
  auto work = [this]() -> task<result<apply::apply_end>> {
    if (!applier_) {
      apply::make_durable durable = [this](apply::checkpoint_request asked) -> task<result<apply::checkpoint_verdict>> {
        auto on_control = [this, &asked] { return job_.checkpoint(std::move(asked)); };
        co_return co_await runtime::call_on(control_, on_control);
      };
      applier_ = std::make_unique<apply::applier>(lane_.executor(), from_.executor(), from_.spool(), job_.source,
                                                  job_.destination, job_.map, job_.options, counters_, position_,
                                                  std::move(durable), scope_);
    }
    co_return co_await applier_->run();
  };
  co_return co_await runtime::call_on(lane_.executor(), work);
}

task<void> apply_side::stop_at(bson::timestamp goal) {
  auto work = [this, goal]() -> task<result<>> {
    if (applier_) applier_->stop_at(goal);
    co_return ok();
  };
  const auto done = co_await runtime::call_on(lane_.executor(), work);
  (void)done;
}

task<void> apply_side::close() {
  auto work = [this]() -> task<result<>> {
    applier_.reset();
    co_return ok();
  };
  const auto done = co_await runtime::call_on(lane_.executor(), work);
  (void)done;
}

}  // namespace sluice::session
