// Finding deployments on real servers: what is found, what is refused in which words, elections, logins, privileges.
#include <algorithm>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "engine/cluster/command_cursor.hpp"
#include "tests/integration/cluster_lane.hpp"
#include "tests/lab/not_run.hpp"
#include "tests/lab/sharded_cluster.hpp"

namespace sluice::cluster {
namespace {

using namespace std::chrono_literals;
using testing::lane;
using testing::parsed;
using testing::set_of;

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

deployment found(lane& on, const std::string& uri, role as = role::source) {
  return on.must(discover(parsed(uri), as, on.scope()));
}

error refusal(lane& on, const std::string& uri, role as = role::source) {
  auto tried = on.run(discover(parsed(uri), as, on.scope()));
  if (tried) {
    ADD_FAILURE() << "found " << tried.value().name();
    return {};
  }
  return tried.error();
}

TEST(cluster_discover, tells_what_a_replica_set_is) {
  lab::replica_set set(set_of("rs0", "6.0.27"));
  lane on;
  const auto d = found(on, set.uri());
  EXPECT_EQ(d.kind, deployment_kind::replica_set);
  EXPECT_EQ(d.set_name, "rs0");
  EXPECT_EQ(d.version, (server_version{6, 0, 27}));
  EXPECT_EQ(d.fcv, "6.0");
  EXPECT_FALSE(d.fcv_changing);
  EXPECT_EQ(d.primary.to_string(), set.primary().address());
  EXPECT_EQ(d.name(), "rs0 (" + set.primary().address() + ")");
  const auto config = set.connect().run("admin", R"({"replSetGetConfig": 1})");
  EXPECT_TRUE(holds(lab::to_text(*config.get(), 4000), "\"" + d.identity + "\"")) << d.identity;
  EXPECT_FALSE(d.can.bypass_empty_timestamp);  // asked of destinations only
  EXPECT_TRUE(found(on, set.uri(), role::destination).can.bypass_empty_timestamp);
  // The probe left nothing behind.
  EXPECT_EQ(set.connect().run("admin", R"({"listDatabases": 1, "filter": {"name": "sluice"}})").raw().find("sluice"),
            std::string_view::npos);
}

TEST(cluster_discover, probes_each_patch_release) {
  for (const auto& [version, knows] :
       {std::pair("6.0.5", false), std::pair("5.0.4", false), std::pair("4.4.2", false)}) {
    lab::replica_set set(set_of("rs", version));
    lane on;
    const auto d = found(on, set.uri(), role::destination);
    EXPECT_EQ(d.version.to_string(), version);
    EXPECT_EQ(d.fcv, std::string(version).substr(0, 3));
    EXPECT_EQ(d.can.bypass_empty_timestamp, knows) << version;
  }
}

TEST(cluster_discover, explains_a_standalone_server_at_once) {
  lab::mongod_process standalone({.cache_gb = 0.25}, "");
  lane on;
  const auto began = std::chrono::steady_clock::now();
  const auto why = refusal(on, "mongodb://" + standalone.address() + "/");
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
  EXPECT_EQ(why.kind, error_kind::configuration);
  EXPECT_TRUE(holds(why.message, "is a standalone server")) << why.message;
  EXPECT_TRUE(holds(why.message, "--replSet")) << why.message;
}

TEST(cluster_discover, waits_for_a_set_to_be_initiated) {
  lab::mongod_process node({.cache_gb = 0.25}, "rs");
  lane on;
  const auto why = refusal(on, "mongodb://" + node.address() + "/?serverSelectionTimeoutMS=300");
  EXPECT_TRUE(holds(why.message, "rs.initiate()")) << why.message;
  std::thread initiate([&node] {
    auto client = node.connect();
    client.run("admin",
               R"({"replSetInitiate": {"_id": "rs", "members": [{"_id": 0, "host": ")" + node.address() + R"("}]}})");
  });
  const auto d = found(on, "mongodb://" + node.address() + "/?serverSelectionTimeoutMS=60000");
  initiate.join();
  EXPECT_EQ(d.set_name, "rs");
}

TEST(cluster_discover, names_every_host_with_its_cause) {
  lane on;
  const auto a = "127.0.0.1:" + std::to_string(lab::free_port());
  const auto began = std::chrono::steady_clock::now();
  const auto why = refusal(on, "mongodb://" + a + ",nowhere.invalid:27017/?serverSelectionTimeoutMS=700");
  EXPECT_GE(std::chrono::steady_clock::now() - began, 600ms);  // both may yet come up
  EXPECT_EQ(why.kind, error_kind::network);
  EXPECT_TRUE(holds(why.message, a)) << why.message;
  EXPECT_TRUE(holds(why.message, "nowhere.invalid:27017")) << why.message;
}

TEST(cluster_discover, refuses_another_set_name) {
  lab::replica_set set(set_of("rs0"));
  lane on;
  const auto why = refusal(on, "mongodb://" + set.primary().address() + "/?replicaSet=other");
  EXPECT_EQ(why.kind, error_kind::configuration);
  EXPECT_TRUE(holds(why.message, "belongs to the replica set \"rs0\"")) << why.message;
}

TEST(cluster_discover, can_be_cancelled) {
  lane on;
  on.scope().cancel();
  EXPECT_EQ(refusal(on, "mongodb://127.0.0.1:" + std::to_string(lab::free_port()) + "/").kind, error_kind::cancelled);
}

class three_nodes : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { set_ = std::make_unique<lab::replica_set>(set_of("rs3", {}, 3)); }
  static void TearDownTestSuite() { set_.reset(); }
  static inline std::unique_ptr<lab::replica_set> set_;
};

TEST_F(three_nodes, are_found_through_a_secondary) {
  lane on;
  auto d = found(on, "mongodb://" + set_->secondary().address() + "/");
  EXPECT_EQ(d.primary.to_string(), set_->primary().address());
  EXPECT_EQ(d.uri.hosts().size(), 3u);
  const auto why =
      refusal(on, "mongodb://" + set_->secondary().address() + "/?directConnection=true&serverSelectionTimeoutMS=100");
  EXPECT_TRUE(holds(why.message, "directConnection=true")) << why.message;
}

TEST_F(three_nodes, are_followed_through_elections) {
  lane on;
  auto d = found(on, set_->uri());
  const auto old = set_->primary().address();
  set_->step_down();
  auto primary = on.must(connect_primary(d, on.scope(), 60s));
  EXPECT_EQ(primary->host().to_string(), set_->primary().address());
  EXPECT_EQ(d.primary, primary->host());

  auto& dead = set_->primary();
  dead.kill();
  primary = on.must(connect_primary(d, on.scope(), 60s));
  EXPECT_NE(primary->host().to_string(), dead.address());
  const auto gone = on.run(connect_member(d, wire::parse_host_port(dead.address()).value(), on.scope(), 0ms));
  ASSERT_FALSE(gone);
  EXPECT_TRUE(holds(gone.error().message, dead.address())) << gone.error().message;
  dead.restart();
  auto back = on.must(connect_member(d, wire::parse_host_port(dead.address()).value(), on.scope(), 60s));
  EXPECT_EQ(back->host().to_string(), dead.address());
  EXPECT_GE(on.must(ping(*back)), 1ms);
}

TEST_F(three_nodes, are_told_apart_by_their_data) {
  lane on;
  auto d = found(on, set_->uri());
  auto primary = on.must(connect_primary(d, on.scope(), 60s));
  auto& other = set_->secondary();
  auto secondary = on.must(connect_member(d, wire::parse_host_port(other.address()).value(), on.scope(), 60s));
  const auto of_primary = on.must(read_data_identity(*primary));
  const auto before = on.must(read_data_identity(*secondary));
  EXPECT_EQ(of_primary.size(), 32u);
  EXPECT_NE(of_primary, before);

  other.kill();  // a secondary that is asked to leave waits 15 s for its clients
  std::filesystem::remove_all(other.data_directory());
  std::filesystem::create_directories(other.data_directory());
  other.restart();
  secondary = on.must(connect_member(d, wire::parse_host_port(other.address()).value(), on.scope(), 60s));
  const auto after = on.must(read_data_identity(*secondary));
  EXPECT_EQ(after.size(), 32u);
  EXPECT_NE(before, after);  // it was copied anew: its RecordIds are others
}

TEST(cluster_connect, refuses_another_deployment_at_the_same_address) {
  const auto port = lab::free_port();
  lane on;
  deployment d;
  {
    auto options = set_of("rs0");
    options.server.port = port;
    lab::replica_set first(options);
    d = found(on, first.uri());
  }
  auto options = set_of("rs0");
  options.server.port = port;
  lab::replica_set second(options);
  const auto tried = on.run(connect_primary(d, on.scope(), 5s));
  ASSERT_FALSE(tried);
  EXPECT_EQ(tried.error().kind, error_kind::refused);
  EXPECT_TRUE(holds(tried.error().message, "another deployment")) << tried.error().message;
  const auto member = on.run(connect_member(d, d.primary, on.scope(), 5s));
  ASSERT_FALSE(member);
  EXPECT_EQ(member.error().kind, error_kind::refused);
}

TEST(cluster_connect, waits_for_a_set_that_is_down) {
  lab::replica_set set(set_of("rs0"));
  lane on;
  auto d = found(on, set.uri());
  set.stop();
  const auto at_once = on.run(connect_primary(d, on.scope(), 0ms));
  ASSERT_FALSE(at_once);
  EXPECT_TRUE(holds(at_once.error().message, d.primary.to_string())) << at_once.error().message;
  // restart() waits for the primary itself, so the search below begins while nobody listens.
  std::optional<result<std::unique_ptr<wire::connection>>> opened;
  std::thread search([&] { opened.emplace(on.run(connect_primary(d, on.scope(), 60s))); });
  set.restart();
  search.join();
  ASSERT_TRUE(*opened) << opened->error().message;
}

class with_logins : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto options = set_of("rsk", "6.0.27");
    options.server.root = lab::credentials{"root", "secret"};
    set_ = std::make_unique<lab::replica_set>(options);
    set_->add_user({"source", "x"}, R"(["backup", "readAnyDatabase", "clusterMonitor"])");
    set_->add_user({"destination", "x"}, R"(["restore", "readWriteAnyDatabase", "clusterMonitor"])");
    set_->add_user({"backup", "x"}, R"(["backup"])");
    set_->add_user({"reader", "x"}, R"(["readAnyDatabase"])");
    set_->add_user({"monitor", "x"}, R"(["clusterMonitor"])");
    set_->add_user({"nobody", "x"}, R"([])");
  }
  static void TearDownTestSuite() { set_.reset(); }

  static std::string uri_of(const std::string& user) { return set_->uri_as(lab::credentials{user, "x"}); }
  std::string privileges(const std::string& uri, role as) {
    auto node = testing::open(on, uri);
    const auto checked = on.run(check_privileges(*node, as));
    if (checked) return "enough";
    EXPECT_EQ(checked.error().kind, error_kind::refused);
    return checked.error().message;
  }

  static inline std::unique_ptr<lab::replica_set> set_;
  lane on;
};

