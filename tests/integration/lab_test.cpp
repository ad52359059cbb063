// The laboratory's own tests: a judge that overlooks a difference would make every other test worthless.
#include <algorithm>
#include <memory>

#include <gtest/gtest.h>

#include "tests/lab/dataset.hpp"
#include "tests/lab/not_run.hpp"
#include "tests/lab/oracle.hpp"
#include "tests/lab/replica_set.hpp"
#include "tests/lab/sharded_cluster.hpp"
#include "tests/lab/writer.hpp"

namespace sluice::lab {
namespace {

// {_id: 0, <fields>}, {_id: 1, <fields>}, …
std::vector<document> numbered(std::size_t count, const std::string& fields) {
  std::vector<document> documents;
  documents.reserve(count);
  while (documents.size() < count) {
    documents.push_back(document::json(R"({"_id": )" + std::to_string(documents.size()) + ", " + fields + "}"));
  }
  return documents;
}

// Two sets for all tests of the oracle: each starts from the same small data on both sides.
class oracle_test : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    source_set = std::make_unique<replica_set>(replica_set_options{.name = "source"});
    destination_set = std::make_unique<replica_set>(replica_set_options{.name = "destination"});
  }
  static void TearDownTestSuite() {
    source_set.reset();
    destination_set.reset();
  }

  void SetUp() override {
    for (client* side : {&source, &destination}) {
      drop_user_data(*side);
      side->run("shop", R"({"create": "orders", "validator": {"total": {"$gte": 0}}})");
      side->run("shop", R"({"createIndexes": "orders", "indexes": [{"key": {"total": 1}, "name": "total_1"}]})");
      side->insert("shop", "orders", numbered(50, R"("total": 1, "items": ["a", "b"])"));
      side->run("shop", R"({"create": "log", "capped": true, "size": 100000})");
      side->run("shop", R"({"create": "cheap", "viewOn": "orders", "pipeline": [{"$match": {"total": 1}}]})");
    }
  }

  comparison judge(std::vector<std::string> include = {}, std::vector<std::string> exclude = {}) {
    return compare({.source_uri = source_set->uri(),
                    .destination_uri = destination_set->uri(),
                    .include = std::move(include),
                    .exclude = std::move(exclude)});
  }

  // Exactly these differences, in words that name the place.
  void expect_difference(const std::string& words, std::uint64_t count = 1) {
    const comparison verdict = judge();
    EXPECT_FALSE(verdict.equal());
    EXPECT_EQ(verdict.difference_count, count) << verdict.text();
    EXPECT_NE(verdict.text().find(words), std::string::npos) << verdict.text();
  }

  static std::unique_ptr<replica_set> source_set;
  static std::unique_ptr<replica_set> destination_set;
  client source{source_set->uri()};
  client destination{destination_set->uri()};
};
std::unique_ptr<replica_set> oracle_test::source_set;
std::unique_ptr<replica_set> oracle_test::destination_set;

TEST_F(oracle_test, equal_sides_are_equal_and_counted) {
  const comparison verdict = judge();
  EXPECT_TRUE(verdict.equal()) << verdict.text();
  EXPECT_EQ(verdict.collections, 3U);
  EXPECT_EQ(verdict.documents, 50U);
  EXPECT_EQ(verdict.indexes, 3U);
  EXPECT_GT(verdict.bytes, 50U * 40);
}

TEST_F(oracle_test, missing_document) {
  destination.run("shop", R"({"delete": "orders", "deletes": [{"q": {"_id": 7}, "limit": 1}]})");
  expect_difference(R"("7" } } is missing in the destination)");
}

TEST_F(oracle_test, extra_document) {
  destination.insert("shop", "orders", document::json(R"({"_id": -1, "total": 1})"));
  expect_difference("is in the destination only");
}

TEST_F(oracle_test, many_missing_documents_are_all_counted_but_not_all_shown) {
  destination.run("shop", R"({"delete": "orders", "deletes": [{"q": {"_id": {"$gte": 10}}, "limit": 0}]})");
  const comparison verdict = judge();
  EXPECT_EQ(verdict.difference_count, 40U);
  EXPECT_EQ(verdict.differences.size(), comparison::shown_differences_max);
}

TEST_F(oracle_test, changed_value) {
  destination.run("shop", R"({"update": "orders", "updates": [{"q": {"_id": 3}, "u": {"$set": {"items.1": "c"}}}]})");
  expect_difference(R"((field "items";)");
}

TEST_F(oracle_test, changed_number_type_of_an_equal_value) {
  destination.run("shop", R"({"update": "orders", "updates": [{"q": {"_id": 3},
      "u": {"$set": {"total": {"$numberLong": "1"}}}}]})");
  expect_difference(R"((field "total";)");
}

