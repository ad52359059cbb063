// `sluice copy` between real servers, judged by the laboratory's oracle: versions, collection kinds, security, memory.
#include <filesystem>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "tests/integration/sluice_program.hpp"
#include "tests/lab/certificates.hpp"
#include "tests/lab/dataset.hpp"
#include "tests/lab/not_run.hpp"
#include "tests/lab/oracle.hpp"
#include "tests/lab/replica_set.hpp"
#include "tests/lab/sharded_cluster.hpp"

namespace sluice::lab {
namespace {

constexpr std::int64_t mib = 1024 * 1024;

/// A sanitizer keeps shadows and freed memory of its own, which count as the program's.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool memory_is_the_program_s = false;
#else
constexpr bool memory_is_the_program_s = true;
#endif

void expect_memory(std::int64_t peak_bytes, std::int64_t bytes_max) {
  EXPECT_GT(peak_bytes, 0);
  EXPECT_TRUE(peak_bytes <= bytes_max || !memory_is_the_program_s)
      << peak_bytes << " bytes, " << bytes_max << " allowed";
}

replica_set_options set_of(std::string name, std::string version = {}, std::size_t nodes = 1) {
  replica_set_options options;
  options.name = std::move(name);
  options.nodes = nodes;
  options.server.version = std::move(version);
  return options;
}

void expect_equal(const std::string& source, const std::string& destination) {
  const comparison result = compare({.source_uri = source, .destination_uri = destination});
  EXPECT_TRUE(result.equal()) << result.text();
}

void expect_zoo_copied(const std::string& from, const std::string& to) {
  replica_set source(set_of("source", from));
  replica_set destination(set_of("destination", to));
  load_zoo(source.uri(), small_zoo());
  const auto done = copy(source.uri(), destination.uri());
  EXPECT_TRUE(done.status.success()) << done.output;
  EXPECT_EQ(done.duplicates, 0);
  expect_equal(source.uri(), destination.uri());
}

TEST(copy_versions, zoo_6_0_27_to_6_0_27) {
  expect_zoo_copied("6.0.27", "6.0.27");
}
TEST(copy_versions, zoo_6_0_5_to_6_0_27) {
  expect_zoo_copied("6.0.5", "6.0.27");
}
// This destination cannot be asked to keep zero timestamps: they are repaired.
TEST(copy_versions, zoo_6_0_5_to_6_0_5) {
  expect_zoo_copied("6.0.5", "6.0.5");
}
TEST(copy_versions, zoo_5_0_4_to_6_0_27) {
  expect_zoo_copied("5.0.4", "6.0.27");
}
TEST(copy_versions, zoo_4_4_2_to_6_0_27) {
  expect_zoo_copied("4.4.2", "6.0.27");
}

TEST(copy, zoo_between_three_node_sets_and_once_more_over_it) {
  replica_set source(set_of("source", {}, 3));
  replica_set destination(set_of("destination", {}, 3));
  load_zoo(source.uri(), small_zoo(7));
  const auto first = copy(source.uri(), destination.uri());
  EXPECT_TRUE(first.status.success()) << first.output;
  expect_equal(source.uri(), destination.uri());
  const auto again = copy(source.uri(), destination.uri(), {"--drop"});
  EXPECT_TRUE(again.status.success()) << again.output;
  expect_equal(source.uri(), destination.uri());
}

TEST(copy, two_thousand_collections) {
  replica_set source(set_of("source"));
  replica_set destination(set_of("destination"));
  // Only so that loading does not take longer than copying: nothing here depends on when the source's data is durable.
  source.connect().run("admin", R"({"setDefaultRWConcern": 1, "defaultWriteConcern": {"w": 1}})");
  load_many(source.uri(), {.collections = 2000, .documents_each = 3});
  const auto done = copy(source.uri(), destination.uri());
  EXPECT_TRUE(done.status.success()) << done.output;
  expect_equal(source.uri(), destination.uri());
}

TEST(copy, stays_within_its_memory_and_makes_no_duplicates) {
  replica_set source(set_of("source"));
  replica_set destination(set_of("destination"));
  load_lim(source.uri(), {.documents = 350'000});
  const auto ordinary = copy(source.uri(), destination.uri());
  EXPECT_TRUE(ordinary.status.success()) << ordinary.output;
  EXPECT_EQ(ordinary.duplicates, 0);
  EXPECT_EQ(ordinary.documents, 350'000);
  expect_memory(ordinary.peak_memory_bytes, 256 * mib);
  expect_equal(source.uri(), destination.uri());
  const auto small = copy(source.uri(), destination.uri(), {"--drop", "--memory-mb", "128"});
  EXPECT_TRUE(small.status.success()) << small.output;
  expect_memory(small.peak_memory_bytes, 128 * mib);
  expect_equal(source.uri(), destination.uri());
}

TEST(copy, documents_of_sixteen_mebibytes_and_many_tiny_ones_in_little_memory) {
  replica_set source(set_of("source"));
  replica_set destination(set_of("destination"));
  zoo_options zoo = small_zoo();
  zoo.large_documents = 6;
  zoo.tiny_documents = 250'000;
  load_zoo(source.uri(), zoo);
  const auto done = copy(source.uri(), destination.uri(), {"--include", "zoo", "--memory-mb", "128"});
  EXPECT_TRUE(done.status.success()) << done.output;
  expect_memory(done.peak_memory_bytes, 128 * mib);
  const comparison result =
      compare({.source_uri = source.uri(), .destination_uri = destination.uri(), .include = {"zoo"}});
  EXPECT_TRUE(result.equal()) << result.text();
}

TEST(copy, includes_and_excludes) {
  replica_set source(set_of("source"));
  replica_set destination(set_of("destination"));
  for (const char* database : {"a", "b"}) {
    for (const char* collection : {"x", "y"}) {
      load_lim(source.uri(), {.documents = 100, .database = database, .collection = collection});
    }
  }
  const auto done = copy(source.uri(), destination.uri(), {"--include", "a", "--include", "b.x", "--exclude", "a.y"});
  EXPECT_TRUE(done.status.success()) << done.output;
  client reader = destination.connect();
  EXPECT_EQ(reader.count("a", "x"), 100);
  EXPECT_EQ(reader.count("a", "y"), 0);
  EXPECT_EQ(reader.count("b", "x"), 100);
  EXPECT_EQ(reader.count("b", "y"), 0);
}

TEST(copy, chooses_by_expressions_and_tells_what_matches_nothing) {
  replica_set source(set_of("source"));
  replica_set destination(set_of("destination"));
  for (const char* database : {"shop_1", "shop_2", "other"}) {
    for (const char* collection : {"orders", "orders_TMP", "people"}) {
      load_lim(source.uri(), {.documents = 20, .database = database, .collection = collection});
    }
  }
  const auto chosen = copy(source.uri(), destination.uri(),
                           {"--include", "/^shop_\\d$/./^orders/", "--include", "/^nothing/", "--exclude",
                            "/.*/./_tmp$/i", "--exclude", "/2$/"});
  EXPECT_TRUE(chosen.status.success()) << chosen.output;
  EXPECT_NE(chosen.output.find("the filter /^nothing/ matches nothing"), std::string::npos) << chosen.output;
  client reader = destination.connect();
  EXPECT_EQ(reader.count("shop_1", "orders"), 20);
  for (const auto& [database, collection] : {std::pair("shop_1", "orders_TMP"), std::pair("shop_1", "people"),
                                             std::pair("shop_2", "orders"), std::pair("other", "orders")}) {
    EXPECT_EQ(reader.count(database, collection), 0) << database << "." << collection;
  }
}

TEST(copy, some_documents_of_a_large_collection_once_each) {
  replica_set source(set_of("source"));
  replica_set destination(set_of("destination"));
  load_lim(source.uri(), {.documents = 250'000});  // several partitions, were it not for the filter
  const auto done =
      copy(source.uri(), destination.uri(), {"--document-filter", R"({"field": "active", "matchValues": [true]})"});
  EXPECT_TRUE(done.status.success()) << done.output;
  EXPECT_EQ(done.duplicates, 0);
  const auto count = [](client reader, const char* query) {
    return reader.run("lim", R"({"count": "docs", "query": )" + std::string(query) + "}").integer("n");
  };
  const auto wanted = count(source.connect(), R"({"active": true})");
  EXPECT_GT(wanted, 100'000);
  EXPECT_EQ(done.documents, wanted);
  EXPECT_EQ(count(destination.connect(), R"({"active": true})"), wanted);
  EXPECT_EQ(count(destination.connect(), "{}"), wanted);
}

TEST(copy, under_other_names) {
  replica_set source(set_of("source"));
  replica_set destination(set_of("destination"));
  load_zoo(source.uri(), small_zoo());
  load_lim(source.uri(), {.documents = 1000});
  const auto done =
      copy(source.uri(), destination.uri(), {"--remap", "zoo=garden", "--remap", "lim.docs=garden.of_lim"});
  EXPECT_TRUE(done.status.success()) << done.output;
  const comparison there = compare({.source_uri = source.uri(),
                                    .destination_uri = destination.uri(),
                                    .renamed = {{"zoo", "garden"}, {"lim.docs", "garden.of_lim"}}});
  EXPECT_TRUE(there.equal()) << there.text();
  EXPECT_EQ(destination.connect().count("zoo", "plain"), 0);
}

TEST(copy, views_are_included_and_excluded_by_name) {
  replica_set source(set_of("source"));
  replica_set destination(set_of("destination"));
  load_lim(source.uri(), {.documents = 10, .database = "a", .collection = "x"});
  client writer = source.connect();
  for (const char* view : {"kept", "left"}) {
    writer.run("a", R"({"create": ")" + std::string(view) + R"(", "viewOn": "x", "pipeline": []})");
  }
  const auto done = copy(source.uri(), destination.uri(), {"--include", "a.kept", "--include", "a.x"});
  EXPECT_TRUE(done.status.success()) << done.output;
  client reader = destination.connect();
  EXPECT_EQ(reader.count("a", "kept"), 10);
  const comparison chosen =
      compare({.source_uri = source.uri(), .destination_uri = destination.uri(), .exclude = {"a.left"}});
  EXPECT_TRUE(chosen.equal()) << chosen.text();
  const auto excluding = copy(source.uri(), destination.uri(), {"--drop", "--exclude", "a.kept"});
  EXPECT_TRUE(excluding.status.success()) << excluding.output;
  // What is left out stays as it was, and what was not left out came.
  expect_equal(source.uri(), destination.uri());
}

TEST(copy, over_tls_with_passwords_and_every_compressor) {
  const std::filesystem::path folder = lab_directory() / ("copy-tls-" + std::to_string(::getpid()));
  replica_set_options options = set_of("source");
  options.server.root = credentials{"root", "s3cret@word"};
  options.server.tls = make_certificates(folder);
  replica_set source(options);
  options.name = "destination";
  replica_set destination(options);
  load_zoo(source.uri(), small_zoo());
  for (const std::string compressor : {"", "zstd", "snappy", "zlib"}) {
    const std::string more = compressor.empty() ? "" : "compressors=" + compressor;
    const auto done =
        copy(source.uri_as(options.server.root, more), destination.uri_as(options.server.root, more), {"--drop"});
    EXPECT_TRUE(done.status.success()) << compressor << ": " << done.output;
    EXPECT_EQ(done.output.find("s3cret"), std::string::npos);
    expect_equal(source.uri(), destination.uri());
  }
  std::filesystem::remove_all(folder);
}

TEST(copy, a_sharded_cluster_through_mongos) {
  if (!find_mongos()) {
    not_run("no mongos: set MONGOS or run tools/bootstrap --all-versions beside a mongos archive");
    return;
  }
  sharded_cluster source;
  client through = source.connect();
  through.run("admin", R"({"balancerStop": 1})");  // chunks move when the test says so
  through.run("admin", R"({"enableSharding": "shop"})");
  source.shard_collection("shop", "hashed", R"({"_id": "hashed"})");
  source.shard_collection("shop", "ranged", R"({"_id": 1})");
  load_lim(source.uri(), {.documents = 20'000, .database = "shop", .collection = "hashed"});
  load_lim(source.uri(), {.documents = 5'000, .database = "shop", .collection = "ranged"});
  load_lim(source.uri(), {.documents = 5'000, .database = "shop", .collection = "unsharded"});
  through.run("shop", R"({"create": "ring", "capped": true, "size": 100000})");
  through.run("shop", R"({"insert": "ring", "documents": [{"_id": 3}, {"_id": 1}, {"_id": 2}]})");
  // A chunk that moved: the shard it came from keeps its documents for 15 minutes. Read through mongos they are not
  // there.
  const std::size_t owner = source.shard(0).connect().count("shop", "ranged") == 5'000 ? 0 : 1;
  through.run("admin", R"({"moveChunk": "shop.ranged", "find": {"_id": {"$minKey": 1}}, "to": "shard)" +
                           std::to_string(1 - owner) + R"(", "_waitForDelete": false})");
  for (const std::size_t shard : {0U, 1U}) {
    EXPECT_EQ(source.shard(shard).connect().count("shop", "ranged"), 5'000) << "no orphans to read past";
  }
  replica_set destination(set_of("destination"));
  const auto done = copy(source.uri(), destination.uri());
  EXPECT_TRUE(done.status.success()) << done.output;
  client reader = destination.connect();
  EXPECT_EQ(reader.count("shop", "hashed"), 20'000);
  EXPECT_EQ(reader.count("shop", "ranged"), 5'000);
  const comparison result = compare({.source_uri = source.uri(), .destination_uri = destination.uri()});
  EXPECT_TRUE(result.equal()) << result.text();
}

}  // namespace
}  // namespace sluice::lab
