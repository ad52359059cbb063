// The catalog of real servers: read on one, made anew on another, read there: the same kinds, options and indexes.
#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <thread>

#include <gtest/gtest.h>

#include "bson/compare.hpp"
#include "bson/extended_json.hpp"
#include "engine/cluster/catalog_document.hpp"
#include "tests/integration/cluster_lane.hpp"
#include "tests/lab/dataset.hpp"

namespace sluice::cluster {
namespace {

using namespace std::chrono_literals;
using testing::lane;
using testing::set_of;

std::string text(bson::document_view document) {
  return bson::to_json(document, bson::json_mode::canonical);
}

const collection_info& of(const catalog& all, std::string_view name) {
  const auto found = std::ranges::find(all.collections, name, [](const auto& info) { return info.ns.collection; });
  if (found == all.collections.end()) throw std::runtime_error("no collection " + std::string(name));
  return *found;
}

/// One of each that version 4.4 knows, then what 5.0 and 6.0 brought.
void make_zoo(lab::client client, int version) {
  std::vector<std::string> commands{
      R"({"create": "plain"})",
      R"({"create": "capped", "capped": true, "size": 8192, "max": 10})",
      R"({"create": "capped_double", "capped": true, "size": 8192.0})",
      R"({"create": "auto_id", "capped": true, "size": 4096, "autoIndexId": true})",
      R"({"create": "french", "collation": {"locale": "fr", "strength": 2}})",
      R"({"create": "checked", "validator": {"a": {"$gt": 1}}, "validationLevel": "moderate", "validationAction": "warn"})",
      R"({"create": "zstd", "storageEngine": {"wiredTiger": {"configString": "block_compressor=zstd"}}})",
      R"({"create": "index_defaults", "indexOptionDefaults": {"storageEngine": {"wiredTiger": {}}}})",
      R"({"create": "view", "viewOn": "plain", "pipeline": [{"$match": {"a": 1}}], "collation": {"locale": "de"}})",
      R"({"create": "old_id", "idIndex": {"v": 1, "key": {"_id": 1}, "name": "_id_"}})",
      R"({"create": "dotted.name with spaces"})",
      R"({"createIndexes": "plain", "indexes": [
          {"key": {"a": 1, "b": -1}, "name": "ab", "unique": true, "sparse": true},
          {"key": {"ttl": 1}, "name": "ttl", "expireAfterSeconds": 3600},
          {"key": {"nan": 1}, "name": "nan", "expireAfterSeconds": {"$numberDouble": "NaN"}},
          {"key": {"fraction": 1}, "name": "fraction", "expireAfterSeconds": 3.7},
          {"key": {"v1": 1}, "name": "v1", "v": 1},
          {"key": {"hidden": 1}, "name": "hidden", "hidden": true},
          {"key": {"p": 1}, "name": "partial", "partialFilterExpression": {"q": {"$gt": 5}}},
          {"key": {"t": "text", "u": "text"}, "name": "text", "weights": {"u": 3}, "default_language": "german",
           "textIndexVersion": 2},
          {"key": {"geo": "2dsphere"}, "name": "sphere", "2dsphereIndexVersion": 2},
          {"key": {"flat": "2d"}, "name": "flat", "bits": 20, "min": -10.5, "max": 10.5},
          {"key": {"h": "hashed"}, "name": "hashed"},
          {"key": {"$**": 1}, "name": "wild", "wildcardProjection": {"x": 0}},
          {"key": {"c": 1}, "name": "collated", "collation": {"locale": "sv", "numericOrdering": true}},
          {"key": {"bg": 1}, "name": "background", "background": true}]})",
      R"({"createIndexes": "french", "indexes": [
          {"key": {"a": 1}, "name": "inherits"},
          {"key": {"b": 1}, "name": "simple", "collation": {"locale": "simple"}},
          {"key": {"c": 1}, "name": "v1", "v": 1},
          {"key": {"t": "text"}, "name": "text", "collation": {"locale": "simple"}}]})",
  };
  if (version >= 500) {
    commands.emplace_back(R"({"create": "weather", "timeseries": {"timeField": "t", "metaField": "m",
        "granularity": "minutes"}, "expireAfterSeconds": 86400})");
    commands.emplace_back(R"({"create": "seconds", "timeseries": {"timeField": "t"}, "collation": {"locale": "en"}})");
    commands.emplace_back(
        R"({"createIndexes": "weather", "indexes": [{"key": {"m.station": 1, "t": -1}, "name": "station"}]})");
  }
  if (version >= 600) {
    commands.emplace_back(
        R"({"create": "clustered", "clusteredIndex": {"key": {"_id": 1}, "unique": true, "name": "mine"}})");
    commands.emplace_back(R"({"create": "clustered_ttl", "clusteredIndex": {"key": {"_id": 1}, "unique": true},
        "expireAfterSeconds": 5000})");
    commands.emplace_back(R"({"create": "images", "changeStreamPreAndPostImages": {"enabled": true}})");
    commands.emplace_back(R"({"createIndexes": "clustered", "indexes": [{"key": {"a": 1}, "name": "a"}]})");
    commands.emplace_back(
        R"({"createIndexes": "plain", "indexes": [{"key": {"pu": 1}, "name": "prepared", "prepareUnique": true}]})");
  }
  for (const auto& command : commands) client.run("zoo", command);
  client.insert("zoo", "system.js", lab::document::json(R"({"_id": "f", "value": {"$code": "function() {}"}})"));
  client.insert("zoo", "plain", lab::document::json(R"({"_id": 1, "text": "0123456789"})"));
  client.run("zoo", R"({"profile": 0})");
}