TEST_F(with_logins, recommended_roles_are_enough) {
  EXPECT_EQ(privileges(uri_of("source"), role::source), "enough");
  EXPECT_EQ(privileges(uri_of("destination"), role::destination), "enough");
  EXPECT_EQ(privileges(uri_of("backup"), role::source), "enough");
  EXPECT_EQ(privileges(set_->uri(), role::destination), "enough");
  EXPECT_EQ(found(on, uri_of("source")).fcv, "6.0");
  EXPECT_EQ(found(on, uri_of("destination"), role::destination).can.bypass_empty_timestamp, true);
}

TEST_F(with_logins, missing_roles_are_named) {
  const auto reader = privileges(uri_of("reader"), role::destination);
  EXPECT_TRUE(holds(reader, "the user \"reader\" lacks insert, createCollection")) << reader;
  EXPECT_TRUE(holds(reader, "role restore")) << reader;
  const auto monitor = privileges(uri_of("monitor"), role::source);
  EXPECT_TRUE(holds(monitor, "lacks find, listCollections, listIndexes on every user collection")) << monitor;
  EXPECT_TRUE(holds(privileges(uri_of("nobody"), role::source), "readAnyDatabase hold all that is needed"));
}

TEST_F(with_logins, facts_that_may_not_be_read_are_named) {
  const auto why = refusal(on, uri_of("reader"));
  EXPECT_EQ(why.kind, error_kind::refused);
  EXPECT_TRUE(holds(why.message, "feature compatibility version")) << why.message;
  EXPECT_TRUE(holds(why.message, "clusterMonitor")) << why.message;
}

