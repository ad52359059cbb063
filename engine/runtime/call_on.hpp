// How lanes talk: run a coroutine on another lane and come back with its value.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/runtime/result.hpp"

namespace sluice::runtime {

/// `work()` makes a task<T>; it runs on `lane`, the caller resumes on its own. The caller stays suspended until it has
/// ended, so `work` may refer to what the caller owns, if that may be used on the other lane.
template <class Work>
[[nodiscard]] auto call_on(boost::asio::any_io_executor lane, Work work) -> decltype(work()) {
  using value_type = typename std::remove_cvref_t<decltype(work())>::value_type;
  std::optional<value_type> value;
  auto body = [](Work todo, std::optional<value_type>* out) -> task<void> { out->emplace(co_await todo()); };
  co_await boost::asio::co_spawn(lane, body(std::move(work), &value), boost::asio::use_awaitable);
  co_return std::move(*value);
}

}  // namespace sluice::runtime