/// Fields in the order of their names: 4.4 lists them as they were given, newer servers in an order of their own.
std::string sorted_text(bson::document_view document) {
  std::map<std::string_view, bson::element_view> fields;
  for (const auto field : document) fields.emplace(field.key(), field);
  bson::builder sorted;
  for (const auto& [key, field] : fields) sorted.append(field);
  return text(sorted.finish());
}

/// Everything of a catalog that the destination must have too, by name.
std::map<std::string, std::string> described(const catalog& all) {
  std::map<std::string, std::string> lines;
  for (const auto& info : all.collections) {
    const auto ns = info.ns.to_string();
    lines[ns] = std::to_string(static_cast<int>(info.kind)) + " " + text(info.options) + " " + text(info.id_index);
    for (const auto& index : info.indexes)
      lines[ns + " index " + index.name] = sorted_text(index_for_create(index, info));
  }
  return lines;
}

void run_all(lane& on, wire::connection& node, const catalog& all, bool for_data_phase) {
  for (const bool views : {false, true}) {
    for (const auto& info : all.collections) {
      if (views != (info.kind == collection_kind::view)) continue;
      const auto made = on.run(node.run(info.ns.database, create_command(info, for_data_phase)));
      EXPECT_TRUE(made) << info.ns.to_string() << ": " << made.error().message;
      if (info.indexes.empty()) continue;
      bson::builder command;
      command.append("createIndexes", info.ns.collection).open_array("indexes");
      for (const auto& index : info.indexes) command.push(index_for_create(index, info));
      command.close();
      const auto built = on.run(node.run(info.ns.database, command.finish()));
      EXPECT_TRUE(built) << info.ns.to_string() << ": " << built.error().message;
    }
  }
}

struct pair_of_versions {
  const char* source;
  const char* destination;
};

class round_trip : public ::testing::TestWithParam<pair_of_versions> {};

TEST_P(round_trip, keeps_kinds_options_and_indexes) {
  lab::replica_set source(set_of("src", GetParam().source));
  lab::replica_set destination(set_of("dst", GetParam().destination));
  make_zoo(source.connect(), source.connect().server_version());
  lane on;
  auto from = testing::open(on, source.uri());
  auto to = testing::open(on, destination.uri());
  const auto read = on.must(read_catalog(*from, {}, true));
  run_all(on, *to, read, false);
  const auto made = on.must(read_catalog(*to, {}, true));
  const auto wanted = described(read);
  const auto got = described(made);
  EXPECT_GT(wanted.size(), 25u);
  EXPECT_EQ(got.size(), wanted.size());
  for (const auto& [what, is] : wanted) EXPECT_EQ(got.contains(what) ? got.at(what) : "missing", is) << what;
}

