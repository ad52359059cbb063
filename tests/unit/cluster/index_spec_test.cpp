// listIndexes specs of every age turned into what createIndexes of 6.0 takes.
#include "engine/cluster/index_spec.hpp"

#include <gtest/gtest.h>

#include "engine/cluster/catalog.hpp"
#include "tests/unit/cluster/fixture.hpp"

namespace sluice::cluster {
namespace {

using testing::json;
using testing::text;

std::string made(std::string_view spec, std::string_view collection_options = "{}") {
  collection_info info;
  info.ns = {"db", "c"};
  info.options = json(collection_options);
  return text(index_for_create({"i", json(spec)}, info));
}

TEST(index_for_create, keeps_what_defines_an_index) {
  for (const auto* spec : {
           R"({"v": 2, "key": {"a": 1, "b": -1}, "name": "i", "unique": true, "sparse": true, "hidden": true})",
           R"({"v": 1, "key": {"a": "hashed"}, "name": "i"})",
           R"({"v": 2, "key": {"a": 1}, "name": "i", "partialFilterExpression": {"b": {"$gt": 5}}})",
           R"({"v": 2, "key": {"a": 1}, "name": "i", "collation": {"locale": "de", "version": "57.1"}})",
           R"({"v": 2, "key": {"_fts": "text", "_ftsx": 1}, "name": "i", "weights": {"x": 1},
               "default_language": "english", "language_override": "language", "textIndexVersion": 2})",
           R"({"v": 2, "key": {"at": "2dsphere"}, "name": "i", "2dsphereIndexVersion": 1})",
           R"({"v": 2, "key": {"at": "2d"}, "name": "i", "bits": 20, "min": -10.5, "max": 10.5})",
           R"({"v": 2, "key": {"$**": 1}, "name": "i", "wildcardProjection": {"q": 0}})",
           R"({"v": 2, "key": {"a": 1}, "name": "i", "prepareUnique": true})",
           R"({"v": 2, "key": {"a": 0.5, "b": -2.0}, "name": "i", "expireAfterSeconds": 3600})",
       }) {
    EXPECT_EQ(made(spec), text(spec));
  }
}

TEST(index_for_create, drops_what_servers_forgot_or_refuse) {
  EXPECT_EQ(made(R"({"v": 2, "key": {"a": 1}, "name": "i", "ns": "db.c", "background": true, "dropDups": true,
      "safe": null, "clustered": false, "buildUUID": 1})"),
            text(R"({"v": 2, "key": {"a": 1}, "name": "i"})"));
}

TEST(index_for_create, repairs_key_values) {
  EXPECT_EQ(made(R"({"v": 1, "key": {"a": 0, "b": "", "c": true, "d": null, "e": {"$numberDouble": "NaN"},
      "f": {"$numberDouble": "-0.0"}, "g": {"$numberDecimal": "0.00"}, "h": {"$numberDecimal": "-1"},
      "i": {"$numberLong": "0"}}, "name": "i"})"),
            text(R"({"v": 1, "key": {"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1,
      "h": {"$numberDecimal": "-1"}, "i": 1}, "name": "i"})"));
}

TEST(index_for_create, repairs_versions) {
  EXPECT_EQ(made(R"({"v": 0, "key": {"a": 1}, "name": "i"})"), text(R"({"v": 2, "key": {"a": 1}, "name": "i"})"));
  EXPECT_EQ(made(R"({"v": 1.0, "key": {"a": 1}, "name": "i"})"), text(R"({"v": 1, "key": {"a": 1}, "name": "i"})"));
  EXPECT_EQ(made(R"({"key": {"a": 1}, "name": "i"})"), text(R"({"v": 2, "key": {"a": 1}, "name": "i"})"));
}

TEST(index_for_create, normalizes_expiry) {
  const auto expiry = [](std::string_view value) {
    return made(R"({"v": 2, "key": {"a": 1}, "name": "i", "expireAfterSeconds": )" + std::string(value) + "}");
  };
  const auto seconds = [](std::string_view value) {
    return text(R"({"v": 2, "key": {"a": 1}, "name": "i", "expireAfterSeconds": )" + std::string(value) + "}");
  };
  EXPECT_EQ(expiry("3.7"), seconds("3"));
  EXPECT_EQ(expiry(R"({"$numberLong": "60"})"), seconds("60"));
  EXPECT_EQ(expiry("0"), seconds("0"));
  for (const auto* odd : {R"({"$numberDouble": "NaN"})", R"({"$numberLong": "1099511627776"})", "-1", R"("soon")",
                          R"({"$numberDouble": "Infinity"})"}) {
    EXPECT_EQ(expiry(odd), seconds("2147483647")) << odd;
  }
}

