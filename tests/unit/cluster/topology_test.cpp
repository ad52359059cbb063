// Scripts for the search machine: what each host says, and what must follow. No sockets.
#include "engine/cluster/topology.hpp"

#include <gtest/gtest.h>

#include "tests/unit/cluster/fixture.hpp"

namespace sluice::cluster {
namespace {

using namespace std::chrono_literals;
using testing::host;
using testing::json;
using verdict = topology::verdict;

hello_reply primary_of(const std::string& set, const std::string& me, std::vector<std::string> members,
                       const char* election = "7fffffff0000000000000005") {
  auto said =
      read_hello(json(std::string(R"({"isWritablePrimary": true, "secondary": false, "electionId": {"$oid": ")") +
                      election + R"("}})"));
  said.set_name = set;
  said.me = me;
  said.primary = me;
  said.members = std::move(members);
  return said;
}

hello_reply secondary_of(const std::string& set, const std::string& me, std::vector<std::string> members,
                         const std::string& primary = {}) {
  hello_reply said;
  said.set_name = set;
  said.me = me;
  said.primary = primary;
  said.members = std::move(members);
  said.is_secondary = true;
  return said;
}

topology search(std::vector<std::string> seeds, std::string set = {}, bool direct = false) {
  std::vector<wire::host_port> hosts;
  for (const auto& seed : seeds) hosts.push_back(host(seed));
  return topology(std::move(hosts), std::move(set), direct);
}

std::vector<std::string> names(const std::vector<wire::host_port>& hosts) {
  std::vector<std::string> all;
  for (const auto& each : hosts) all.push_back(each.to_string());
  return all;
}

using list = std::vector<std::string>;

TEST(topology, finds_the_primary_among_the_seeds) {
  auto machine = search({"a:1", "b:2"});
  EXPECT_EQ(names(machine.take_askable()), (list{"a:1", "b:2"}));
  EXPECT_EQ(machine.judge(), verdict::pending);
  EXPECT_TRUE(machine.take_askable().empty());  // nobody is asked twice at a time
  machine.heard(host("b:2"), primary_of("rs", "b:2", {"a:1", "b:2"}));
  ASSERT_EQ(machine.judge(), verdict::found);
  EXPECT_EQ(machine.primary(), host("b:2"));
  EXPECT_EQ(machine.set_name(), "rs");
  EXPECT_FALSE(machine.is_sharded());
  EXPECT_EQ(names(machine.members()), (list{"a:1", "b:2"}));
}

TEST(topology, asks_members_that_the_uri_does_not_name) {
  auto machine = search({"a:1"});
  (void)machine.take_askable();
  machine.heard(host("a:1"), secondary_of("rs", "a:1", {"a:1", "b:2", "c:3"}, "c:3"));
  EXPECT_EQ(machine.judge(), verdict::pending);
  EXPECT_EQ(names(machine.take_askable()), (list{"b:2", "c:3"}));
  machine.heard(host("c:3"), primary_of("rs", "c:3", {"a:1", "b:2", "c:3"}));
  ASSERT_EQ(machine.judge(), verdict::found);
  EXPECT_EQ(machine.primary(), host("c:3"));
}

TEST(topology, waits_while_there_is_no_primary_and_finds_it_later) {
  auto machine = search({"a:1"}, "rs");
  (void)machine.take_askable();
  machine.heard(host("a:1"), secondary_of("rs", "a:1", {"a:1"}));
  EXPECT_EQ(machine.judge(), verdict::nobody);
  EXPECT_TRUE(machine.take_askable().empty());
  machine.ask_again();
  EXPECT_EQ(names(machine.take_askable()), (list{"a:1"}));
  machine.heard(host("a:1"), primary_of("rs", "a:1", {"a:1"}));
  EXPECT_EQ(machine.judge(), verdict::found);
}

TEST(topology, leaves_hosts_alone_that_still_owe_an_answer) {
  auto machine = search({"a:1", "b:2"});
  (void)machine.take_askable();
  machine.failed(host("a:1"), failure(error_kind::network, "refused"));
  machine.ask_again();
  EXPECT_EQ(names(machine.take_askable()), (list{"a:1"}));
}

TEST(topology, does_not_take_a_stale_primary) {
  auto first = search({"a:1"});
  (void)first.take_askable();
  first.heard(host("a:1"), primary_of("rs", "a:1", {"a:1", "b:2"}, "7fffffff0000000000000007"));
  topology machine({host("b:2"), host("c:3")}, "rs", false, first.newest_election());
  (void)machine.take_askable();
  machine.heard(host("b:2"), primary_of("rs", "b:2", {"b:2", "c:3"}, "7fffffff0000000000000006"));
  EXPECT_EQ(machine.judge(), verdict::pending);
  machine.heard(host("c:3"), primary_of("rs", "c:3", {"b:2", "c:3"}, "7fffffff0000000000000008"));
  ASSERT_EQ(machine.judge(), verdict::found);
  EXPECT_EQ(machine.primary(), host("c:3"));
}

TEST(topology, says_that_a_primary_is_stale) {
  const auto newer = json(R"({"id": {"$oid": "7fffffff0000000000000007"}})");
  topology machine({host("b:2")}, "rs", false, newer.view().find("id").as_object_id());
  (void)machine.take_askable();
  machine.heard(host("b:2"), primary_of("rs", "b:2", {"b:2"}, "7fffffff0000000000000006"));
  EXPECT_EQ(machine.judge(), verdict::nobody);
  EXPECT_NE(machine.explain("source", 1s).message.find("a newer one has been elected"), std::string::npos);
}

TEST(topology, refuses_a_wrong_set_name_at_once) {
  auto machine = search({"a:1"}, "rs");
  (void)machine.take_askable();
  machine.heard(host("a:1"), primary_of("other", "a:1", {"a:1", "b:2"}));
  EXPECT_EQ(machine.judge(), verdict::hopeless);
  EXPECT_TRUE(machine.take_askable().empty());  // nor are the other set's members asked
  const auto why = machine.explain("destination", 0s);
  EXPECT_EQ(why.kind, error_kind::configuration);
  EXPECT_EQ(
      why.message,
      "destination: no primary of the replica set \"rs\" found: a:1 belongs to the replica set \"other\", but the "
      "URI asks for \"rs\": correct the URI");
}

TEST(topology, goes_on_with_the_right_set_where_one_host_is_of_another) {
  auto machine = search({"a:1", "b:2"}, "rs");
  (void)machine.take_askable();
  machine.heard(host("a:1"), primary_of("other", "a:1", {"a:1"}));
  EXPECT_EQ(machine.judge(), verdict::pending);
  machine.heard(host("b:2"), primary_of("rs", "b:2", {"b:2"}));
  ASSERT_EQ(machine.judge(), verdict::found);
  EXPECT_EQ(machine.primary(), host("b:2"));
}

TEST(topology, takes_the_first_set_where_the_uri_names_none) {
  auto machine = search({"a:1", "b:2"});
  (void)machine.take_askable();
  machine.heard(host("a:1"), secondary_of("rs", "a:1", {"a:1"}));
  machine.heard(host("b:2"), primary_of("other", "b:2", {"b:2"}));
  EXPECT_EQ(machine.judge(), verdict::nobody);
  const auto why = machine.explain("source", 2s);
  EXPECT_EQ(why.kind, error_kind::timeout);
  EXPECT_NE(why.message.find("another host of the URI belongs to \"rs\""), std::string::npos) << why.message;
}

TEST(topology, explains_a_standalone_server) {
  auto machine = search({"a:1"});
  (void)machine.take_askable();
  machine.heard(host("a:1"), read_hello(json(R"({"isWritablePrimary": true, "maxWireVersion": 17})")));
  EXPECT_EQ(machine.judge(), verdict::hopeless);
  const auto why = machine.explain("source", 0s);
  EXPECT_EQ(why.kind, error_kind::configuration);
  EXPECT_EQ(
      why.message,
      "source: no replica set found: a:1 is a standalone server, which keeps no oplog: start it with --replSet and "
      "run rs.initiate()");
}

TEST(topology, waits_for_a_set_that_is_not_initiated) {
  auto machine = search({"a:1"});
  (void)machine.take_askable();
  machine.heard(host("a:1"), read_hello(json(R"({"isWritablePrimary": false, "secondary": false,
      "info": "Does not have a valid replica set config", "isreplicaset": true})")));
  EXPECT_EQ(machine.judge(), verdict::nobody);
  EXPECT_NE(machine.explain("source", 30s).message.find("within 30 s: a:1 is not a member of an initiated replica set"),
            std::string::npos);
}

TEST(topology, knows_a_mongos) {
  auto machine = search({"m:1", "m:2"});
  (void)machine.take_askable();
  machine.heard(host("m:2"), read_hello(json(R"({"isWritablePrimary": true, "msg": "isdbgrid"})")));
  ASSERT_EQ(machine.judge(), verdict::found);
  EXPECT_TRUE(machine.is_sharded());
  EXPECT_EQ(machine.primary(), host("m:2"));
  EXPECT_EQ(names(machine.members()), (list{"m:1", "m:2"}));
}

TEST(topology, refuses_a_mongos_where_a_set_is_asked_for) {
  auto machine = search({"m:1"}, "rs");
  (void)machine.take_askable();
  machine.heard(host("m:1"), read_hello(json(R"({"isWritablePrimary": true, "msg": "isdbgrid"})")));
  EXPECT_EQ(machine.judge(), verdict::hopeless);
  EXPECT_NE(machine.explain("source", 0s).message.find("remove replicaSet"), std::string::npos);
}

TEST(topology, refuses_a_config_server) {
  auto machine = search({"c:1"});
  (void)machine.take_askable();
  auto said = primary_of("cfg", "c:1", {"c:1"});
  said.is_config_server = true;
  machine.heard(host("c:1"), said);
  EXPECT_EQ(machine.judge(), verdict::hopeless);
}

TEST(topology, learns_from_hidden_members_and_arbiters) {
  auto machine = search({"hidden:1", "arbiter:2"});
  (void)machine.take_askable();
  machine.heard(host("hidden:1"), secondary_of("rs", "hidden:1", {"a:1"}));
  auto arbiter = secondary_of("rs", "arbiter:2", {"a:1"});
  arbiter.is_secondary = false;
  arbiter.is_arbiter = true;
  machine.heard(host("arbiter:2"), arbiter);
  EXPECT_EQ(names(machine.take_askable()), (list{"a:1"}));
  machine.failed(host("a:1"), failure(error_kind::network, "a:1: connection refused"));
  EXPECT_EQ(machine.judge(), verdict::nobody);
  const auto message = machine.explain("source", 1s).message;
  EXPECT_NE(message.find("arbiter:2 is an arbiter"), std::string::npos) << message;
  EXPECT_NE(message.find("; a:1: connection refused"), std::string::npos) << message;
}

TEST(topology, keeps_an_alias_that_answered) {
  auto machine = search({"forwarded:9"});
  (void)machine.take_askable();
  machine.heard(host("forwarded:9"), primary_of("rs", "inner:27017", {"inner:27017", "other:27017"}));
  ASSERT_EQ(machine.judge(), verdict::found);
  EXPECT_EQ(machine.primary(), host("forwarded:9"));
  EXPECT_EQ(names(machine.members()), (list{"forwarded:9", "inner:27017", "other:27017"}));
}

TEST(topology, stays_with_the_seed_on_a_direct_connection) {
  auto machine = search({"a:1"}, {}, true);
  (void)machine.take_askable();
  machine.heard(host("a:1"), secondary_of("rs", "a:1", {"a:1", "b:2"}, "b:2"));
  EXPECT_TRUE(machine.take_askable().empty());
  EXPECT_NE(machine.explain("source", 0s).message.find("directConnection=true"), std::string::npos);
  machine.ask_again();
  (void)machine.take_askable();
  machine.heard(host("a:1"), primary_of("rs", "a:1", {"a:1", "b:2"}));
  ASSERT_EQ(machine.judge(), verdict::found);
  EXPECT_EQ(names(machine.members()), (list{"a:1"}));
}

TEST(topology, gives_up_at_once_when_the_login_is_refused) {
  auto machine = search({"a:1", "b:2"});
  (void)machine.take_askable();
  machine.failed(host("a:1"), failure(error_kind::authentication, "a:1: authentication failed for \"joe\""));
  EXPECT_EQ(machine.judge(), verdict::pending);
  machine.failed(host("b:2"), failure(error_kind::network, "b:2: connection refused"));
  EXPECT_EQ(machine.judge(), verdict::hopeless);
  EXPECT_EQ(machine.explain("source", 0s).kind, error_kind::authentication);
}

TEST(topology, does_not_mind_an_arbiter_that_knows_no_users) {
  auto machine = search({"arbiter:1", "a:2"});
  (void)machine.take_askable();
  machine.failed(host("arbiter:1"), failure(error_kind::authentication, "arbiter:1: authentication failed"));
  machine.heard(host("a:2"), secondary_of("rs", "a:2", {"a:2"}));
  EXPECT_EQ(machine.judge(), verdict::nobody);
  EXPECT_EQ(machine.explain("source", 1s).kind, error_kind::timeout);
}

TEST(topology, keeps_the_last_cause_of_each_host) {
  auto machine = search({"a:1", "b:2"});
  (void)machine.take_askable();
  machine.failed(host("a:1"), failure(error_kind::network, "a:1: name not found"));
  machine.failed(host("b:2"), failure(error_kind::timeout, "b:2: no answer within 10 s"));
  machine.ask_again();
  (void)machine.take_askable();
  machine.failed(host("a:1"), failure(error_kind::network, "a:1: connection refused"));
  const auto why = machine.explain("source", 30s);
  EXPECT_EQ(why.kind, error_kind::network);
  EXPECT_EQ(why.message,
            "source: no replica set found within 30 s: a:1: connection refused; b:2: no answer within 10 s");
}

TEST(topology, names_hosts_that_never_answered) {
  auto machine = search({"a:1"}, "rs");
  (void)machine.take_askable();
  EXPECT_NE(machine.explain("source", 30s).message.find("a:1 has not answered"), std::string::npos);
}

TEST(hello_reply, reads_what_a_primary_says) {
  const auto said = read_hello(json(R"({"hosts": ["a:1", "b:2"], "passives": ["p:3"], "arbiters": ["x:4"],
      "setName": "rs0", "isWritablePrimary": true, "secondary": false, "primary": "a:1", "me": "a:1",
      "electionId": {"$oid": "7fffffff0000000000000003"}, "maxWireVersion": 17, "ok": 1.0})"));
  EXPECT_EQ(said.members, (list{"a:1", "b:2", "p:3"}));
  EXPECT_EQ(said.set_name, "rs0");
  EXPECT_TRUE(said.is_writable_primary);
  EXPECT_TRUE(said.election.has_value());
  EXPECT_FALSE(said.is_mongos || said.is_secondary || said.is_arbiter || said.is_uninitiated || said.is_config_server);
}

}  // namespace
}  // namespace sluice::cluster
