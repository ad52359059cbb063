#include "engine/runtime/host_load.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace sluice::runtime {
namespace {

TEST(host_load, the_first_line_of_proc_stat_is_all_cores) {
  const auto told = processor_time_of("cpu  100 5 50 800 40 1 2 2 7 0\ncpu0 50 2 25 400 20 0 1 1 3 0\n");
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->all, 1000U) << "guests are in user and nice";
  EXPECT_EQ(told->idle, 840U) << "who waits for a disk is idle";
  EXPECT_TRUE(processor_time_of("cpu  100 5 50 800\n").has_value()) << "very old kernels";
}

TEST(host_load, what_is_no_such_line_tells_nothing) {
  for (const char* text : {"", "cpu", "cpu  ", "cpu  1 2 x", "cpu0 1 2 3 4", "intr 1 2 3 4"}) {
    EXPECT_FALSE(processor_time_of(text).has_value()) << text;
  }
}

TEST(host_load, memory_is_used_that_is_not_available) {
  EXPECT_EQ(memory_used_percent_of("MemTotal:       1000 kB\nMemFree: 10 kB\nMemAvailable:    250 kB\n"), 75.0);
  EXPECT_EQ(memory_used_percent_of("MemTotal: 0 kB\nMemAvailable: 0 kB\n"), std::nullopt);
  EXPECT_EQ(memory_used_percent_of("MemTotal: 1000 kB\n"), std::nullopt);
}

TEST(host_load, is_of_the_time_between_two_calls) {
  host_load_meter meter;
  EXPECT_EQ(meter.take(processor_time{1000, 900}, 40.0), std::nullopt) << "since the machine was started says nothing";
  const auto told = meter.take(processor_time{1200, 950}, 50.0);
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->cpu_percent, 75.0);
  EXPECT_EQ(told->memory_used_percent, 50.0);
  const auto at_once = meter.take(processor_time{1200, 950}, 60.0);
  ASSERT_TRUE(at_once.has_value());
  EXPECT_EQ(at_once->cpu_percent, 75.0);
  EXPECT_EQ(meter.take(std::nullopt, 60.0), std::nullopt);
}

TEST(host_load, of_this_machine_can_be_read) {
  host_load_meter meter;
  EXPECT_FALSE(meter.read().has_value());
  std::optional<host_load> told;
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!told && std::chrono::steady_clock::now() < give_up) told = meter.read();
  ASSERT_TRUE(told.has_value());
  EXPECT_GT(told->memory_used_percent, 0.0);
  EXPECT_LT(told->memory_used_percent, 100.0);
}

}  // namespace
}  // namespace sluice::runtime