TEST_P(round_trip, through_the_data_phase_gives_the_same) {
  lab::replica_set source(set_of("src", GetParam().source));
  lab::replica_set destination(set_of("dst", GetParam().destination));
  make_zoo(source.connect(), source.connect().server_version());
  lane on;
  auto from = testing::open(on, source.uri());
  auto to = testing::open(on, destination.uri());
  const auto read = on.must(read_catalog(*from, {}, false));
  run_all(on, *to, read, true);
  const auto meanwhile = on.must(read_catalog(*to, {}, false));
  EXPECT_EQ(of(meanwhile, "capped").options.view().find("size").to_int64(), std::int64_t{1} << 50);
  EXPECT_FALSE(of(meanwhile, "capped").options.view().find("max"));
  for (const auto& info : meanwhile.collections) EXPECT_FALSE(info.options.view().find("expireAfterSeconds"));
  for (const auto& info : read.collections) {
    const auto command = restore_command(info);
    if (!command) continue;
    const auto restored = on.run(to->run(info.ns.database, *command));
    EXPECT_TRUE(restored) << info.ns.to_string() << ": " << restored.error().message;
  }
  const auto made = on.must(read_catalog(*to, {}, false));
  for (const auto& info : read.collections) {
    const auto& twin = of(made, info.ns.collection);
    EXPECT_EQ(twin.kind, info.kind) << info.ns.to_string();
    for (const auto option : info.options.view()) {
      const auto there = twin.options.view().find(option.key());
      ASSERT_TRUE(there) << info.ns.to_string() << " lost " << option.key();
      if (option.to_int64()) {
        EXPECT_EQ(there.to_int64(), option.to_int64());
      } else {
        EXPECT_EQ(bson::value_to_json(there), bson::value_to_json(option)) << info.ns.to_string();
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(cluster_catalog, round_trip,
                         ::testing::Values(pair_of_versions{"6.0.27", "6.0.27"}, pair_of_versions{"6.0.5", "6.0.27"},
                                           pair_of_versions{"6.0.5", "6.0.5"}, pair_of_versions{"5.0.4", "6.0.5"},
                                           pair_of_versions{"4.4.2", "6.0.27"}),
                         [](const auto& given) {
                           std::string name = std::string(given.param.source) + "_to_" + given.param.destination;
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

class cluster_catalog : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    set_ = std::make_unique<lab::replica_set>(set_of("rs0", "6.0.27"));
    make_zoo(set_->connect(), 600);
  }
  static void TearDownTestSuite() { set_.reset(); }
  catalog read(const namespace_filter& filter = {}) { return on.must(read_catalog(*node, filter, true)); }

  static inline std::unique_ptr<lab::replica_set> set_;
  lane on;
  std::unique_ptr<wire::connection> node = testing::open(on, set_->uri());
};

TEST_F(cluster_catalog, tells_kinds_uuids_and_sizes) {
  const auto all = read();
  EXPECT_EQ(of(all, "plain").kind, collection_kind::plain);
  EXPECT_EQ(of(all, "capped").kind, collection_kind::capped);
  EXPECT_EQ(of(all, "clustered").kind, collection_kind::clustered);
  EXPECT_EQ(of(all, "weather").kind, collection_kind::timeseries);
  EXPECT_EQ(of(all, "view").kind, collection_kind::view);
  EXPECT_TRUE(std::ranges::is_sorted(all.collections, {}, &collection_info::ns));
  for (const auto& info : all.collections) {
    EXPECT_EQ(info.uuid.size(), info.kind == collection_kind::view ? 0u : 16u) << info.ns.to_string();
    EXPECT_GT(info.listed_at.seconds, 0u);
    EXPECT_TRUE(info.kind == collection_kind::view || info.indexes_listed_at >= info.listed_at);
    const bool has_id_index = info.kind == collection_kind::plain || info.kind == collection_kind::capped;
    EXPECT_EQ(!info.id_index.view().empty(), has_id_index) << info.ns.to_string();
  }
  EXPECT_EQ(of(all, "plain").documents, 1);
  EXPECT_GT(of(all, "plain").data_bytes, 20);
  EXPECT_EQ(of(all, "plain").average_document_bytes, of(all, "plain").data_bytes);
  EXPECT_TRUE(of(all, "french").has_collation());
  EXPECT_FALSE(of(all, "plain").has_collation());
  ASSERT_EQ(of(all, "clustered").indexes.size(), 1u);
  EXPECT_EQ(of(all, "clustered").indexes[0].name, "a");
  ASSERT_EQ(of(all, "weather").indexes.size(), 1u);
  EXPECT_TRUE(of(all, "weather").indexes[0].spec.view().at("key", "m.station"));
}

TEST_F(cluster_catalog, counts_the_buckets_of_a_time_series) {
  auto client = set_->connect();
  for (const auto* station : {"a", "b", "c"}) {
    client.insert("zoo", "weather",
                  lab::document::json(R"({"t": {"$date": "2024-01-01T00:00:00Z"}, "m": {"station": ")" +
                                      std::string(station) + R"("}, "v": 1})"));
  }
  EXPECT_EQ(of(read(), "weather").documents, 3);
  EXPECT_GT(of(read(), "weather").data_bytes, 0);
}

// The listing under its own name keeps saying what the index was made with.
TEST(cluster_catalog_hidden, of_a_time_series_is_told_by_its_buckets) {
  lab::replica_set set(testing::set_of("hidden", "6.0.27"));
  auto client = set.connect();
  client.run("ts", R"({"create": "w", "timeseries": {"timeField": "t", "metaField": "m"}})");
  client.run("ts", R"({"createIndexes": "w", "indexes": [{"key": {"x": 1}, "name": "x"},
      {"key": {"y": 1}, "name": "y", "hidden": true}, {"key": {"m.a": 1}, "name": "ma"}]})");
  for (const auto* change : {R"("name": "x", "hidden": true)", R"("name": "y", "hidden": false)"})
    client.run("ts", R"({"collMod": "w", "index": {)" + std::string(change) + "}}");
  testing::lane on;
  const auto node = testing::open(on, set.uri());
  const auto all = on.must(read_catalog(*node, namespace_filter{}, false));
  ASSERT_EQ(all.collections.size(), 1u);
  ASSERT_EQ(all.collections[0].indexes.size(), 3u);
  for (const auto& index : all.collections[0].indexes)
    EXPECT_EQ(index.name == "x", bool(index.spec.view().find("hidden"))) << index.name;
}

