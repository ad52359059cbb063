// Counts what one coroutine moves, and when: bytes by slices of time, the duration of each call. One meter per
// coroutine, merged when all have ended; never shared while it counts.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/measure/figures.hpp"

namespace sluice::measure {

using steady = std::chrono::steady_clock;

class meter {
 public:
  explicit meter(steady::time_point begin) : begin_(begin), last_(begin) {}

  /// A call that began at `since` has just ended. Its bytes count evenly over its duration: that is when they moved.
  void count(steady::time_point since, std::int64_t documents, std::int64_t bytes);

 private:
  friend void merge(std::span<const meter> all, step& into);
  steady::time_point begin_;
  steady::time_point last_;
  std::int64_t documents_ = 0;
  std::int64_t bytes_ = 0;
  std::vector<double> slices_;  // bytes
  std::vector<double> calls_ms_;
};

/// Seconds run from the common beginning to the last call's end.
void merge(std::span<const meter> all, step& into);

/// Percentiles by the nearest rank. `durations_ms` is sorted.
[[nodiscard]] latencies latencies_of(std::vector<double>& durations_ms);

/// Bytes by slices of equal length as a series of at most `points_max` points.
[[nodiscard]] std::vector<point> series_of(std::span<const double> slices, double slice_seconds, double total_seconds);

}  // namespace sluice::measure