TEST_F(oracle_test, changed_field_order) {
  destination.run("shop", R"({"update": "orders", "updates": [{"q": {"_id": 3}, "u":
      {"items": ["a", "b"], "total": 1}}]})");
  expect_difference("shop.orders: document");
}

TEST_F(oracle_test, id_of_another_type_is_another_document) {
  destination.run("shop", R"({"delete": "orders", "deletes": [{"q": {"_id": 7}, "limit": 1}]})");
  destination.insert("shop", "orders",
                     document::json(R"({"_id": {"$numberDouble": "7.0"}, "total": 1, "items": ["a", "b"]})"));
  expect_difference(R"("$numberDouble" : "7.0")", 2);
}

TEST_F(oracle_test, missing_index) {
  destination.run("shop", R"({"dropIndexes": "orders", "index": "total_1"})");
  expect_difference(R"(index "total_1")");
}

TEST_F(oracle_test, index_with_another_option) {
  destination.run("shop", R"({"collMod": "orders", "index": {"name": "total_1", "hidden": true}})");
  expect_difference(R"(index "total_1": "hidden" is nothing in the source, true in the destination)");
}

TEST_F(oracle_test, extra_index) {
  destination.run("shop", R"({"createIndexes": "orders", "indexes": [{"key": {"x": "hashed"}, "name": "x"}]})");
  expect_difference(R"(index "x" is in the destination only)");
}

TEST_F(oracle_test, other_collection_option) {
  destination.run("shop", R"({"collMod": "orders", "validator": {"total": {"$gte": 1}}})");
  // collMod also writes down the level and the action that were implied before.
  expect_difference(R"(shop.orders, options: "validator")", 3);
}

TEST_F(oracle_test, collection_on_one_side_only) {
  destination.run("shop", R"({"create": "more"})");
  expect_difference("shop.more: the collection is in the destination only");
  source.run("other", R"({"create": "thing"})");
  expect_difference("other.thing: the collection is missing in the destination", 2);
}

TEST_F(oracle_test, view_with_another_pipeline) {
  destination.run("shop", R"({"collMod": "cheap", "viewOn": "orders", "pipeline": []})");
  expect_difference(R"(shop.cheap, options: "pipeline")");
}

TEST_F(oracle_test, view_in_place_of_a_collection) {
  destination.run("shop", R"({"drop": "log"})");
  destination.run("shop", R"({"create": "log", "viewOn": "orders", "pipeline": []})");
  expect_difference("a collection in the source, a view in the destination");
}

TEST_F(oracle_test, order_of_a_capped_collection) {
  for (const int id : {1, 2, 3}) {
    source.insert("shop", "log", document::json(R"({"_id": )" + std::to_string(id) + "}"));
  }
  for (const int id : {1, 3, 2}) {
    destination.insert("shop", "log", document::json(R"({"_id": )" + std::to_string(id) + "}"));
  }
  expect_difference("shop.log: the same documents come in another natural order, from document number 1 on");
}

TEST_F(oracle_test, content_of_a_time_series) {
  for (client* side : {&source, &destination}) {
    side->run("shop", R"({"create": "prices", "timeseries": {"timeField": "at"}})");
  }
  source.insert("shop", "prices", document::json(R"({"at": {"$date": {"$numberLong": "1000"}}, "price": 1})"));
  expect_difference("shop.system.buckets.prices: document");
}

TEST_F(oracle_test, filters_choose_what_is_compared) {
  destination.run("shop", R"({"create": "more"})");
  source.run("other", R"({"create": "thing"})");
  EXPECT_EQ(judge({"shop"}).difference_count, 1U);
  EXPECT_EQ(judge({"shop.orders"}).collections, 1U);
  EXPECT_TRUE(judge({"shop.orders", "shop.log"}).equal());
  EXPECT_TRUE(judge({}, {"other", "shop.more"}).equal());
}

TEST_F(oracle_test, metadata_of_the_copying_program_is_not_user_data) {
  destination.run("__mdb_internal_sluice", R"({"create": "checkpoint"})");
  EXPECT_TRUE(judge().equal());
}

TEST_F(oracle_test, the_zoo_equals_itself_and_holds_every_kind) {
  drop_user_data(source);
  const loaded zoo = load_zoo(source_set->uri(), small_zoo());
  const comparison verdict = compare({.source_uri = source_set->uri(), .destination_uri = source_set->uri()});
  EXPECT_TRUE(verdict.equal()) << verdict.text();
  EXPECT_GT(verdict.documents, zoo.documents / 2);
  for (const char* kind : {"collection", "capped", "clustered", "timeseries", "view"}) {
    EXPECT_TRUE(std::any_of(verdict.namespaces.begin(), verdict.namespaces.end(), [&](const compared_namespace& one) {
      return one.kind == kind;
    })) << kind;
  }
}

