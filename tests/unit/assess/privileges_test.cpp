#include "engine/assess/privileges.hpp"

#include <gtest/gtest.h>

#include "tests/unit/assess/judged.hpp"

namespace sluice::assess {
namespace {

using test::expect_advice;
using test::holds;
using test::only;

privilege_facts of_sluice() {
  privilege_facts facts;
  facts.user = "sluice";
  facts.user_database = "admin";
  return facts;
}

const resource everywhere{};
const resource on_cluster{.cluster = true, .database = {}, .collection = {}};
const resource oplog{.cluster = false, .database = "local", .collection = "oplog.rs"};

TEST(judge_privileges, whoever_may_everything_is_fine) {
  const findings found = judge_privileges("source", of_sluice());
  EXPECT_EQ(only(found, "privileges.needed").how, level::fine);
  EXPECT_EQ(found.size(), 1U);
}

TEST(judge_privileges, what_lacks_comes_with_the_lines_that_grant_it) {
  privilege_facts facts = of_sluice();
  facts.lacking = {{"find", everywhere}, {"listDatabases", on_cluster}, {"collStats", everywhere}};
  const findings found = judge_privileges("source", facts);
  const finding needed = only(found, "privileges.needed");
  EXPECT_EQ(needed.how, level::failure);
  EXPECT_EQ(needed.what,
            "the user \"sluice\" lacks find, collStats on every user collection; listDatabases on the cluster");
  ASSERT_EQ(needed.commands.size(), 3U);
  EXPECT_EQ(needed.commands[0],
            R"(db.getSiblingDB("admin").grantRolesToUser("sluice", [{"role": "backup", "db": "admin"}, )"
            R"({"role": "clusterMonitor", "db": "admin"}, {"role": "readAnyDatabase", "db": "admin"}]))");
  EXPECT_EQ(needed.commands[1], R"(db.getSiblingDB("admin").createRole({"role": "sluiceSource", "privileges": [)"
                                R"({"resource": {"db": "", "collection": ""}, "actions": ["find", "collStats"]}, )"
                                R"({"resource": {"cluster": true}, "actions": ["listDatabases"]}], "roles": []}))");
  EXPECT_EQ(needed.commands[2],
            R"(db.getSiblingDB("admin").grantRolesToUser("sluice", [{"role": "sluiceSource", "db": "admin"}]))");
  expect_advice(found);
}

TEST(judge_privileges, who_writes_to_a_sharded_cluster_is_to_manage_it) {
  privilege_facts facts = of_sluice();
  facts.lacking = {{"enableSharding", everywhere},
                   {"moveChunk", everywhere},
                   {"find", {.cluster = false, .database = "config", .collection = ""}},
                   {"update", {.cluster = false, .database = "config", .collection = "settings"}}};
  facts.is_sharded = true;
  const findings found = judge_privileges("destination", facts);
  const finding needed = only(found, "privileges.needed");
  EXPECT_EQ(needed.what,
            "the user \"sluice\" lacks enableSharding, moveChunk on every user collection; find on config; update on "
            "config.settings");
  ASSERT_EQ(needed.commands.size(), 3U);
  EXPECT_TRUE(holds(needed.commands[0], R"({"role": "clusterManager", "db": "admin"})")) << needed.commands[0];
  EXPECT_EQ(needed.commands[1],
            R"(db.getSiblingDB("admin").createRole({"role": "sluiceDestination", "privileges": [)"
            R"({"resource": {"db": "", "collection": ""}, "actions": ["enableSharding", "moveChunk"]}, )"
            R"({"resource": {"db": "config", "collection": ""}, "actions": ["find"]}, )"
            R"({"resource": {"db": "config", "collection": "settings"}, "actions": ["update"]}], "roles": []}))");
  facts.is_sharded = false;
  EXPECT_FALSE(holds(built_in_grants("destination", facts).at(0), "clusterManager"));
  facts.is_sharded = true;
  EXPECT_FALSE(holds(built_in_grants("source", facts).at(0), "clusterManager"));
}

TEST(judge_privileges, what_is_only_missed_is_a_warning_with_what_is_lost) {
  privilege_facts facts = of_sluice();
  facts.lacking = {{"find", oplog, "changes are captured by a change stream"}};
  const findings found = judge_privileges("source", facts);
  EXPECT_EQ(only(found, "privileges.needed").how, level::fine);
  const finding wanted = only(found, "privileges.wanted");
  EXPECT_EQ(wanted.how, level::warning);
  EXPECT_TRUE(holds(wanted.what, "find on local.oplog.rs, so changes are captured by a change stream")) << wanted.what;
  EXPECT_EQ(wanted.commands.size(), 3U);
}

TEST(judge_privileges, the_lines_are_told_once) {
  privilege_facts facts = of_sluice();
  facts.lacking = {{"insert", everywhere}, {"inprog", on_cluster, "no progress"}};
  const findings found = judge_privileges("destination", facts);
  EXPECT_EQ(only(found, "privileges.needed").commands.size(), 3U);
  EXPECT_TRUE(only(found, "privileges.wanted").commands.empty());
  EXPECT_TRUE(holds(only(found, "privileges.needed").commands[1], "inprog"));
  EXPECT_TRUE(holds(only(found, "privileges.needed").commands[1], "sluiceDestination"));
}

TEST(judge_privileges, names_of_users_are_quoted) {
  privilege_facts facts = of_sluice();
  facts.user = "o\"brien\\";
  facts.user_database = "$external";
  facts.lacking = {{"find", everywhere}};
  EXPECT_TRUE(
      holds(least_grants("source", facts).at(1), R"(db.getSiblingDB("$external").grantRolesToUser("o\"brien\\", )"));
}

TEST(judge_privileges, no_user_is_said_either_way) {
  privilege_facts facts;
  facts.without_users = true;
  EXPECT_EQ(only(judge_privileges("source", facts), "privileges.user").how, level::fine);
  facts.without_users = false;
  facts.demanded = true;
  EXPECT_EQ(only(judge_privileges("source", facts), "privileges.user").how, level::failure);
  facts.problem = "gone";
  EXPECT_EQ(only(judge_privileges("source", facts), "privileges.user").how, level::warning);
}

}  // namespace
}  // namespace sluice::assess