TEST_F(cluster_catalog, takes_what_the_filter_takes) {
  const auto some = read({.include = {"zoo.plain", "zoo.weather", "other"}, .exclude = {}});
  ASSERT_EQ(some.collections.size(), 2u);
  EXPECT_EQ(of(some, "weather").uuid.size(), 16u);
  for (const auto& info : read({.include = {}, .exclude = {"zoo.plain"}}).collections)
    EXPECT_NE(info.ns.collection, "plain");
  EXPECT_TRUE(read({.include = {}, .exclude = {"zoo"}}).collections.empty());
  EXPECT_NE(read().collections.size(), 0u);
  EXPECT_EQ(of(read(), "system.js").ns.to_string(), "zoo.system.js");
}

TEST_F(cluster_catalog, refuses_what_cannot_be_copied) {
  auto client = set_->connect();
  client.run("secret", R"({"create": "patients", "encryptedFields": {"fields": [{"path": "ssn", "bsonType": "string",
      "keyId": {"$binary": {"base64": "MTExMTExMTExMTExMTExMQ==", "subType": "04"}}}]}})");
  const auto tried = on.run(read_catalog(*node, {}, true));
  ASSERT_FALSE(tried);
  EXPECT_EQ(tried.error().kind, error_kind::refused);
  EXPECT_NE(tried.error().message.find("secret.patients uses queryable encryption"), std::string::npos);
  const namespace_filter without{.include = {}, .exclude = {"secret.patients"}};
  EXPECT_TRUE(on.run(read_catalog(*node, without, true)));
  client.run("secret", R"({"dropDatabase": 1})");
}

