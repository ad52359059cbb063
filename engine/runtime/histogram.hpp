// How long operations took, and how much they moved, as histograms that cost their writer a few additions and a reader
// a copy. No locks: a lane counts in its own histogram, whoever asks adds those of all lanes up.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>

namespace sluice::runtime {

/// Upper bounds in microseconds, "at most" as Prometheus has it; beyond the last one lies one more bucket. From a small
/// insert on the same machine to a destination that stands still.
inline constexpr std::array<std::int64_t, 15> latency_bounds_us{
    1'000,   2'000,     5'000,     10'000,    20'000,     50'000,     100'000,   200'000,
    500'000, 1'000'000, 2'000'000, 5'000'000, 10'000'000, 30'000'000, 60'000'000};
/// Of documents, changes or bytes: from one document to the bytes of a large collection.
inline constexpr std::array<std::int64_t, 11> size_bounds{
    1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000, 10'000'000'000};

/// What was counted up to a moment.
template <const auto& Bounds>
struct histogram_counts {
  std::array<std::uint64_t, Bounds.size() + 1> by_bucket{};  // not cumulative
  std::uint64_t sum = 0;                                     // in the unit of the bounds
  [[nodiscard]] std::uint64_t count() const noexcept {
    return std::accumulate(by_bucket.begin(), by_bucket.end(), std::uint64_t{0});
  }
};
using size_counts = histogram_counts<size_bounds>;
struct latency_counts : histogram_counts<latency_bounds_us> {
  std::int64_t recent_max_us = 0;  // of the last half minute, or a little more
};

template <const auto& Bounds>
class histogram {
 public:
  /// Any thread; meant for one.
  void add(std::int64_t value) noexcept {
    value = std::max<std::int64_t>(0, value);
    const auto bucket = std::ranges::lower_bound(Bounds, value) - Bounds.begin();
    counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(static_cast<std::uint64_t>(value), std::memory_order_relaxed);
  }
  /// Any thread. While add() goes on the sum may be an operation ahead of the counts, or behind.
  void add_to(histogram_counts<Bounds>& all) const noexcept {
    for (std::size_t i = 0; i < counts_.size(); ++i) all.by_bucket[i] += counts_[i].load(std::memory_order_relaxed);
    all.sum += sum_.load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, Bounds.size() + 1> counts_{};
  std::atomic<std::uint64_t> sum_{0};
};
using size_histogram = histogram<size_bounds>;

class latency_histogram {
 public:
  using clock = std::chrono::steady_clock;

  /// An operation that began then has just ended. Any thread; meant for one.
  void add_since(clock::time_point begin) noexcept {
    const auto now = clock::now();
    add(now - begin, now);
  }
  void add(clock::duration took, clock::time_point now) noexcept {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
    counts_.add(us);
    // Written by one: what a second writer loses is one of two largest.
    recent& slot = recent_[static_cast<std::size_t>(slice_of(now)) % recent_.size()];
    if (slot.slice.load(std::memory_order_relaxed) != slice_of(now)) {
      slot.max_us.store(0, std::memory_order_relaxed);
      slot.slice.store(slice_of(now), std::memory_order_relaxed);
    }
    if (us > slot.max_us.load(std::memory_order_relaxed)) slot.max_us.store(us, std::memory_order_relaxed);
  }
  void add_to(latency_counts& all, clock::time_point now = clock::now()) const noexcept {
    counts_.add_to(all);
    for (const recent& slot : recent_) {
      if (slice_of(now) - slot.slice.load(std::memory_order_relaxed) > recent_slices) continue;
      all.recent_max_us = std::max(all.recent_max_us, slot.max_us.load(std::memory_order_relaxed));
    }
  }

 private:
  static constexpr std::int64_t slice_seconds = 10;
  static constexpr std::int64_t recent_slices = 3;  // whole ones, before the one that runs
  struct recent {
    std::atomic<std::int64_t> slice{-1 - recent_slices};
    std::atomic<std::int64_t> max_us{0};
  };
  static std::int64_t slice_of(clock::time_point at) noexcept {
    return std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count() / slice_seconds;
  }

  histogram<latency_bounds_us> counts_;
  std::array<recent, recent_slices + 1> recent_;
};

/// One for each lane, on cache lines of its own; lanes beyond the sixteenth share.
template <class Measured>
class by_lane {
 public:
  [[nodiscard]] Measured& of_lane(std::size_t lane) noexcept { return lanes_[lane % lanes_.size()].measured; }
  template <class Counts, class Histogram>
  [[nodiscard]] Counts counts(Histogram Measured::*of) const noexcept {
    Counts all;
    for (const slot& one : lanes_) (one.measured.*of).add_to(all);
    return all;
  }

 private:
  struct alignas(64) slot {
    Measured measured;
  };
  std::array<slot, 16> lanes_;
};

}  // namespace sluice::runtime
