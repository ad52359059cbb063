#include "engine/assess/oplog.hpp"

#include <gtest/gtest.h>

#include "tests/unit/assess/judged.hpp"

namespace sluice::assess {
namespace {

using test::expect_advice;
using test::has;
using test::holds;
using test::only;

constexpr double gb = 1e9;

/// A full oplog of a day that grows by 1 MB/s.
oplog_facts a_day() {
  oplog_facts facts;
  facts.window_seconds = 86'400;
  facts.size_bytes = 86.4 * gb;
  facts.size_bytes_max = 86.4 * gb;
  facts.entries_per_second = 1'000;
  facts.bytes_per_second = 1e6;
  return facts;
}

oplog_demand a_copy_of(double seconds) {
  return {.copy_seconds = seconds, .spool_bytes_max = 64 * gb, .spool_free_bytes = 500 * gb};
}

TEST(judge_oplog, a_day_is_enough_for_a_copy_of_hours) {
  const findings found = judge_oplog(a_day(), a_copy_of(4 * 3600));
  EXPECT_EQ(count(found, level::fine), 3U);
  EXPECT_TRUE(holds(only(found, "oplog.window").what, "reaches back 1 d"));
  EXPECT_TRUE(holds(only(found, "oplog.rate").what, "1000 changes/s"));
}

TEST(judge_oplog, a_copy_of_days_is_carried_by_the_spool) {
  oplog_facts facts = a_day();
  facts.bytes_per_second = 1e5;
  EXPECT_EQ(count(judge_oplog(facts, a_copy_of(5 * 86'400)), level::fine), 3U);
}

TEST(judge_oplog, a_copy_of_days_with_more_changes_than_the_spool_holds_fails) {
  const findings found = judge_oplog(a_day(), a_copy_of(5 * 86'400));
  const finding window = only(found, "oplog.window");
  EXPECT_EQ(window.how, level::failure);
  EXPECT_TRUE(holds(window.what, "a copy takes up to 5 d")) << window.what;
  EXPECT_TRUE(holds(window.advice, "replSetResizeOplog"));
  EXPECT_EQ(only(found, "oplog.spool").how, level::warning);
  expect_advice(found);
}

TEST(judge_oplog, the_disk_of_the_spool_counts_as_its_bound_does) {
  oplog_demand needs = a_copy_of(86'400);
  needs.spool_bytes_max = 0;
  EXPECT_EQ(only(judge_oplog(a_day(), needs), "oplog.spool").how, level::fine);
  needs.spool_free_bytes = 10 * gb;
  EXPECT_EQ(only(judge_oplog(a_day(), needs), "oplog.spool").how, level::warning);
}

TEST(judge_oplog, minutes_do_not_outlast_an_outage) {
  oplog_facts facts = a_day();
  facts.window_seconds = 600;
  const finding window = only(judge_oplog(facts, a_copy_of(60)), "oplog.window");
  EXPECT_EQ(window.how, level::warning);
  EXPECT_TRUE(holds(window.what, "if Sluice is down for longer"));
}

TEST(judge_oplog, a_young_oplog_is_not_short) {
  oplog_facts facts = a_day();
  facts.window_seconds = 600;
  facts.size_bytes = 1e6;
  EXPECT_EQ(only(judge_oplog(facts, a_copy_of(60)), "oplog.window").how, level::fine);
}

TEST(judge_oplog, many_changes_are_a_warning) {
  oplog_facts facts = a_day();
  facts.entries_per_second = 40'000;
  EXPECT_EQ(only(judge_oplog(facts, a_copy_of(60)), "oplog.rate").how, level::warning);
}

TEST(judge_oplog, of_shards_nothing_is_seen) {
  oplog_facts facts;
  facts.of_shards = true;
  const findings found = judge_oplog(facts, a_copy_of(60));
  EXPECT_TRUE(holds(only(found, "oplog.window").advice, "on each shard"));
  expect_advice(found);
}

TEST(judge_oplog, what_cannot_be_read_is_said) {
  oplog_facts facts;
  facts.problem = "not authorized";
  const findings found = judge_oplog(facts, a_copy_of(60));
  EXPECT_EQ(only(found, "oplog.window").how, level::warning);
  EXPECT_TRUE(holds(found[0].what, "not authorized"));
  EXPECT_FALSE(has(found, "oplog.rate"));
}

}  // namespace
}  // namespace sluice::assess