TEST_F(with_logins, identity_has_a_stand_in) {
  // backup may not read the configuration; the deployment is still told from others, and still connected to.
  auto d = found(on, uri_of("backup"));
  EXPECT_TRUE(d.identity.starts_with("hosts-")) << d.identity;
  EXPECT_NE(d.identity, found(on, uri_of("source")).identity);
  EXPECT_TRUE(on.run(connect_primary(d, on.scope(), 10s)));
}

TEST_F(with_logins, a_wrong_password_fails_at_once) {
  const auto began = std::chrono::steady_clock::now();
  const auto why = refusal(on, set_->uri_as(lab::credentials{"source", "wrong"}));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
  EXPECT_EQ(why.kind, error_kind::authentication) << why.message;
  EXPECT_FALSE(holds(why.message, "wrong")) << why.message;  // the password
}

TEST_F(with_logins, coming_without_a_login_is_refused) {
  const auto why = refusal(on, set_->uri_as({}));
  EXPECT_EQ(why.kind, error_kind::refused);
  EXPECT_TRUE(holds(why.message, "authentication")) << why.message;
  EXPECT_TRUE(holds(privileges(set_->uri_as({}), role::source), "its URI holds no user"));
}

TEST_F(with_logins, node_data_is_known_by_the_oplog) {
  auto node = testing::open(on, uri_of("source"));
  EXPECT_TRUE(on.must(read_data_identity(*node)).starts_with("oplog-"));
}

