#include "engine/runtime/sleep.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sluice::runtime {

task<bool> sleep_for(std::chrono::steady_clock::duration time, cancel_scope& scope) {
  if (scope.cancelled()) co_return false;
  auto lane = co_await boost::asio::this_coro::executor;
  boost::asio::steady_timer timer(lane, time);
  auto hook = scope.on_cancel([&timer] { timer.cancel(); });
  boost::system::error_code woken;
  co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
  co_return !scope.cancelled();
}

}  // namespace sluice::runtime
