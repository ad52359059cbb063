#include "engine/assess/hosts.hpp"

#include <gtest/gtest.h>

#include "tests/unit/assess/judged.hpp"

namespace sluice::assess {
namespace {

using test::expect_advice;
using test::holds;
using test::only;

host_facts reached(std::string address) {
  host_facts host;
  host.address = std::move(address);
  host.connect_ms = 3.2;
  host.ping_ms = 0.4;
  host.skew_ms = 0.1;
  return host;
}

host_facts gone(std::string address) {
  host_facts host;
  host.address = std::move(address);
  host.problem = "the name \"db9\" is not known";
  return host;
}

TEST(judge_hosts, members_that_answer_are_fine) {
  host_facts primary = reached("db1:27017");
  primary.is_primary = true;
  const findings found = judge_hosts("source", {primary, reached("db2:27017")});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(count(found, level::fine), 3U);
  EXPECT_EQ(found[0].subject, "source db1:27017");
  EXPECT_TRUE(holds(found[0].what, "is the primary, connects in 3.2 ms and answers in 0.4 ms")) << found[0].what;
  EXPECT_TRUE(holds(only(found, "hosts.clock").what, "clocks agree"));
}

TEST(judge_hosts, a_member_that_is_not_reached_is_a_warning_and_the_primary_a_failure) {
  host_facts primary = gone("db1:27017");
  primary.is_primary = true;
  const findings found = judge_hosts("source", {primary, gone("db9:27017")});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].how, level::failure);
  EXPECT_EQ(found[1].how, level::warning);
  EXPECT_TRUE(holds(found[1].what, "the name \"db9\" is not known")) << found[1].what;
  EXPECT_TRUE(holds(found[1].advice, "/etc/hosts"));
  expect_advice(found);
}

TEST(judge_hosts, nobody_needs_an_arbiter) {
  host_facts arbiter = gone("db3:27017");
  arbiter.is_arbiter = true;
  const findings found = judge_hosts("source", {arbiter});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].how, level::fine);
}

TEST(judge_hosts, a_host_that_only_the_uri_names_is_to_be_taken_out) {
  host_facts seed = gone("old:27017");
  seed.in_set = false;
  const findings found = judge_hosts("destination", {seed});
  EXPECT_EQ(found.at(0).how, level::warning);
  EXPECT_TRUE(holds(found[0].advice, "out of the URI"));
}

TEST(judge_hosts, a_slow_way_is_a_warning) {
  host_facts far = reached("db1:27017");
  far.ping_ms = 80;
  const findings found = judge_hosts("source", {far});
  EXPECT_EQ(only(found, "hosts.reachable").how, level::warning);
  EXPECT_TRUE(holds(found[0].advice, "--connections"));
}

TEST(judge_hosts, clocks_that_differ_are_a_warning_once_for_a_side) {
  host_facts behind = reached("db2:27017");
  behind.skew_ms = -61'000;
  const findings found = judge_hosts("source", {reached("db1:27017"), behind});
  const finding skew = only(found, "hosts.clock");
  EXPECT_EQ(skew.how, level::warning);
  EXPECT_TRUE(holds(skew.what, "db2:27017 is 61000 ms behind this host")) << skew.what;
  EXPECT_EQ(skew.figures.at(0).value, -61'000);
}

TEST(judge_hosts, a_difference_below_the_way_there_is_none) {
  host_facts far = reached("db1:27017");
  far.ping_ms = 3'000;
  far.skew_ms = 2'500;
  EXPECT_EQ(only(judge_hosts("source", {far}), "hosts.clock").how, level::fine);
}

}  // namespace
}  // namespace sluice::assess