TEST(cluster_privileges, do_not_matter_without_authentication) {
  lab::replica_set set(set_of("rs0"));
  set.connect().run("admin", R"({"createUser": "weak", "pwd": "x", "roles": []})");
  lane on;
  for (const auto& uri : {set.uri(), set.uri_as(lab::credentials{"weak", "x"})}) {
    auto node = testing::open(on, uri);
    EXPECT_TRUE(on.run(check_privileges(*node, role::destination))) << uri;
  }
}

TEST(cluster_cursor, is_read_to_its_end) {
  lab::replica_set set(set_of("rs0"));
  auto client = set.connect();
  for (int i = 0; i < 7; ++i) client.insert("db", "c", lab::document::json(R"({"_id": )" + std::to_string(i) + "}"));
  lane on;
  auto node = testing::open(on, set.uri());
  bson::builder command;
  command.append("find", "c").append("batchSize", 2);
  const auto listed = on.must(run_cursor(*node, "db", command.finish()));
  ASSERT_EQ(listed.documents.size(), 7u);
  EXPECT_EQ(listed.documents.back().view().find("_id").to_int64(), 6);
  EXPECT_GT(listed.operation_time.seconds, 0u);
}

TEST(cluster_discover, knows_a_mongos) {
  if (!lab::find_mongos()) return lab::not_run("there is no mongos here");
  lab::sharded_cluster cluster({.shards = 1});
  lane on;
  auto d = found(on, cluster.uri());
  EXPECT_EQ(d.kind, deployment_kind::sharded);
  EXPECT_EQ(d.version.major, 5);
  EXPECT_EQ(d.fcv, "4.4");
  EXPECT_EQ(d.identity.size(), 24u);
  EXPECT_FALSE(d.can.natural_resume);
  auto node = on.must(connect_primary(d, on.scope(), 10s));
  EXPECT_EQ(on.must(read_data_identity(*node)), "");
  EXPECT_TRUE(on.run(check_privileges(*node, role::source)));
  EXPECT_TRUE(holds(refusal(on, cluster.uri() + "?replicaSet=rs").message, "remove replicaSet"));
  EXPECT_TRUE(holds(refusal(on, cluster.config_servers().uri()).message, "give the address of a mongos"));

  auto client = cluster.connect();
  client.run("db", R"({"create": "c", "collation": {"locale": "fr"}})");
  client.run("db", R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a"}]})");
  client.insert("db", "c", lab::document::json(R"({"_id": 1})"));
  const auto all = on.must(read_catalog(*node, {}, true));
  ASSERT_EQ(all.collections.size(), 1u);
  EXPECT_EQ(all.collections[0].ns.to_string(), "db.c");
  EXPECT_EQ(all.collections[0].indexes.size(), 1u);
  EXPECT_EQ(all.collections[0].documents, 1);
}

}  // namespace
}  // namespace sluice::cluster
