// Percentiles and series from what was counted.
#include "engine/measure/meter.hpp"

#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::measure {
namespace {

TEST(meter, percentiles_are_of_the_nearest_rank) {
  std::vector<double> hundred(100);
  std::iota(hundred.rbegin(), hundred.rend(), 1.0);  // unsorted
  const latencies found = latencies_of(hundred);
  EXPECT_EQ(found.count, 100);
  EXPECT_EQ(found.p50_ms, 50);
  EXPECT_EQ(found.p90_ms, 90);
  EXPECT_EQ(found.p99_ms, 99);
  EXPECT_EQ(found.max_ms, 100);
  std::vector<double> one{3};
  EXPECT_EQ(latencies_of(one).p99_ms, 3);
  std::vector<double> none;
  EXPECT_EQ(latencies_of(none).count, 0);
}

TEST(meter, a_series_has_all_bytes_and_ends_with_the_step) {
  const std::vector<double> slices{100, 200, 0, 400, 50};
  const auto series = series_of(slices, 0.5, 2.3);
  ASSERT_FALSE(series.empty());
  EXPECT_DOUBLE_EQ(series.back().seconds, 2.3);
  double bytes = 0;
  double since = 0;
  for (const point& p : series) {
    bytes += p.bytes_per_second * (p.seconds - since);
    since = p.seconds;
  }
  EXPECT_NEAR(bytes, 750, 1e-6);
}

TEST(meter, a_sliver_at_the_end_shows_no_rate_of_its_own) {
  const std::vector<double> slices{100, 100, 100};
  const auto series = series_of(slices, 1, 2.001);  // 100 bytes in a thousandth of a second
  for (const point& p : series) EXPECT_LT(p.bytes_per_second, 250);
}

TEST(meter, a_long_step_has_no_more_points_than_can_be_seen) {
  const std::vector<double> slices(1000, 10);
  const auto series = series_of(slices, 0.05, 50);
  EXPECT_LE(series.size(), 48U);
  EXPECT_GE(series.size(), 40U);
}

TEST(meter, the_bytes_of_a_long_call_moved_all_the_while) {
  const auto begin = steady::now() - std::chrono::milliseconds(1000);
  const std::vector<meter> meters = [&] {
    std::vector<meter> made(1, meter(begin));
    made.front().count(begin, 1, 20'000'000);
    return made;
  }();
  step merged;
  merge(meters, merged);
  ASSERT_GE(merged.series.size(), 15U);
  for (const point& p : merged.series) EXPECT_NEAR(p.bytes_per_second, 20e6, 3e6);
}

TEST(meter, meters_of_several_workers_become_one_step) {
  const auto begin = steady::now();
  std::vector<meter> meters(3, meter(begin));
  for (int i = 0; i < 5; ++i) {
    for (meter& one : meters) one.count(begin, 2, 1000);
  }
  step merged;
  merge(meters, merged);
  EXPECT_EQ(merged.documents, 30);
  EXPECT_EQ(merged.bytes, 15'000);
  EXPECT_EQ(merged.calls.count, 15);
  EXPECT_GT(merged.seconds, 0);
}

}  // namespace
}  // namespace sluice::measure
