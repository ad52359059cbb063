#include "engine/wire/retry.hpp"

#include <algorithm>
#include <atomic>

#include "engine/runtime/limits.hpp"

namespace sluice::wire {

namespace {

// Of the process, as its metrics are: what tries again lies in every layer above.
std::atomic<std::int64_t> retries{0};

}  // namespace

std::int64_t retries_so_far() noexcept {
  return retries.load(std::memory_order_relaxed);
}

std::chrono::milliseconds backoff::next() {
  std::uniform_int_distribution<std::chrono::milliseconds::rep> between(upper_.count() / 2, upper_.count());
  if (!random_) random_.emplace(std::random_device{}());
  const std::chrono::milliseconds wait(between(*random_));
  retries.fetch_add(1, std::memory_order_relaxed);
  upper_ = std::min<std::chrono::milliseconds>(upper_ * 2, limits::retry_backoff_max);
  return wait;
}

void backoff::reset() {
  upper_ = limits::retry_backoff_min;
}

error gave_up(error last, std::chrono::steady_clock::duration tried_for, std::uint32_t attempts) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(tried_for).count();
  last.message += "; gave up after " + std::to_string(attempts) + " attempts in " + std::to_string(seconds) + " s";
  return last;
}

}  // namespace sluice::wire
