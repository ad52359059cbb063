// How long operations took, as histograms that cost their writer two additions and a reader a copy. No locks: a lane
// counts in its own histogram, whoever asks adds those of all lanes up.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::runtime {

/// Upper bounds in microseconds, "at most" as Prometheus has it; beyond the last one lies one more bucket. From a small
/// insert on the same machine to a destination that stands still.
inline constexpr std::array<std::int64_t, 15> latency_bounds_us{
    1'000,   2'000,     5'000,     10'000,    20'000,     50'000,     100'000,   200'000,
    500'000, 1'000'000, 2'000'000, 5'000'000, 10'000'000, 30'000'000, 60'000'000};

/// What was counted up to a moment.
struct latency_counts {
  std::array<std::uint64_t, latency_bounds_us.size() + 1> by_bucket{};  // not cumulative
  std::uint64_t sum_us = 0;
};

class latency_histogram {
 public:
  /// Any thread; meant for one.
  void add(std::chrono::steady_clock::duration took) noexcept {
    const auto us = std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(took).count());
    const auto bucket = std::ranges::lower_bound(latency_bounds_us, us) - latency_bounds_us.begin();
    counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
    sum_us_.fetch_add(static_cast<std::uint64_t>(us), std::memory_order_relaxed);
  }
  /// Any thread. While add() goes on the sum may be an operation ahead of the counts, or behind.
  void add_to(latency_counts& all) const noexcept {
    for (std::size_t i = 0; i < counts_.size(); ++i) all.by_bucket[i] += counts_[i].load(std::memory_order_relaxed);
    all.sum_us += sum_us_.load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, latency_bounds_us.size() + 1> counts_{};
  std::atomic<std::uint64_t> sum_us_{0};
};

/// One for each lane, on cache lines of its own; lanes beyond the sixteenth share.
class latencies_by_lane {
 public:
  [[nodiscard]] latency_histogram& of_lane(std::size_t lane) noexcept { return lanes_[lane % lanes_.size()].counts; }
  [[nodiscard]] latency_counts counts() const noexcept {
    latency_counts all;
    for (const slot& one : lanes_) one.counts.add_to(all);
    return all;
  }

 private:
  struct alignas(64) slot {
    latency_histogram counts;
  };
  std::array<slot, 16> lanes_;
};

}  // namespace sluice::runtime
