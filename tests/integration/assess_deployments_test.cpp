// `sluice assess` of deployments that are not what they should be, or only partly there, and of every version and kind.
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/integration/assess_program.hpp"
#include "tests/lab/dataset.hpp"
#include "tests/lab/not_run.hpp"
#include "tests/lab/replica_set.hpp"
#include "tests/lab/sharded_cluster.hpp"

namespace sluice::lab {
namespace {

class assess_deployments : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    source_set = std::make_unique<replica_set>(replica_set_options{.name = "source"});
    destination_set = std::make_unique<replica_set>(replica_set_options{.name = "destination"});
  }
  static void TearDownTestSuite() {
    source_set.reset();
    destination_set.reset();
  }

  static std::unique_ptr<replica_set> source_set;
  static std::unique_ptr<replica_set> destination_set;
  std::string source = source_set->uri();
  std::string destination = destination_set->uri();
};
std::unique_ptr<replica_set> assess_deployments::source_set;
std::unique_ptr<replica_set> assess_deployments::destination_set;

TEST_F(assess_deployments, a_standalone_server_is_explained) {
  mongod_process alone({}, "");
  const assess_outcome found = assess("mongodb://" + alone.address(), destination);
  EXPECT_EQ(found.status.code, 1) << found.output;
  EXPECT_EQ(found.level("hosts.deployment", "source"), "failure") << found.output;
  EXPECT_TRUE(holds(found.of("hosts.deployment").at(0).text("what"), "standalone")) << found.output;
  EXPECT_EQ(found.level("hosts.reachable", "source " + alone.address()), "ok") << found.output;
  EXPECT_EQ(found.level("privileges.user", "destination"), "ok") << "the other side is looked at all the same";
  EXPECT_FALSE(found.report().has("command") && !found.report().text("command").empty());
}

TEST_F(assess_deployments, a_host_that_is_not_there_is_named) {
  const std::string gone = "127.0.0.1:" + std::to_string(free_port());
  const assess_outcome found = assess("mongodb://" + gone + "/?replicaSet=x", destination);
  EXPECT_EQ(found.status.code, 1) << found.output;
  EXPECT_EQ(found.level("hosts.reachable", "source " + gone), "warning") << found.output;
  EXPECT_EQ(found.level("hosts.deployment", "source"), "failure") << found.output;
}

TEST_F(assess_deployments, one_deployment_as_both_sides_is_in_the_way) {
  const assess_outcome found = assess(source, source);
  EXPECT_EQ(found.status.code, 1) << found.output;
  EXPECT_EQ(found.level("versions.pair"), "failure") << found.output;
}

TEST_F(assess_deployments, a_member_that_is_down_is_a_warning) {
  replica_set three({.name = "three", .nodes = 3});
  mongod_process& down = three.secondary();
  const std::string address = down.address();
  down.stop();
  const assess_outcome found = assess(three.uri(), destination);
  EXPECT_EQ(found.status.code, 0) << found.output;
  EXPECT_EQ(found.level("hosts.reachable", "source " + address), "warning") << found.output;
  EXPECT_EQ(found.of("topology.members").at(0).number("figures.dataMembers"), 3) << found.output;
}

TEST_F(assess_deployments, a_host_that_takes_connections_and_never_answers_is_given_up) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 16), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string silent = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  const std::string with_silent = source.substr(0, source.find("/?")) + "," + silent + "/?replicaSet=source";
  const assess_outcome found = assess(with_silent, destination);
  ::close(listener);
  EXPECT_EQ(found.status.code, 0) << found.output;
  EXPECT_EQ(found.level("hosts.reachable", "source " + silent), "warning") << found.output;
  EXPECT_LT(found.report().number("seconds"), 10) << found.output;
}

