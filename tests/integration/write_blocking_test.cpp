// Writes of users refused by real servers while ours go on.
#include "engine/cluster/write_blocking.hpp"

#include <string>

#include <gtest/gtest.h>

#include "engine/wire/server_error.hpp"
#include "tests/integration/cluster_lane.hpp"

namespace sluice::cluster {
namespace {

using testing::lane;

struct side {
  lane& on;
  std::string uri;
  deployment of = on.must(discover(testing::parsed(uri), role::destination, on.scope()));
  std::unique_ptr<wire::connection> node = testing::open(on, uri);

  write_blocking_status status() { return on.must(read_write_blocking(*node, of)); }
  result<> set(bool block) { return on.run(set_write_blocking(*node, of, block)); }
};

bool can_write(const std::string& uri) {
  lab::client writer(uri);
  try {
    writer.run("d", R"({"insert": "c", "documents": [{"a": 1}]})");
  } catch (const std::exception& refused) {
    EXPECT_NE(std::string(refused.what()).find("\"371\""), std::string::npos) << refused.what();
    return false;
  }
  return true;
}

TEST(write_blocking, plain_users_are_refused_while_ours_writes) {
  auto options = testing::set_of("wb", "6.0.27");
  options.server.root = lab::credentials{"root", "secret"};
  lab::replica_set set(options);
  set.connect().run("admin", R"({"createRole": "turn", "roles": [], "privileges": [
      {"resource": {"cluster": true}, "actions": ["setUserWriteBlockMode"]}]})");
  set.add_user({"app", "a"}, R"(["readWriteAnyDatabase", "clusterMonitor"])");
  set.add_user({"sluice", "s"}, R"(["restore", "clusterMonitor", "readWriteAnyDatabase"])");
  set.add_user({"half", "h"}, R"(["turn", "clusterMonitor", "readWriteAnyDatabase"])");
  const auto app = set.uri_as(lab::credentials{"app", "a"});
  const auto ours = set.uri_as(lab::credentials{"sluice", "s"});
  lane on;
  side mine{on, ours};

  auto before = mine.status();
  EXPECT_EQ(before.support, write_blocking_support::available);
  EXPECT_EQ(before.on, false);
  EXPECT_TRUE(before.has_users);
  EXPECT_TRUE(check_write_blocking(before, mine.of, true).has_value());
  EXPECT_TRUE(can_write(app));

  ASSERT_TRUE(mine.set(true));
  ASSERT_TRUE(mine.set(true));  // again is no error
  EXPECT_EQ(mine.status().on, true);
  EXPECT_FALSE(can_write(app));
  EXPECT_TRUE(can_write(ours));

  side others{on, app};
  const auto theirs = others.status();
  EXPECT_FALSE(theirs.may_set);
  EXPECT_FALSE(theirs.may_bypass);
  const auto refused = check_write_blocking(theirs, others.of, true);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("setUserWriteBlockMode"), std::string::npos);
  EXPECT_NE(refused.error().message.find("bypassWriteBlockingMode"), std::string::npos);
  EXPECT_NE(refused.error().message.find("\"app\""), std::string::npos);
  EXPECT_EQ(others.set(false).error().server_code, wire::unauthorized);

  side half{on, set.uri_as(lab::credentials{"half", "h"})};
  const auto without_bypass = half.status();
  EXPECT_TRUE(without_bypass.may_set);
  EXPECT_FALSE(without_bypass.may_bypass);
  EXPECT_TRUE(check_write_blocking(without_bypass, half.of, false).has_value());
  EXPECT_FALSE(check_write_blocking(without_bypass, half.of, true).has_value());

  // It outlives the server.
  set.restart();
  side after{on, ours};
  EXPECT_EQ(after.status().on, true);
  ASSERT_TRUE(after.set(false));
  EXPECT_EQ(after.status().on, false);
  EXPECT_TRUE(can_write(app));
}

TEST(write_blocking, without_users_ours_would_be_refused_too) {
  lab::replica_set set(testing::set_of("wb", "6.0.27"));
  lane on;
  side mine{on, set.uri()};
  const auto status = mine.status();
  EXPECT_FALSE(status.has_users);
  EXPECT_TRUE(check_write_blocking(status, mine.of, false).has_value());
  EXPECT_FALSE(check_write_blocking(status, mine.of, true).has_value());
  ASSERT_TRUE(mine.set(true));
  EXPECT_FALSE(can_write(set.uri()));
  // The note by which a commit fences the source is still accepted.
  auto source = set.connect();
  EXPECT_TRUE(source.run("admin", R"({"appendOplogNote": 1, "data": {"fence": 1}})").has("operationTime"));
  ASSERT_TRUE(mine.set(false));
  EXPECT_TRUE(can_write(set.uri()));
}

TEST(write_blocking, older_servers_have_none) {
  lab::replica_set set(testing::set_of("wb", "5.0.4"));
  lane on;
  side mine{on, set.uri()};
  const auto status = mine.status();
  EXPECT_EQ(status.support, write_blocking_support::unsupported);
  const auto refused = check_write_blocking(status, mine.of, false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, error_kind::refused);
  EXPECT_NE(refused.error().message.find("5.0.4"), std::string::npos);
  EXPECT_EQ(mine.set(true).error().kind, error_kind::refused);
  EXPECT_TRUE(mine.set(false));
}

}  // namespace
}  // namespace sluice::cluster
