#include "engine/runtime/task_group.hpp"

#include <cassert>
#include <chrono>
#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sluice::runtime {

task_group::task_group(boost::asio::any_io_executor lane, cancel_scope& scope)
    : lane_(std::move(lane)), scope_(scope), done_(lane_, std::chrono::steady_clock::time_point::max()) {}

task_group::~task_group() {
  assert(running_ == 0 && "a coroutine outlives its group");
}

void task_group::spawn(task<result<>> member) {
  ++running_;
  auto body = [](task_group* group, task<result<>> work) -> task<void> {
    result<> outcome = co_await std::move(work);
    group->ended(std::move(outcome));
  };
  // Exceptions are programming errors (result.hpp): they must not disappear with the coroutine.
  boost::asio::co_spawn(lane_, body(this, std::move(member)), [](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
}

void task_group::ended(result<> outcome) {
  --running_;
  if (outcome.has_error()) {
    error& cause = outcome.error();
    const bool echo = cause.kind == error_kind::cancelled;
    if (!first_ || (first_->kind == error_kind::cancelled && !echo)) first_ = std::move(cause);
    scope_.cancel();
  }
  if (running_ == 0) done_.cancel();
}

task<result<>> task_group::join() {
  while (running_ > 0) {
    boost::system::error_code woken;
    co_await done_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
  }
  if (first_) co_return *std::exchange(first_, std::nullopt);
  co_return ok();
}

result<> common_outcome(result<> one, result<> other) {
  const bool says_more = one.has_value() || (one.error().kind == error_kind::cancelled && other.has_error());
  return says_more ? other : one;
}

}  // namespace sluice::runtime
