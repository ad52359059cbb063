// What a shard key says about documents, updates and indexes, and which collections cannot be sharded by theirs.
#include "engine/cluster/shard_key.hpp"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/cluster/fixture.hpp"

namespace sluice::cluster {
namespace {

using testing::json;
using testing::text;

TEST(shard_key, by_id_means_by_nothing_else) {
  EXPECT_TRUE(is_by_id(json(R"({"_id": 1})")));
  EXPECT_TRUE(is_by_id(json(R"({"_id": "hashed"})")));
  for (const char* other : {"{}", R"({"a": 1})", R"({"_id": 1, "a": 1})", R"({"a": 1, "_id": 1})", R"({"_id.a": 1})"}) {
    EXPECT_FALSE(is_by_id(json(other))) << other;
  }
}

TEST(shard_key, one_hashed_part_makes_a_hashed_key) {
  EXPECT_TRUE(is_hashed_key(json(R"({"a": "hashed"})")));
  EXPECT_TRUE(is_hashed_key(json(R"({"a": 1, "b.c": "hashed", "d": 1})")));
  for (const char* other : {"{}", R"({"a": 1})", R"({"hashed": 1})", R"({"a": 1.0, "b": {"$numberLong": "1"}})"}) {
    EXPECT_FALSE(is_hashed_key(json(other))) << other;
  }
}

TEST(shard_key, a_field_is_part_of_it_as_a_whole_only) {
  const auto key = json(R"({"customer.id": 1, "_id": "hashed"})");
  EXPECT_TRUE(is_part_of_key(key, "customer"));
  EXPECT_TRUE(is_part_of_key(key, "_id"));
  for (const char* other : {"", "id", "cust", "customers", "customer.id", "_id.a"}) {
    EXPECT_FALSE(is_part_of_key(key, other)) << other;
  }
  EXPECT_TRUE(is_part_of_key(json(R"({"ab": 1})"), "ab"));
  EXPECT_FALSE(is_part_of_key(json(R"({"ab": 1})"), "a"));
  EXPECT_FALSE(is_part_of_key(json(R"({"a": 1})"), "ab"));
}

std::string conditions(std::string_view key, std::string_view document) {
  return text(key_conditions(json(key), json(document)));
}

TEST(shard_key, a_document_names_its_shard) {
  EXPECT_EQ(conditions(R"({"a.b": 1, "c": "hashed"})", R"({"_id": 1, "c": "x", "a": {"b": {"d": 7}, "e": 1}})"),
            text(R"({"a.b": {"$eq": {"d": 7}}, "c": {"$eq": "x"}})"));
  EXPECT_EQ(conditions(R"({"a.b.c": 1})", R"({"a": {"b": {"c": {"$numberLong": "7"}}}})"),
            text(R"({"a.b.c": {"$eq": {"$numberLong": "7"}}})"));
}

TEST(shard_key, what_a_document_lacks_counts_as_null) {
  const std::string null = text(R"({"a.b": {"$eq": null}})");
  for (const char* document : {"{}", R"({"a": {"b": null}})", R"({"a": {}})", R"({"a": null})", R"({"a": 7})",
                               R"({"a": "b"})", R"({"a": {"c": {"b": 7}}})", R"({"b": 7})", R"({"ab": {"b": 7}})"}) {
    EXPECT_EQ(conditions(R"({"a.b": 1})", document), null) << document;
  }
  // No field of the key leads through an array on a sharded cluster.
  EXPECT_EQ(conditions(R"({"a.b": 1})", R"({"a": [{"b": 7}]})"), null);
}

/// An index of this key and with these further options, `, "sparse": true`.
bool supported(const std::string& pattern, const std::string& key, const std::string& options = "") {
  return supports_key(json(R"({"v": 2, "name": "i", "key": )" + pattern + options + "}"), json(key));
}

TEST(supports_key, an_index_begins_with_the_key) {
  EXPECT_TRUE(supported(R"({"a": 1})", R"({"a": 1})"));
  EXPECT_TRUE(supported(R"({"a": 1.0, "b.c": 1, "d": -1})", R"({"a": 1, "b.c": {"$numberLong": "1"}})"));
  EXPECT_FALSE(supported(R"({"a": 1})", R"({"a": 1, "b": 1})"));
  EXPECT_FALSE(supported(R"({"b": 1, "a": 1})", R"({"a": 1, "b": 1})"));
  EXPECT_FALSE(supported(R"({"b": 1, "a": 1})", R"({"a": 1})"));
  EXPECT_FALSE(supported(R"({"a": -1})", R"({"a": 1})"));
  EXPECT_FALSE(supported(R"({"a": "text"})", R"({"a": 1})"));
  EXPECT_FALSE(supports_key(json(R"({"v": 2, "name": "i"})"), json(R"({"a": 1})")));
}

TEST(supports_key, a_hashed_part_is_another_one_than_a_range) {
  EXPECT_TRUE(supported(R"({"a": 1, "b": "hashed"})", R"({"a": 1, "b": "hashed"})"));
  EXPECT_TRUE(supported(R"({"a": "hashed", "b": 1})", R"({"a": "hashed"})"));
  EXPECT_FALSE(supported(R"({"a": 1})", R"({"a": "hashed"})"));
  EXPECT_FALSE(supported(R"({"a": "hashed"})", R"({"a": 1})"));
}

TEST(supports_key, an_index_knows_every_document) {
  const std::string a = R"({"a": 1})";
  EXPECT_FALSE(supported(a, a, R"(, "sparse": true)"));
  EXPECT_FALSE(supported(a, a, R"(, "sparse": 1)"));
  EXPECT_TRUE(supported(a, a, R"(, "sparse": false)"));
  EXPECT_FALSE(supported(a, a, R"(, "partialFilterExpression": {"a": {"$exists": true}})"));
  EXPECT_TRUE(supported(a, a, R"(, "unique": true, "expireAfterSeconds": 60, "background": true)"));
}

TEST(supports_key, an_index_compares_by_bytes) {
  const std::string a = R"({"a": 1})";
  EXPECT_FALSE(supported(a, a, R"(, "collation": {"locale": "fr", "strength": 2})"));
  EXPECT_TRUE(supported(a, a, R"(, "collation": {"locale": "simple"})"));
}

collection_info sharded(const std::string& key, const std::vector<std::string>& indexes = {}) {
  collection_info info;
  info.ns = {"shop", "orders"};
  info.id_index = json(R"({"v": 2, "key": {"_id": 1}, "name": "_id_"})");
  info.shard_key = json(key);
  for (const auto& index : indexes) {
    auto spec = json(index);
    info.indexes.push_back({std::string(spec.view().find("name").as_string().value()), spec});
  }
  return info;
}

std::string refusal(collection_info info, bool may_make_index = false) {
  catalog all;
  all.collections.push_back(sharded("{}"));
  all.collections.push_back(std::move(info));
  const auto checked = check_shardable(all, may_make_index);
  if (checked) return "taken";
  EXPECT_EQ(checked.error().kind, error_kind::refused);
  return checked.error().message;
}

constexpr const char* by_a = R"({"v": 2, "key": {"a": 1, "b": 1}, "name": "ab"})";

TEST(check_shardable, takes_a_key_that_an_index_carries) {
  EXPECT_EQ(refusal(sharded(R"({"a": 1})", {R"({"v": 2, "key": {"c": 1}, "name": "c"})", by_a})), "taken");
  EXPECT_EQ(refusal(sharded(R"({"_id": 1})")), "taken");
  EXPECT_EQ(refusal(sharded(R"({"_id": "hashed"})", {R"({"v": 2, "key": {"_id": "hashed"}, "name": "h"})"})), "taken");
  // Nothing is asked of what is not sharded.
  EXPECT_EQ(refusal(sharded("{}", {R"({"v": 2, "key": {"c": 1}, "name": "c", "unique": true})"})), "taken");
}

TEST(check_shardable, a_key_that_no_index_carries_wants_one_to_be_made) {
  for (const char* key : {R"({"c": 1})", R"({"_id": "hashed"})", R"({"b": 1, "a": 1})", R"({"a": "hashed"})"}) {
    const std::string told = refusal(sharded(key, {by_a}));
    EXPECT_TRUE(told.starts_with("shop.orders cannot be sharded by {")) << told;
    EXPECT_NE(told.find("no index of it begins with that; make one on the source, or let it be made "
                        "(createSupportingIndexes: true)"),
              std::string::npos)
        << told;
    EXPECT_EQ(refusal(sharded(key, {by_a}), true), "taken") << key;
  }
  // Here the one of _id is missing, as before 4.0.
  auto without_id = sharded(R"({"_id": 1})");
  without_id.id_index = {};
  EXPECT_NE(refusal(without_id).find("no index of it begins with that"), std::string::npos);
}

TEST(check_shardable, a_unique_index_begins_with_the_key) {
  const auto with = [](const std::string& key, const std::string& pattern) {
    return refusal(sharded(key, {by_a, R"({"v": 2, "key": )" + pattern + R"(, "name": "u", "unique": true})"}), true);
  };
  EXPECT_EQ(with(R"({"a": 1})", R"({"a": 1})"), "taken");
  EXPECT_EQ(with(R"({"a": 1})", R"({"a": -1, "c": 1})"), "taken");
  EXPECT_EQ(with(R"({"a": 1, "b": 1})", R"({"a": 1, "b": 1, "c": 1})"), "taken");
  for (const auto& [key, pattern] :
       std::vector<std::pair<std::string, std::string>>{{R"({"a": 1})", R"({"c": 1})"},
                                                        {R"({"a": 1})", R"({"c": 1, "a": 1})"},
                                                        {R"({"a": 1, "b": 1})", R"({"a": 1})"},
                                                        {R"({"a": 1, "b": 1})", R"({"b": 1, "a": 1})"},
                                                        {R"({"_id": 1})", R"({"c": 1})"},
                                                        {R"({"a": "hashed"})", R"({"c": 1})"}}) {
    const std::string told = with(key, pattern);
    EXPECT_NE(told.find("its index \"u\" is unique"), std::string::npos) << key << pattern << ": " << told;
    EXPECT_NE(told.find("choose another key, or drop the index"), std::string::npos) << told;
  }
}

// As the servers have it (4.4 to 8.0): equal values have equal hashes, and an _id is unique by itself.
TEST(check_shardable, a_unique_index_may_begin_with_a_hashed_field_or_with_id) {
  const std::string hashed = R"({"v": 2, "key": {"a": "hashed"}, "name": "h"})";
  EXPECT_EQ(refusal(sharded(R"({"a": "hashed"})",
                            {hashed, R"({"v": 2, "key": {"a": 1, "c": 1}, "name": "u", "unique": true})"})),
            "taken");
  EXPECT_EQ(
      refusal(sharded(R"({"a": 1})", {by_a, R"({"v": 2, "key": {"_id": 1, "c": 1}, "name": "u", "unique": true})"})),
      "taken");
}

TEST(check_shardable, only_plain_collections_can_be_sharded) {
  for (const auto kind :
       {collection_kind::capped, collection_kind::clustered, collection_kind::timeseries, collection_kind::view}) {
    auto info = sharded(R"({"a": 1})", {by_a});
    info.kind = kind;
    EXPECT_NE(refusal(info, true).find("only plain collections can be"), std::string::npos);
  }
}

TEST(check_shardable, a_collation_is_refused) {
  auto info = sharded(R"({"a": 1})", {by_a});
  info.options = json(R"({"collation": {"locale": "fr"}})");
  EXPECT_NE(refusal(info, true).find("it has a collation"), std::string::npos);
}

TEST(take_shard_keys, gives_each_collection_its_own) {
  catalog all;
  all.collections.push_back(sharded("{}"));
  all.collections.push_back(sharded("{}"));
  all.collections.back().ns = {"shop", "users"};
  all.collections.push_back(sharded(R"({"chosen": 1})"));
  all.collections.back().ns = {"shop", "visits"};
  take_shard_keys(all, {{{"shop", "users"}, json(R"({"_id": "hashed"})")}, {{"blog", "orders"}, json(R"({"a": 1})")}});
  EXPECT_TRUE(all.collections[0].shard_key.view().empty());
  EXPECT_EQ(text(all.collections[1].shard_key), text(R"({"_id": "hashed"})"));
  EXPECT_EQ(text(all.collections[2].shard_key), text(R"({"chosen": 1})"));
}

}  // namespace
}  // namespace sluice::cluster
