// Where a migration begins and ends, asked of real servers: sets whose secondaries stand still, open transactions,
// users who may not ask.
#include <algorithm>

#include "engine/capture/start_time.hpp"
#include "engine/wire/server_error.hpp"
#include "tests/integration/cluster_lane.hpp"
#include "tests/lab/not_run.hpp"
#include "tests/lab/sharded_cluster.hpp"
#include "tests/unit/capture/oplog_entries.hpp"

namespace sluice::capture {
namespace {

using cluster::testing::lane;
using cluster::testing::open;
using cluster::testing::set_of;
using testing::contains;

bson::timestamp newest(lab::client& of) {
  const auto hello = of.run("admin", R"({"isMaster": 1})");
  const auto raw = hello.raw();
  const auto time = bson::document_view(reinterpret_cast<const std::byte*>(raw.data())).at("lastWrite", "opTime", "ts");
  return time.as_timestamp().value_or(bson::timestamp{});
}

class capture_start_time : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(of, capture_start_time, ::testing::Values("4.4.2", "5.0.4", "6.0.27"), [](const auto& one) {
  std::string name = one.param;
  std::ranges::replace(name, '.', '_');
  return name;
});

TEST_P(capture_start_time, does_not_pass_what_a_majority_holds) {
  lab::replica_set set(set_of("rs0", GetParam(), 3));
  const auto primary_uri = set.primary().direct_uri();
  auto primary = set.primary().connect();
  primary.run("shop", R"({"insert": "c", "documents": [{"_id": 1}], "writeConcern": {"w": 3}})");
  std::vector<lab::client> secondaries;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (set.node(i).address() == set.primary().address()) continue;
    secondaries.push_back(set.node(i).connect());
    secondaries.back().run("admin", R"({"configureFailPoint": "stopReplProducer", "mode": "alwaysOn"})");
  }
  // A fetch that is under way brings a last batch: written until one is not followed by a majority.
  lane on;
  const auto connection = open(on, primary_uri);
  bson::timestamp majority;
  for (int id = 2;; ++id) {
    // Said, since 5.0 would wait for a majority by itself.
    primary.run("shop",
                R"({"insert": "c", "documents": [{"_id": )" + std::to_string(id) + R"(}], "writeConcern": {"w": 1}})");
    const auto reply = primary.run("shop", R"({"insert": "d", "documents": [{}], "writeConcern": {"w": 1}})");
    lab::document answer;
    bson_error_t why{};
    primary.try_run("shop", lab::document::json(R"({"insert": "d", "documents": [{}],
                                            "writeConcern": {"w": "majority", "wtimeout": 2000}})"),
                    answer, why);
    if (answer.has("writeConcernError")) break;
    ASSERT_LT(id, 50) << "the secondaries do not stand still";
  }
  const auto last = newest(primary);
  majority = on.must(read_majority_time(*connection));
  EXPECT_LT(majority, last);
  const auto start = on.must(read_start_time(*connection));
  EXPECT_LT(start.contained, last);
  EXPECT_LE(start.capture_from, start.contained);
  EXPECT_EQ(on.must(read_oplog_window(*connection)).last, last);

  for (auto& one : secondaries) one.run("admin", R"({"configureFailPoint": "stopReplProducer", "mode": "off"})");
  const auto fence = on.must(append_fence(*connection));
  EXPECT_GT(fence, last);
  EXPECT_GE(on.must(read_majority_time(*connection)), fence);
}

