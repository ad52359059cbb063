// Coroutines that belong together: started, then waited for; the first failure cancels the rest.
#pragma once

#include <cstddef>
#include <optional>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::runtime {

/// The gate of a piece of work: nothing spawned here outlives join(). Lives on one lane, used there only.
class task_group {
 public:
  /// `scope` is cancelled when a member fails.
  task_group(boost::asio::any_io_executor lane, cancel_scope& scope);
  ~task_group();  // every member must have ended (asserted)
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;

  void spawn(task<result<>> member);
  /// Waits for all. The first error that was no mere echo of the cancellation, else `cancelled` if any member was.
  [[nodiscard]] task<result<>> join();
  [[nodiscard]] std::size_t running() const noexcept { return running_; }

 private:
  void ended(result<> outcome);

  boost::asio::any_io_executor lane_;
  cancel_scope& scope_;
  std::size_t running_ = 0;
  std::optional<error> first_;
  boost::asio::steady_timer done_;
};

/// Of two pieces of work that were cancelled together: what went wrong in either, before what only followed from it.
[[nodiscard]] result<> common_outcome(result<> one, result<> other);

}  // namespace sluice::runtime
