// Work that blocks (libmongoc, DNS), off the lane: a thread of its own, for the few times in a run that it happens.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/runtime/result.hpp"

namespace sluice::wire {

/// Runs `work()` on a new thread; the caller resumes on its lane with what it returned. Nothing here cancels it: who
/// may want its end gives `work` something to end it by (a socket to shut down, a deadline).
template <class Work>
[[nodiscard]] auto call_blocking(Work work) -> task<std::invoke_result_t<Work&>> {
  using value_type = std::invoke_result_t<Work&>;
  using timer = boost::asio::steady_timer;
  struct shared {
    explicit shared(const boost::asio::any_io_executor& lane) : ended(lane, timer::time_point::max()) {}
    timer ended;
    bool done = false;
    std::optional<value_type> value;
  };
  const boost::asio::any_io_executor lane = co_await boost::asio::this_coro::executor;
  auto state = std::make_shared<shared>(lane);
  const std::jthread thread([lane, state, &work] {
    state->value.emplace(work());
    boost::asio::post(lane, [state] {
      state->done = true;
      state->ended.cancel();
    });
  });
  while (!state->done) {
    boost::system::error_code woken;
    co_await state->ended.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
  }
  co_return std::move(*state->value);
}

}  // namespace sluice::wire
