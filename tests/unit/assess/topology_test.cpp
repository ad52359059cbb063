#include "engine/assess/topology.hpp"

#include <gtest/gtest.h>

#include "tests/unit/assess/judged.hpp"

namespace sluice::assess {
namespace {

using test::expect_advice;
using test::holds;
using test::only;

TEST(judge_members, an_arbiter_beside_two_makes_each_of_them_needed) {
  member_kinds members;
  members.data = 3;
  EXPECT_EQ(only(judge_members("source", members), "topology.members").how, level::fine);
  members.arbiters = {"db3:27017"};
  EXPECT_EQ(only(judge_members("source", members), "topology.members").how, level::fine);
  members.data = 2;
  const findings found = judge_members("source", members);
  EXPECT_EQ(only(found, "topology.arbiters").how, level::warning);
  EXPECT_TRUE(holds(found[0].what, "db3:27017 (arbiter)"));
  expect_advice(found);
}

TEST(judge_members, hidden_ones_are_named_and_delayed_ones_are_a_warning) {
  member_kinds members;
  members.data = 3;
  members.hidden = {"db4:27017"};
  EXPECT_EQ(only(judge_members("source", members), "topology.hiddenOrDelayed").how, level::fine);
  members.hidden.clear();
  members.delayed = {"db5:27017"};
  EXPECT_EQ(only(judge_members("source", members), "topology.hiddenOrDelayed").how, level::warning);
}

TEST(judge_settings, no_table_scans_stop_a_document_filter_only) {
  side_settings settings;
  EXPECT_FALSE(judge_table_scans("source", settings)) << "not known";
  settings.no_table_scan = false;
  EXPECT_EQ(judge_table_scans("source", settings)->how, level::fine);
  settings.no_table_scan = true;
  EXPECT_EQ(judge_table_scans("source", settings)->how, level::fine);
  settings.chooses_documents = true;
  const auto refused = judge_table_scans("source", settings);
  EXPECT_EQ(refused->how, level::failure);
  EXPECT_EQ(refused->commands.at(0), R"(db.adminCommand({"setParameter": 1, "notablescan": false}))");
}

TEST(judge_settings, a_profiler_and_a_balancer_are_warnings) {
  side_settings settings;
  EXPECT_TRUE(judge_settings("source", settings).empty());
  settings.profiled_databases = {"shop"};
  settings.balancer_on = true;
  const findings found = judge_settings("source", settings);
  EXPECT_EQ(only(found, "settings.profiling").how, level::warning);
  EXPECT_EQ(only(found, "settings.balancer").commands.at(0), "sh.stopBalancer()");
  expect_advice(found);
  settings.balancer_on = false;
  EXPECT_EQ(only(judge_settings("source", settings), "settings.balancer").how, level::fine);
}

TEST(judge_settings, the_balancer_of_a_destination_is_the_runs_to_stop) {
  side_settings settings;
  settings.balancer_on = true;
  const findings found = judge_settings("destination", settings);
  EXPECT_EQ(only(found, "settings.balancer").how, level::warning);
  EXPECT_TRUE(holds(found[0].what, "stops it before it writes, and starts it again at its end")) << found[0].what;
  EXPECT_TRUE(found[0].commands.empty());
  expect_advice(found);
  settings.balancer_on = false;
  EXPECT_EQ(only(judge_settings("destination", settings), "settings.balancer").how, level::fine);
}

TEST(judge_settings, more_collections_than_a_server_may_open_files_are_a_warning) {
  side_settings settings;
  settings.open_files_max = 20'000;
  EXPECT_TRUE(judge_settings("source", settings).empty());
  settings.open_files_wanted = 18'000;
  EXPECT_EQ(only(judge_settings("destination", settings), "settings.openFiles").how, level::fine);
  settings.open_files_wanted = 18'001;
  const findings found = judge_settings("destination", settings);
  EXPECT_EQ(only(found, "settings.openFiles").how, level::warning);
  expect_advice(found);
}

TEST(judge_settings, a_block_that_we_cannot_write_past_fails) {
  side_settings settings;
  settings.writes_blocked = true;
  EXPECT_EQ(only(judge_settings("destination", settings), "settings.writeBlocking").how, level::failure);
  EXPECT_EQ(only(judge_settings("source", settings), "settings.writeBlocking").how, level::warning);
  settings.may_bypass_block = true;
  EXPECT_EQ(only(judge_settings("destination", settings), "settings.writeBlocking").how, level::warning);
}

}  // namespace
}  // namespace sluice::assess