/// (A configuration takes only names of this host beside others of it, and to a server these are all that begin with
/// 127.) Of one node, to which members are added that only the configuration knows, or that hold no data.
TEST_F(assess_deployments, arbiters_hidden_members_and_names_that_are_not_known) {
  replica_set odd({.name = "odd"});
  server_options small;
  small.cache_gb = 0.25;
  const mongod_process arbiter(small, "odd");
  client server = odd.connect();
  server.run("admin", R"({"setDefaultRWConcern": 1, "defaultWriteConcern": {"w": 1}})");
  server.run("admin", R"({"replSetReconfig": {"_id": "odd", "version": 100, "members": [
      {"_id": 0, "host": ")" +
                          odd.node(0).address() + R"("}, {"_id": 1, "host": ")" + arbiter.address() +
                          R"(", "arbiterOnly": true}, {"_id": 2, "host": "127.nowhere.invalid:27017", "votes": 0,
      "priority": 0, "hidden": true}]}, "force": true})");
  const assess_outcome found = assess(odd.uri(), destination);
  EXPECT_EQ(found.status.code, 0) << found.output;
  EXPECT_EQ(found.level("topology.arbiters", "source"), "warning") << found.output;
  EXPECT_EQ(found.level("topology.hiddenOrDelayed", "source"), "ok") << found.output;
  EXPECT_EQ(found.level("hosts.reachable", "source " + arbiter.address()), "ok") << found.output;
  EXPECT_EQ(found.level("hosts.reachable", "source 127.nowhere.invalid:27017"), "warning") << found.output;
  bool named = false;
  for (const document& one : found.of("hosts.reachable")) {
    named = named || holds(one.text("what"), "the name \"127.nowhere.invalid\" is not known");
  }
  EXPECT_TRUE(named) << found.output;
}

class assess_versions : public ::testing::TestWithParam<const char*> {};

TEST_P(assess_versions, every_source_is_looked_at_as_a_whole) {
  replica_set_options old{.name = "old"};
  old.server.version = GetParam();
  replica_set source(old);
  replica_set destination({.name = "new"});
  load_zoo(source.uri(), small_zoo());
  const assess_outcome found = assess(source.uri(), destination.uri());
  EXPECT_EQ(found.status.code, 0) << found.output;
  EXPECT_EQ(found.all("failure"), std::vector<std::string>{});
  for (const char* check : {"oplog.window", "oplog.rate", "catalog.size", "settings.notablescan", "disk.destination",
                            "versions.pair", "estimate.duration"}) {
    EXPECT_FALSE(found.level(check).empty()) << check << "\n" << found.output;
  }
  for (const document& one : found.report().child("findings").elements()) {
    EXPECT_FALSE(holds(one.text("what"), "could not be looked at")) << one.text("check") << ": " << one.text("what");
  }
}
INSTANTIATE_TEST_SUITE_P(of, assess_versions, ::testing::Values("4.4.2", "5.0.4", "6.0.5"), [](const auto& one) {
  std::string name = one.param;
  for (char& c : name) c = c == '.' ? '_' : c;
  return name;
});

TEST_F(assess_deployments, a_destination_that_is_older_is_in_the_way) {
  replica_set_options old{.name = "old"};
  old.server.version = "5.0.4";
  const replica_set older(old);
  const assess_outcome found = assess(source, older.uri());
  EXPECT_EQ(found.status.code, 1) << found.output;
  EXPECT_EQ(found.level("versions.pair"), "failure") << found.output;
}

TEST_F(assess_deployments, a_sharded_cluster_is_a_source_and_no_destination_of_what_is_newer) {
  if (!find_mongos()) {
    not_run("no mongos: set MONGOS or run tools/bootstrap --all-versions beside a mongos archive");
    return;
  }
  sharded_cluster cluster;
  client through = cluster.connect();
  through.run("admin", R"({"balancerStart": 1})");
  cluster.shard_collection("shop", "orders", R"({"_id": "hashed"})");
  for (int i = 0; i < 20; ++i) {
    through.run("shop", R"({"insert": "orders", "documents": [{"_id": )" + std::to_string(i) + "}]}");
  }
  const assess_outcome found = assess(cluster.uri(), destination);
  EXPECT_EQ(found.report().text("source.kind"), "shardedCluster") << found.output;
  EXPECT_EQ(found.level("settings.balancer", "source"), "warning") << found.output;
  EXPECT_EQ(found.of("catalog.size").at(0).number("figures.documents"), 20) << found.output;
  EXPECT_EQ(found.all("failure"), std::vector<std::string>{});
  EXPECT_EQ(found.status.code, 0) << found.output;
  through.run("admin", R"({"balancerStop": 1})");
  const assess_outcome stopped = assess(cluster.uri(), destination);
  EXPECT_EQ(stopped.status.code, 0) << stopped.output;
  EXPECT_EQ(stopped.level("settings.balancer", "source"), "ok") << stopped.output;

  const assess_outcome into = assess(source, cluster.uri());
  EXPECT_EQ(into.status.code, 1) << into.output;
  EXPECT_EQ(into.level("versions.pair"), "failure") << into.output;
}

}  // namespace
}  // namespace sluice::lab