/// Forwards to a real connection, and lets something happen right before a certain command of a collection.
class interfering_connection final : public wire::connection {
 public:
  interfering_connection(wire::connection& real, std::string before_command, std::function<void()> what)
      : real_(real), command_(std::move(before_command)), what_(std::move(what)) {}
  task<result<wire::reply>> run(std::string_view database, bson::document command,
                                std::chrono::milliseconds limit) override {
    if ((*command.view().begin()).key() == command_ && what_) std::exchange(what_, {})();
    return real_.run(database, std::move(command), limit);
  }
  task<result<wire::reply>> run_with_array(std::string_view database, bson::document head, std::string_view name,
                                           bson::bytes_view array) override {
    return real_.run_with_array(database, std::move(head), name, array);
  }
  task<result<>> send(std::string_view database, bson::document command, bool exhaust) override {
    return real_.send(database, std::move(command), exhaust);
  }
  task<result<wire::reply>> receive(runtime::buffer_pool& pool, std::chrono::milliseconds time_limit) override {
    return real_.receive(pool, time_limit);
  }
  void close() noexcept override { real_.close(); }
  [[nodiscard]] bool is_open() const noexcept override { return real_.is_open(); }
  [[nodiscard]] const wire::host_port& host() const noexcept override { return real_.host(); }
  [[nodiscard]] const wire::server_hello& hello() const noexcept override { return real_.hello(); }
  [[nodiscard]] const wire::connection_string& uri() const noexcept override { return real_.uri(); }
  [[nodiscard]] traffic transferred() const noexcept override { return real_.transferred(); }

 private:
  wire::connection& real_;
  std::string command_;
  std::function<void()> what_;
};

TEST_F(cluster_catalog, leaves_out_what_is_dropped_meanwhile) {
  auto client = set_->connect();
  for (const auto* before : {"listIndexes", "dataSize"}) {
    client.run("moving", R"({"create": "a"})");
    client.run("moving", R"({"create": "b"})");
    interfering_connection meddler(*node, before, [&] { client.run("moving", R"({"drop": "a"})"); });
    const auto all = on.must(read_catalog(meddler, {.include = {"moving"}, .exclude = {}}, true));
    EXPECT_EQ(of(all, "b").ns.to_string(), "moving.b");
    // Between indexes and sizes its drop is one for the oplog to tell; the catalog must only not fail.
    EXPECT_EQ(all.collections.size(), std::string_view(before) == "listIndexes" ? 1u : 2u);
    client.run("moving", R"({"dropDatabase": 1})");
  }
}

TEST_F(cluster_catalog, leaves_out_a_collection_that_became_a_view) {
  auto client = set_->connect();
  client.run("moving", R"({"create": "a"})");
  interfering_connection meddler(*node, "listIndexes", [&] {
    client.run("moving", R"({"drop": "a"})");
    client.run("moving", R"({"create": "a", "viewOn": "x", "pipeline": []})");
  });
  EXPECT_TRUE(on.must(read_catalog(meddler, {.include = {"moving"}, .exclude = {}}, true)).collections.empty());
  client.run("moving", R"({"dropDatabase": 1})");
}

TEST_F(cluster_catalog, keeps_what_is_renamed_meanwhile) {
  auto client = set_->connect();
  client.run("moving", R"({"create": "a"})");
  client.run("moving", R"({"createIndexes": "a", "indexes": [{"key": {"x": 1}, "name": "x"}]})");
  const auto before = of(on.must(read_catalog(*node, {.include = {"moving"}, .exclude = {}}, true)), "a").uuid;
  interfering_connection meddler(*node, "listIndexes",
                                 [&] { client.run("admin", R"({"renameCollection": "moving.a", "to": "moving.z"})"); });
  const auto all = on.must(read_catalog(meddler, {.include = {"moving"}, .exclude = {}}, true));
  EXPECT_EQ(of(all, "a").uuid, before);
  EXPECT_EQ(of(all, "a").indexes.size(), 1u);
  client.run("moving", R"({"dropDatabase": 1})");
}

TEST_F(cluster_catalog, leaves_out_indexes_that_are_being_built) {
  auto client = set_->connect();
  client.insert("building", "c", lab::document::json(R"({"_id": 1, "x": 1})"));
  client.run("admin", R"({"configureFailPoint": "hangAfterStartingIndexBuild", "mode": "alwaysOn"})");
  std::thread build([uri = set_->uri()] {
    lab::client(uri).run("building", R"({"createIndexes": "c", "indexes": [{"key": {"x": 1}, "name": "x"}]})");
  });
  const bool begun = lab::eventually(
      [&] {
        return client.run("building", R"({"listIndexes": "c", "includeBuildUUIDs": true})").raw().find("buildUUID") !=
               std::string_view::npos;
      },
      30s);
  EXPECT_TRUE(begun);
  const auto during = on.must(read_catalog(*node, {.include = {"building"}, .exclude = {}}, false));
  EXPECT_TRUE(of(during, "c").indexes.empty());
  client.run("admin", R"({"configureFailPoint": "hangAfterStartingIndexBuild", "mode": "off"})");
  build.join();
  EXPECT_EQ(of(on.must(read_catalog(*node, {.include = {"building"}, .exclude = {}}, false)), "c").indexes.size(), 1u);
  client.run("building", R"({"dropDatabase": 1})");
}