TEST_P(capture_start_time, begins_with_the_oldest_transaction_that_is_open) {
  lab::replica_set set(set_of("rs0", GetParam()));
  auto source = set.connect();
  lane on;
  const auto connection = open(on, set.uri());
  source.run("shop", R"({"create": "c"})");
  // A young server still writes by itself now and then, between the two times perhaps.
  auto idle = on.must(read_start_time(*connection));
  EXPECT_TRUE(lab::eventually(
      [&] {
        idle = on.must(read_start_time(*connection));
        return idle.capture_from == idle.contained;
      },
      std::chrono::seconds(20)));

  bson_error_t why{};
  mongoc_client_session_t* const session = mongoc_client_start_session(source.get(), nullptr, &why);
  ASSERT_NE(session, nullptr) << why.message;
  ASSERT_TRUE(mongoc_client_session_start_transaction(session, nullptr, &why)) << why.message;
  lab::document options;
  ASSERT_TRUE(mongoc_client_session_append(session, options.get(), &why)) << why.message;
  const auto run_in = [&](const char* database, const char* command, lab::document& reply) {
    lab::reply_buffer said;
    const bool good = mongoc_client_write_command_with_opts(source.get(), database, lab::document::json(command).get(),
                                                            options.get(), said.get(), &why);
    reply = said.copy();
    return good;
  };
  lab::document reply;
  ASSERT_TRUE(run_in("shop", R"({"insert": "c", "documents": [{"_id": 1}]})", reply)) << why.message;
  ASSERT_TRUE(run_in("admin", R"({"prepareTransaction": 1})", reply)) << why.message;
  const auto prepared = bson::document_view(reinterpret_cast<const std::byte*>(reply.raw().data()))
                            .find("prepareTimestamp")
                            .as_timestamp();
  source.run("shop", R"({"insert": "c", "documents": [{"_id": 2}], "writeConcern": {"w": "majority"}})");

  const auto start = on.must(read_start_time(*connection));
  EXPECT_EQ(start.capture_from, prepared);
  EXPECT_GT(start.contained, start.capture_from);
  EXPECT_EQ(start.contained, on.must(read_majority_time(*connection)));
  EXPECT_LE(on.must(read_oplog_window(*connection)).first, idle.contained);

  ASSERT_TRUE(mongoc_client_session_abort_transaction(session, &why)) << why.message;
  mongoc_client_session_destroy(session);
  source.run("shop", R"({"insert": "c", "documents": [{"_id": 3}], "writeConcern": {"w": "majority"}})");
  const auto later = on.must(read_start_time(*connection));
  EXPECT_EQ(later.capture_from, later.contained);
}

TEST(capture_start, says_which_role_is_missing) {
  auto options = set_of("rs0", "6.0.27");
  options.server.root = lab::credentials{"root", "secret-of-root"};
  lab::replica_set set(options);
  const lab::credentials reader{"reader", "pw"};
  const lab::credentials monitor{"monitor", "pw"};
  const lab::credentials backup{"backup", "pw"};
  set.add_user(reader, R"([{"role": "read", "db": "shop"}])");
  set.add_user(monitor, R"(["clusterMonitor"])");
  set.add_user(backup, R"(["backup"])");
  lane on;
  {
    const auto connection = open(on, set.uri_as(reader));
    const auto refused = on.run(read_start_time(*connection));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, error_kind::refused);
    EXPECT_TRUE(contains(refused.error().message, "backup")) << refused.error().message;
    EXPECT_TRUE(contains(refused.error().message, "config.transactions")) << refused.error().message;
    const auto window = on.run(read_oplog_window(*connection));
    ASSERT_FALSE(window);
    EXPECT_EQ(window.error().server_code, wire::unauthorized);
  }
  auto root = set.connect();
  const auto notes = [&root] {
    return root.run("local", R"({"count": "oplog.rs", "query": {"op": "n", "o.msg": {"$regex": "^sluice"}}})")
        .integer("n");
  };
  {
    // May not write a note: the newest change is the fence.
    const auto connection = open(on, set.uri_as(monitor));
    const auto before = newest(root);
    EXPECT_GE(on.must(append_fence(*connection)), before);
    EXPECT_EQ(notes(), 0);
    EXPECT_GE(on.must(read_start_time(*connection)).contained, before);
  }
  const auto connection = open(on, set.uri_as(backup));
  const auto before = newest(root);
  EXPECT_GT(on.must(append_fence(*connection)), before);
  EXPECT_EQ(notes(), 1);
  EXPECT_GE(on.must(read_start_time(*connection)).contained, before);
  EXPECT_GE(on.must(read_oplog_window(*connection)).last, before);
}

TEST(capture_start, asks_a_mongos_for_the_clusters_time) {
  if (!lab::find_mongos()) return lab::not_run("there is no mongos here");
  lab::sharded_cluster cluster({.shards = 1});
  auto client = cluster.connect();
  client.run("shop", R"({"insert": "c", "documents": [{"_id": 1}], "writeConcern": {"w": "majority"}})");
  auto shard = cluster.shard(0).connect();
  const auto before = newest(shard);
  lane on;
  const auto connection = open(on, cluster.uri());
  const auto start = on.must(read_start_time(*connection));
  EXPECT_EQ(start.capture_from, start.contained);
  EXPECT_GE(start.contained, before);
  EXPECT_GE(on.must(read_majority_time(*connection)), before);
  EXPECT_GE(on.must(append_fence(*connection)), before);
}

}  // namespace
}  // namespace sluice::capture