TEST(index_for_create, normalizes_flags) {
  EXPECT_EQ(made(R"({"v": 2, "key": {"a": 1}, "name": "i", "unique": 1.0, "sparse": "yes", "hidden": 0})"),
            text(R"({"v": 2, "key": {"a": 1}, "name": "i", "unique": true, "sparse": true})"));
  EXPECT_EQ(made(R"({"v": 2, "key": {"a": 1}, "name": "i", "unique": false, "sparse": null})"),
            text(R"({"v": 2, "key": {"a": 1}, "name": "i"})"));
}

TEST(index_for_create, says_that_there_is_no_collation) {
  const auto* french = R"({"collation": {"locale": "fr"}})";
  EXPECT_EQ(made(R"({"v": 2, "key": {"b": 1}, "name": "i"})", french),
            text(R"({"v": 2, "key": {"b": 1}, "name": "i", "collation": {"locale": "simple"}})"));
  EXPECT_EQ(made(R"({"v": 2, "key": {"b": 1}, "name": "i", "collation": {"locale": "de"}})", french),
            text(R"({"v": 2, "key": {"b": 1}, "name": "i", "collation": {"locale": "de"}})"));
  EXPECT_EQ(made(R"({"v": 1, "key": {"b": 1}, "name": "i"})", french),
            text(R"({"v": 1, "key": {"b": 1}, "name": "i"})"));
}

TEST(index_for_create, keeps_storage_options_that_another_server_understands) {
  EXPECT_EQ(
      made(
          R"({"v": 2, "key": {"b": 1}, "name": "i", "storageEngine": {"wiredTiger": {"configString": "prefix_compression=false"}}})"),
      text(
          R"({"v": 2, "key": {"b": 1}, "name": "i", "storageEngine": {"wiredTiger": {"configString": "prefix_compression=false"}}})"));
  EXPECT_EQ(made(R"({"v": 2, "key": {"b": 1}, "name": "i", "storageEngine": {"rocksdb": {}}})"),
            text(R"({"v": 2, "key": {"b": 1}, "name": "i"})"));
}

std::string for_sync(std::string_view spec, index_policy policy = {}) {
  const auto made = index_for_sync(json(spec), false, policy);
  return made ? text(made->view()) : "none";
}

TEST(index_for_sync, neither_enforces_nor_deletes_before_the_commit) {
  const auto* strict = R"({"v": 2, "key": {"a": 1}, "name": "i", "unique": true, "prepareUnique": true, "sparse": true,
      "expireAfterSeconds": 60})";
  EXPECT_EQ(for_sync(strict), text(R"({"v": 2, "key": {"a": 1}, "name": "i", "sparse": true,
      "expireAfterSeconds": 2147483647})"));
  EXPECT_EQ(for_sync(strict, {.defer_unique_and_ttl = false}), text(strict));
}

TEST(index_for_sync, builds_what_the_policy_allows) {
  const auto* hashed = R"({"v": 2, "key": {"b": 1, "a": "hashed"}, "name": "i"})";
  const auto* plain = R"({"v": 2, "key": {"hashed": 1}, "name": "i"})";
  EXPECT_EQ(for_sync(hashed), text(hashed));
  EXPECT_EQ(for_sync(hashed, {.exclude_hashed = true}), "none");
  EXPECT_EQ(for_sync(plain, {.exclude_hashed = true}), text(plain));
  EXPECT_EQ(for_sync(plain, {.never = true}), "none");
}

TEST(index_for_sync, leaves_out_a_unique_index_beside_its_like) {
  collection_info info;
  for (const auto* spec : {
           R"({"v": 2, "key": {"a": 1}, "name": "unique beside a plain one", "unique": true})",
           R"({"v": 2, "key": {"a": 1}, "name": "plain"})",
           R"({"v": 2, "key": {"a": 1}, "name": "sparse", "sparse": true, "unique": true})",
           R"({"v": 2, "key": {"a": 1}, "name": "partial", "partialFilterExpression": {"b": 1}, "unique": true})",
           R"({"v": 2, "key": {"a": 1}, "name": "collated", "collation": {"locale": "de"}, "unique": true})",
           R"({"v": 2, "key": {"a": -1}, "name": "other key", "unique": true})",
       }) {
    auto parsed = json(spec);
    std::string name(parsed.view().find("name").as_string().value_or(""));
    info.indexes.push_back({.name = std::move(name), .spec = std::move(parsed)});
  }
  const auto names = [&](const index_policy& policy) {
    std::string all;
    for (const auto& index : indexes_for_sync(info, policy)) all += index.name + ", ";
    return all;
  };
  EXPECT_EQ(names({}), "plain, sparse, partial, collated, other key, ");
  EXPECT_EQ(names({.defer_unique_and_ttl = false}),
            "unique beside a plain one, plain, sparse, partial, collated, other key, ");
}

}  // namespace
}  // namespace sluice::cluster
