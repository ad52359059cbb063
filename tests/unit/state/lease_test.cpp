// The lease by this machine's clock.
#include "engine/state/lease.hpp"

#include <gtest/gtest.h>
#include <time.h>

namespace sluice::state {
namespace {

using namespace std::chrono_literals;

constexpr boot_clock::time_point start{1000h};

TEST(lease, nobody_has_one_before_it_was_renewed) {
  const lease under_test(15s);
  EXPECT_FALSE(under_test.is_fresh(start));
  EXPECT_FALSE(under_test.is_fresh());
  EXPECT_EQ(under_test.until_due(start), 0s);
}

TEST(lease, is_fresh_until_shortly_before_its_end) {
  lease under_test(15s);
  under_test.renewed(start);
  EXPECT_TRUE(under_test.is_fresh(start));
  EXPECT_TRUE(under_test.is_fresh(start + 12s - 1ms));
  EXPECT_FALSE(under_test.is_fresh(start + 12s));
  EXPECT_FALSE(under_test.is_fresh(start + 24h));
  under_test.renewed(start + 10s);
  EXPECT_TRUE(under_test.is_fresh(start + 21s));
  under_test.lost();
  EXPECT_FALSE(under_test.is_fresh(start + 10s));
}

TEST(lease, is_due_after_a_third_of_it) {
  lease under_test(15s);
  under_test.renewed(start);
  EXPECT_EQ(under_test.until_due(start), 5s);
  EXPECT_EQ(under_test.until_due(start + 4s), 1s);
  EXPECT_EQ(under_test.until_due(start + 1h), 0s);
}

// A machine that was never suspended shows no difference, so that the clock itself is looked at.
TEST(lease, is_measured_by_the_clock_that_goes_on_in_a_suspended_machine) {
  timespec before{};
  timespec after{};
  ::clock_gettime(CLOCK_BOOTTIME, &before);
  const auto read = boot_clock::now().time_since_epoch();
  ::clock_gettime(CLOCK_BOOTTIME, &after);
  EXPECT_LE(std::chrono::seconds(before.tv_sec) + std::chrono::nanoseconds(before.tv_nsec), read);
  EXPECT_GE(std::chrono::seconds(after.tv_sec) + std::chrono::nanoseconds(after.tv_nsec), read);
}

}  // namespace
}  // namespace sluice::state