TEST_F(oracle_test, data_sets_depend_on_the_seed_alone) {
  for (auto& set : {source_set.get(), destination_set.get()}) {
    EXPECT_EQ(load_lim(set->uri(), {.documents = 3000, .seed = 5}).documents, 3000U);
    load_many(set->uri(), {.collections = 20, .documents_each = 3});
  }
  EXPECT_TRUE(judge().equal()) << judge().text();
  source.run("lim", R"({"drop": "docs"})");
  const loaded other = load_lim(source_set->uri(), {.documents = 3000, .seed = 6});
  EXPECT_NEAR(static_cast<double>(other.bytes) / 3000, 861, 10);
  EXPECT_FALSE(judge({"lim"}).equal());
}

TEST_F(oracle_test, the_writer_writes) {
  const written done = write_for(source_set->uri(), {.duration = std::chrono::milliseconds{300}});
  EXPECT_GT(done.inserts, 0U);
  EXPECT_GT(done.updates, 0U);
  EXPECT_FALSE(judge({"written"}).equal());
}

TEST(replica_set_test, a_step_down_makes_another_primary) {
  replica_set set({.name = "three", .nodes = 3});
  const std::uint16_t before = set.primary().port();
  set.step_down();
  EXPECT_NE(set.primary().port(), before);
  client connection(set.uri());
  connection.run("shop", R"({"insert": "orders", "documents": [{"_id": 1}], "writeConcern": {"w": 3}})");
  EXPECT_EQ(connection.count("shop", "orders"), 1);
}

TEST(replica_set_test, a_killed_node_comes_back_with_its_data) {
  replica_set set({.name = "one"});
  set.connect().run("shop",
                    R"({"insert": "orders", "documents": [{"_id": 1}], "writeConcern": {"w": "majority", "j": true}})");
  mongod_process& node = set.node(0);
  const std::uint16_t port = node.port();
  EXPECT_GT(node.cpu_seconds(), 0);
  node.kill();
  EXPECT_FALSE(node.running());
  node.restart();
  EXPECT_EQ(set.primary().port(), port);
  EXPECT_EQ(set.connect().count("shop", "orders"), 1);
}

TEST(replica_set_test, a_frozen_node_answers_when_it_is_thawed) {
  replica_set set;
  const std::string impatient = set.node(0).direct_uri() + "&socketTimeoutMS=300&connectTimeoutMS=300";
  document reply;
  bson_error_t error;
  set.node(0).freeze();
  EXPECT_FALSE(client(impatient).try_run("admin", document::json(R"({"ping": 1})"), reply, error));
  set.node(0).thaw();
  EXPECT_TRUE(client(set.uri()).try_run("admin", document::json(R"({"ping": 1})"), reply, error)) << error.message;
}

TEST(replica_set_test, users_and_passwords_are_asked_for) {
  replica_set_options options{.name = "guarded"};
  options.server.root = credentials{"root", "p@ss:w/rd"};
  replica_set set(options);
  set.add_user({"reader", "secret"}, R"([{"role": "read", "db": "shop"}])");
  document reply;
  bson_error_t error;
  const document find = document::json(R"({"find": "orders"})");
  EXPECT_TRUE(client(set.uri()).try_run("shop", find, reply, error)) << error.message;
  EXPECT_TRUE(client(set.uri_as(credentials{"reader", "secret"})).try_run("shop", find, reply, error)) << error.message;
  EXPECT_FALSE(client(set.uri_as(credentials{"reader", "wrong"})).try_run("shop", find, reply, error));
  EXPECT_FALSE(client(set.uri_as(std::nullopt)).try_run("shop", find, reply, error));
}

TEST(replica_set_test, tls_is_required_with_the_made_certificates) {
  const auto folder = lab_directory() / "certificates-of-lab-test";
  replica_set_options options{.name = "encrypted"};
  options.server.tls = make_certificates(folder);
  replica_set set(options);
  document reply;
  bson_error_t error;
  const document ping = document::json(R"({"ping": 1})");
  EXPECT_TRUE(client(set.uri()).try_run("admin", ping, reply, error)) << error.message;
  const std::string plain = "mongodb://" + set.node(0).address() + "/?serverSelectionTimeoutMS=1000";
  EXPECT_FALSE(client(plain).try_run("admin", ping, reply, error));
  std::filesystem::remove_all(folder);
}

TEST(sharded_cluster_test, documents_spread_over_the_shards) {
  if (!find_mongos()) {
    return not_run("no mongos: none in MONGOS or PATH, and no registry has one");
  }
  sharded_cluster cluster;
  cluster.shard_collection("shop", "orders", R"({"_id": "hashed"})");
  client router = cluster.connect();
  router.insert("shop", "orders", numbered(500, R"("a": 1)"));
  EXPECT_EQ(router.count("shop", "orders"), 500);
  for (const std::size_t shard : {0U, 1U}) {
    EXPECT_GT(cluster.shard(shard).connect().count("shop", "orders"), 0);
  }
}

}  // namespace
}  // namespace sluice::lab
