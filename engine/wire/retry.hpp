// The one place where the engine tries again: how long it waits in between, and when it gives up.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::wire {

/// Waits that double from limits::retry_backoff_min to retry_backoff_max, each shortened by up to a half at random, so
/// that many connections which failed together do not come back together.
class backoff {
 public:
  /// Seeded by the system when it is first needed: most operations never fail, and asking costs more than they do.
  backoff() { reset(); }
  explicit backoff(std::uint64_t seed) : random_(std::minstd_rand(static_cast<std::minstd_rand::result_type>(seed))) {
    reset();
  }
  [[nodiscard]] std::chrono::milliseconds next();
  void reset();

 private:
  std::optional<std::minstd_rand> random_;
  std::chrono::milliseconds upper_{};
};

/// How often anything of this process has waited to try again.
[[nodiscard]] std::int64_t retries_so_far() noexcept;

/// What a retry is about to wait for; for progress and the log.
struct retry_notice {
  const error& cause;
  std::uint32_t attempt;  // 1: the first one has just failed
  std::chrono::milliseconds wait;
};
using on_retry = std::function<void(const retry_notice&)>;

/// The last error, with how long and how often it was tried.
[[nodiscard]] error gave_up(error last, std::chrono::steady_clock::duration tried_for, std::uint32_t attempts);

/// Runs `operation()` (a task<result<T>>) until it succeeds, fails with an error that is_retryable() denies, or
/// `patience` has passed since the first failure. Zero patience: once. Cancelled by `scope`, between attempts at once.
///
///   auto open = [&] { return connection::open(uri, host, scope); };
///   auto opened = co_await retry(open, patience, scope, report);
template <class Operation>
[[nodiscard]] auto retry(Operation operation, std::chrono::milliseconds patience, runtime::cancel_scope& scope,
                         on_retry report = {}) -> decltype(operation()) {
  using clock = std::chrono::steady_clock;
  backoff waits;
  clock::time_point first_failure{};
  for (std::uint32_t attempt = 1;; ++attempt) {
    auto outcome = co_await operation();
    if (outcome || !is_retryable(outcome.error())) co_return outcome;
    const auto now = clock::now();
    if (attempt == 1) first_failure = now;
    const auto wait = waits.next();
    if (now + wait > first_failure + patience) {
      co_return attempt == 1 ? outcome.error() : gave_up(outcome.error(), now - first_failure, attempt);
    }
    if (report) report(retry_notice{outcome.error(), attempt, wait});
    const bool slept = co_await runtime::sleep_for(wait, scope);
    if (!slept) co_return failure(error_kind::cancelled, "cancelled while waiting to try again");
  }
}

}  // namespace sluice::wire
