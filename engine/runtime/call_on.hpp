// How lanes talk: run a coroutine on another lane and come back with its value.
#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/runtime/doorway.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::runtime {

namespace detail {

/// Runs `work` on `lane`, then goes on where the caller is. Asio's own way back (co_spawn with a caller that awaits it)
/// counts itself as work of the caller's lane, and takes that back on the other thread after the caller has gone on:
/// too late, if what the caller did next was to end, and its lane with it.
inline task<void> run_on(boost::asio::any_io_executor lane, task<void> work) {
  auto begin = [](auto caller, boost::asio::any_io_executor on, task<void> what) {
    const boost::asio::any_io_executor home = boost::asio::get_associated_executor(caller);
    auto come_back = [caller = std::move(caller), home, &door = doorway::of(home)](std::exception_ptr thrown) mutable {
      door.enter(home, [caller = std::move(caller), thrown]() mutable { std::move(caller)(thrown); });
    };
    boost::asio::co_spawn(on, std::move(what), std::move(come_back));
  };
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(std::exception_ptr)>(
      begin, boost::asio::use_awaitable, std::move(lane), std::move(work));
}

}  // namespace detail

/// `work()` makes a task<T>; it runs on `lane`, the caller resumes on its own. The caller stays suspended until it has
/// ended, so `work` may refer to what the caller owns, if that may be used on the other lane.
template <class Work>
[[nodiscard]] auto call_on(boost::asio::any_io_executor lane, Work work) -> decltype(work()) {
  using value_type = typename std::remove_cvref_t<decltype(work())>::value_type;
  std::optional<value_type> value;
  auto body = [](Work todo, std::optional<value_type>* out) -> task<void> { out->emplace(co_await todo()); };
  co_await detail::run_on(std::move(lane), body(std::move(work), &value));
  co_return std::move(*value);
}

}  // namespace sluice::runtime
