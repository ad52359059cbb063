// The turn is handed over, never left lying about: a coroutine that asks while another one is being woken queues up
// behind it.
#include "engine/runtime/mutex.hpp"

#include <cassert>
#include <chrono>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sluice::runtime {

/// Lives in the waiting coroutine; takes itself out when that is destroyed, with the turn if it has come.
struct mutex::waiter {
  waiter(mutex& wanted, const boost::asio::any_io_executor& lane)
      : of(wanted), woken(lane, std::chrono::steady_clock::time_point::max()) {
    of.waiting_.push_back(this);
  }
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;
  ~waiter() {
    if (!granted) {
      of.waiting_.remove(this);
    } else if (!taken) {
      of.pass_on();
    }
  }

  mutex& of;
  boost::asio::steady_timer woken;
  bool granted = false;  // it is this one's turn, and it is in the queue no more
  bool taken = false;    // and a `held` answers for it
};

mutex::~mutex() {
  assert(!taken_ && waiting_.empty() && "a mutex goes while it is held or waited for");
}

task<result<mutex::held>> mutex::lock(cancel_scope& scope) {
  if (scope.cancelled()) co_return failure(error_kind::cancelled, "cancelled before it was its turn");
  if (!taken_) {
    taken_ = true;
    co_return held(*this);
  }
  auto lane = co_await boost::asio::this_coro::executor;
  waiter self(*this, lane);
  const auto hook = scope.on_cancel([&self] { self.woken.cancel(); });
  while (!self.granted && !scope.cancelled()) {
    boost::system::error_code ended;
    co_await self.woken.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ended));
  }
  if (scope.cancelled()) co_return failure(error_kind::cancelled, "cancelled while waiting for its turn");
  self.taken = true;
  co_return held(*this);
}

void mutex::pass_on() noexcept {
  assert(taken_);
  if (waiting_.empty()) {
    taken_ = false;
    return;
  }
  waiter& next = *waiting_.front();
  waiting_.pop_front();
  next.granted = true;
  next.woken.cancel();
}

mutex::held& mutex::held::operator=(held&& other) noexcept {
  if (this != &other) {
    release();
    of_ = std::exchange(other.of_, nullptr);
  }
  return *this;
}

void mutex::held::release() noexcept {
  if (of_ != nullptr) std::exchange(of_, nullptr)->pass_on();
}

}  // namespace sluice::runtime
