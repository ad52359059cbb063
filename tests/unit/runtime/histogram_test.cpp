#include "engine/runtime/histogram.hpp"

#include <gtest/gtest.h>

namespace sluice::runtime {
namespace {

using namespace std::chrono_literals;

constexpr latency_histogram::clock::time_point begin{1h};

struct measured {
  latency_histogram waits;
  size_histogram sizes;
};

TEST(histogram, is_counted_in_its_bucket_and_added_up_over_lanes) {
  by_lane<measured> lanes;
  lanes.of_lane(0).waits.add(1ms, begin);     // at most a millisecond
  lanes.of_lane(1).waits.add(1001us, begin);  // more
  lanes.of_lane(17).waits.add(2min, begin);   // beyond the last bound
  lanes.of_lane(0).waits.add(-1s, begin);     // no clock runs backwards, but nothing may break if it does
  const auto counts = lanes.counts<latency_counts>(&measured::waits);
  EXPECT_EQ(counts.by_bucket[0], 2U);
  EXPECT_EQ(counts.by_bucket[1], 1U);
  EXPECT_EQ(counts.by_bucket.back(), 1U);
  EXPECT_EQ(counts.count(), 4U);
  EXPECT_EQ(counts.sum, 1'000U + 1'001U + 120'000'000U);
}

TEST(histogram, sizes_have_bounds_of_their_own) {
  by_lane<measured> lanes;
  for (const std::int64_t size : {0, 1, 2, 1000, 1001}) lanes.of_lane(2).sizes.add(size);
  const auto counts = lanes.counts<size_counts>(&measured::sizes);
  EXPECT_EQ(counts.by_bucket[0], 2U);
  EXPECT_EQ(counts.by_bucket[1], 1U);
  EXPECT_EQ(counts.by_bucket[3], 1U);
  EXPECT_EQ(counts.by_bucket[4], 1U);
  EXPECT_EQ(counts.sum, 2004U);
}

TEST(histogram, the_largest_is_forgotten_after_a_while) {
  latency_histogram waits;
  const auto largest_at = [&](latency_histogram::clock::time_point now) {
    latency_counts counts;
    waits.add_to(counts, now);
    return counts.recent_max_us;
  };
  EXPECT_EQ(largest_at(begin), 0);
  waits.add(70ms, begin);
  waits.add(20ms, begin + 15s);
  EXPECT_EQ(largest_at(begin + 15s), 70'000);
  EXPECT_EQ(largest_at(begin + 29s), 70'000) << "a line of the log comes every half minute";
  EXPECT_EQ(largest_at(begin + 41s), 20'000);
  EXPECT_EQ(largest_at(begin + 60s), 0);
  waits.add(3ms, begin + 61s);
  EXPECT_EQ(largest_at(begin + 61s), 3'000) << "a slot is used again";
}

}  // namespace
}  // namespace sluice::runtime
