// What a run has come to over time: figures a second, kept finer for the last minutes and coarser for the last week,
// and the moments at which its state or phase changed. Bounded however long the process lives; never asks a clock.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "engine/session/progress.hpp"

namespace sluice::http {

inline constexpr std::int64_t history_seconds_max = 7 * 24 * 3600;

/// "seconds=600"; an empty one means ten minutes. Nothing: it is wrong.
[[nodiscard]] std::optional<std::chrono::seconds> parse_history_query(std::string_view query);

/// Of one moment.
struct history_point {
  std::int64_t at_ms = 0;  // Unix time
  session::state now{};
  session::phase at{};
  std::int64_t bytes_copied = 0;
  double copy_bytes_per_second = 0;
  double changes_per_second = 0;
  std::optional<std::int64_t> lag_seconds;
  std::int64_t spool_bytes = 0;
};

struct history_change {
  std::int64_t at_ms = 0;
  session::state now{};
  session::phase at{};
};

class history {
 public:
  /// About once a second. A point of a coarser series is the first of its time, with the largest lag and the mean of
  /// the rates.
  void add(std::chrono::system_clock::time_point at, const session::progress& now);

  /// The finest series that reaches back so far.
  [[nodiscard]] std::string json(std::chrono::seconds back) const;

  [[nodiscard]] std::size_t points() const noexcept;
  [[nodiscard]] const std::deque<history_change>& changes() const noexcept { return changes_; }

 private:
  struct series {
    std::int64_t seconds_a_point;
    std::size_t points_max;
    std::deque<history_point> points{};
    int gathered = 0;  // in the last point
  };
  // 10 minutes, 6 hours, a week: 4,776 points of 72 bytes.
  std::array<series, 3> series_{{{1, 600}, {10, 2160}, {300, 2016}}};
  std::deque<history_change> changes_;
};

}  // namespace sluice::http