TEST(cluster_catalog_old, refuses_geo_haystack_indexes) {
  lab::replica_set set(set_of("rs0", "4.4.2"));
  auto client = set.connect();
  client.run("db", R"({"create": "c", "recordPreImages": true})");
  lane on;
  auto node = testing::open(on, set.uri());
  EXPECT_EQ(text(create_command(of(on.must(read_catalog(*node, {}, true)), "c"), false)),
            R"({"create": "c", "changeStreamPreAndPostImages": {"enabled": true}})");
  client.run("db", R"({"createIndexes": "c", "indexes": [{"key": {"at": "geoHaystack", "k": 1}, "name": "hay",
      "bucketSize": 1}]})");
  const auto tried = on.run(read_catalog(*node, {}, true));
  ASSERT_FALSE(tried);
  EXPECT_NE(tried.error().message.find("geoHaystack index \"hay\""), std::string::npos) << tried.error().message;
}

TEST(cluster_catalog_kept, comes_back_from_a_server_as_it_was_read) {
  lab::replica_set set(set_of("rs0", "6.0.27"));
  make_zoo(set.connect(), set.connect().server_version());
  lane on;
  const auto node = testing::open(on, set.uri());
  auto all = on.must(read_catalog(*node, {}, true));
  all.collections.front().listed_at = {};  // a server would put its own time where it finds none
  bson::builder insert;
  insert.append("insert", "catalog").open_array("documents");
  for (const auto& one : to_documents(all)) insert.push(one);
  insert.close();
  const auto inserted = on.must(node->run("kept", insert.finish()));
  EXPECT_EQ(inserted.body.find("n").to_int64(), static_cast<std::int64_t>(all.collections.size()));
  bson::builder find;
  find.append("find", "catalog").append("batchSize", 1000);
  const auto found = on.must(node->run("kept", find.finish()));
  const auto batch = found.body.at("cursor", "firstBatch").as_array().value();
  std::vector<bson::document> stored;
  for (const auto one : batch) stored.emplace_back(one.as_document().value());
  const auto back = catalog_from(stored);
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(back.value().collections.size(), all.collections.size());
  for (std::size_t i = 0; i < all.collections.size(); ++i) {
    EXPECT_TRUE(bson::same_bytes(to_document(all.collections[i]), to_document(back.value().collections[i])))
        << all.collections[i].ns.to_string();
  }
  EXPECT_EQ(described(all), described(back.value()));
}

TEST(cluster_catalog_large, reads_thousands_of_collections) {
  constexpr int collections = 2000;
  lab::replica_set set(set_of("rs0", "6.0.27"));
  (void)lab::load_many(set.uri(), {.collections = collections, .documents_each = 1, .databases = 1});
  lane on;
  std::vector<std::unique_ptr<wire::connection>> nodes;
  std::vector<wire::connection*> several;
  for (int i = 0; i < 4; ++i) {
    nodes.push_back(testing::open(on, set.uri()));
    several.push_back(nodes.back().get());
  }
  const auto timed = [&](const char* what, auto work) {
    const auto began = std::chrono::steady_clock::now();
    const auto all = on.must(std::move(work));
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
    EXPECT_EQ(all.collections.size(), static_cast<std::size_t>(collections));
    RecordProperty(what, std::to_string(took.count()));
    std::printf("%s: %.0f ms, %.3f ms a collection\n", what, took.count(), took.count() / collections);
  };
  timed("one_connection", read_catalog(*nodes[0], {}, true));
  timed("four_connections", read_catalog(several, {}, true));
  timed("without_sizes", read_catalog(*nodes[0], {}, false));
}

}  // namespace
}  // namespace sluice::cluster
