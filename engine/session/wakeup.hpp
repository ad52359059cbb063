// One coroutine of a lane waits until another one has news for it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/runtime/result.hpp"

namespace sluice::session {

/// Used on its lane only. The waiter looks at its conditions, then waits; since nobody else runs in between, no news is
/// missed.
class wakeup {
 public:
  explicit wakeup(const boost::asio::any_io_executor& lane)
      : timer_(lane, boost::asio::steady_timer::time_point::max()) {}

  void notify() { timer_.cancel(); }
  [[nodiscard]] task<void> wait() {
    boost::system::error_code woken;
    co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
  }

 private:
  boost::asio::steady_timer timer_;
};

}  // namespace sluice::session
