// What an operator may choose about shard keys, and choices that no server takes.
#include "engine/cluster/sharding_choice.hpp"

#include <gtest/gtest.h>

#include "engine/runtime/limits.hpp"
#include "tests/unit/cluster/fixture.hpp"

namespace sluice::cluster {
namespace {

using testing::json;
using testing::text;

std::string complaint(const bson::document& given) {
  const auto choice = sharding_choice::of(given);
  if (choice) return "taken";
  EXPECT_EQ(choice.error().kind, error_kind::configuration);
  return choice.error().message;
}

/// Of one collection with this key.
std::string by(const std::string& key) {
  return R"({"shardingEntries": [{"database": "d", "collection": "c", "shardCollection": {"key": )" + key + "}}]}";
}

std::string of_collection(const std::string& database, const std::string& collection) {
  return R"({"database": ")" + database + R"(", "collection": ")" + collection +
         R"(", "shardCollection": {"key": [{"a": 1}]}})";
}

std::string entries(const std::string& all) {
  return R"({"shardingEntries": [)" + all + "]}";
}

TEST(sharding_choice, knows_the_key_of_each_collection) {
  const auto made = sharding_choice::of(json(
      R"({"createSupportingIndexes": true, "ignoreUnusedShardingEntries": true, "shardingEntries": [
          {"database": "shop", "collection": "orders.old",
           "shardCollection": {"key": [{"customer.id": 1}, {"_id": "hashed"}]}},
          {"shardCollection": {"key": [{"a": {"$numberLong": "1"}}, {"b": 1.0}]}, "collection": "c", "database": "x"}]})"));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(made.value().create_supporting_indexes);
  EXPECT_TRUE(made.value().ignore_unused);
  ASSERT_EQ(made.value().entries.size(), 2U);
  const bson::document* const key = made.value().key_of({"shop", "orders.old"});
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(text(*key), text(R"({"customer.id": 1, "_id": "hashed"})"));
  ASSERT_NE(made.value().key_of({"x", "c"}), nullptr);
  EXPECT_EQ(text(*made.value().key_of({"x", "c"})), text(R"({"a": 1, "b": 1})")) << "every one is the same one";
  EXPECT_EQ(made.value().key_of({"shop", "orders"}), nullptr);
}

TEST(sharding_choice, nothing_may_be_sharded) {
  const auto made = sharding_choice::of(json(R"({"shardingEntries": []})"));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_FALSE(made.value().create_supporting_indexes);
  EXPECT_FALSE(made.value().ignore_unused);
  EXPECT_EQ(made.value().key_of({"a", "b"}), nullptr);
  EXPECT_FALSE(made.value().given().view().empty()) << "which is not the same as saying nothing";
}

TEST(sharding_choice, comes_back_from_a_checkpoint) {
  for (const char* given :
       {R"({"shardingEntries": []})",
        R"({"createSupportingIndexes": true, "shardingEntries": [{"database": "d", "collection": "c",
            "shardCollection": {"key": [{"a.b": "hashed"}, {"c": 1}]}}, {"database": "d", "collection": "e",
            "shardCollection": {"key": [{"ref.$id": 1}]}}], "ignoreUnusedShardingEntries": true})"}) {
    const auto made = sharding_choice::of(json(given));
    ASSERT_TRUE(made) << made.error().message;
    const auto again = sharding_choice::of(made.value().given());
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(text(again.value().given()), text(made.value().given()));
  }
  const auto made = sharding_choice::of(json(by(R"([{"a": 1.0}, {"b": "hashed"}])")));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(text(made.value().given()),
            text(R"({"createSupportingIndexes": false, "ignoreUnusedShardingEntries": false, "shardingEntries": [
                {"database": "d", "collection": "c", "shardCollection": {"key": [{"a": 1}, {"b": "hashed"}]}}]})"));
}

TEST(sharding_choice, what_has_another_form_is_refused) {
  for (const auto& [given, says] : std::vector<std::pair<std::string, const char*>>{
           {"{}", "\"sharding.shardingEntries\" is missing"},
           {R"({"shardingEntries": {}})", "\"sharding.shardingEntries\" must be an array, not of type object"},
           {R"({"shardingEntries": [], "createSupportingIndexes": 1})",
            "\"sharding.createSupportingIndexes\" must be a boolean"},
           {R"({"shardingEntries": [], "ignoreUnusedShardingEntries": "true"})",
            "\"sharding.ignoreUnusedShardingEntries\" must be a boolean"},
           {R"({"shardingEntries": [], "createSupportingIndex": true})", "did you mean \"createSupportingIndexes\""},
           {entries("1"), "\"sharding.shardingEntries[0]\" must be a document"},
           {entries(of_collection("d", "c") + R"(, {"collection": "c"})"),
            "\"sharding.shardingEntries[1].database\" is missing"},
           {entries(R"({"database": "d"})"), "\"sharding.shardingEntries[0].collection\" is missing"},
           {entries(R"({"database": "d", "collection": "c"})"),
            "\"sharding.shardingEntries[0].shardCollection\" is missing"},
           {entries(R"({"database": 1})"), "\"sharding.shardingEntries[0].database\" must be a string"},
           {entries(R"({"database": "d", "colection": "c"})"), "did you mean \"collection\""},
           {entries(R"({"database": "d", "collection": "c", "shardCollection": []})"),
            "\"sharding.shardingEntries[0].shardCollection\" must be a document"},
           {entries(R"({"database": "d", "collection": "c", "shardCollection": {}})"),
            "\"sharding.shardingEntries[0].shardCollection.key\" is missing"},
           {entries(R"({"database": "d", "collection": "c", "shardCollection": {"key": [{"a": 1}], "unique": true}})"),
            "\"sharding.shardingEntries[0].shardCollection.unique\" is no option"}}) {
    EXPECT_NE(complaint(json(given)).find(says), std::string::npos) << given << ": " << complaint(json(given));
  }
  bson::builder twice;
  twice.open_array("shardingEntries").close().append("createSupportingIndexes", true);
  twice.append("createSupportingIndexes", false);
  EXPECT_EQ(complaint(twice.finish()), "\"sharding.createSupportingIndexes\" is given twice");
}

TEST(sharding_choice, keys_that_no_server_takes_are_refused) {
  for (const auto& [key, says] : std::vector<std::pair<std::string, const char*>>{
           {R"({"a": 1})", "must be an array of documents of one field"},
           {"[]", "and not empty"},
           {R"(["a"])", "key[0]\" must be a document of one field"},
           {R"([{"b": 1}, {}])", "key[1]\" must be a document of one field"},
           {R"([{"a": 1, "b": 1}])", "key[0]\" must be a document of one field"},
           {R"([{"a": -1}])", "key[0]\" must have the value 1 or \"hashed\""},
           {R"([{"a": 0}])", "1 or \"hashed\""},
           {R"([{"a": 2}])", "1 or \"hashed\""},
           {R"([{"a": 1.5}])", "1 or \"hashed\""},
           {R"([{"a": {"$numberLong": "4294967297"}}])", "1 or \"hashed\""},
           {R"([{"a": {"$numberDouble": "NaN"}}])", "1 or \"hashed\""},
           {R"([{"a": {"$numberDecimal": "1"}}])", "1 or \"hashed\""},
           {R"([{"a": true}])", "1 or \"hashed\""},
           {R"([{"a": "1"}])", "1 or \"hashed\""},
           {R"([{"a": "Hashed"}])", "1 or \"hashed\""},
           {R"([{"a": "2dsphere"}])", "1 or \"hashed\""},
           {R"([{"a": null}])", "1 or \"hashed\""},
           {R"([{"a": "hashed"}, {"b": 1}, {"c": "hashed"}])", "key[2]\" is a second hashed field"},
           {R"([{"a": 1}, {"b": 1}, {"a": "hashed"}])", "key[2]\" is a field that the key has already"},
           {R"([{"": 1}])", "a field has a name"},
           {R"([{"$a": 1}])", "begins with \"$\""},
           {R"([{"$**": 1}])", "begins with \"$\""},
           {R"([{"$id": 1}])", "begins with \"$\""},
           {R"([{"a.$b": 1}])", "begins with \"$\""},
           {R"([{"a..b": 1}])", "part of a path is empty"},
           {R"([{".a": 1}])", "part of a path is empty"},
           {R"([{"a.": 1}])", "part of a path is empty"},
           {R"([{".": 1}])", "part of a path is empty"}}) {
    const std::string told = complaint(json(by(key)));
    EXPECT_TRUE(told.starts_with("\"sharding.shardingEntries[0].shardCollection.key")) << key << ": " << told;
    EXPECT_NE(told.find(says), std::string::npos) << key << ": " << told;
  }
  for (const auto& [count, fate] :
       {std::pair(32, "taken"), std::pair(33,
                                          "\"sharding.shardingEntries[0].shardCollection.key\" may have at "
                                          "most 32 fields")}) {
    std::string key;
    for (int i = 0; i < count; ++i) key += (i == 0 ? "{\"f" : ", {\"f") + std::to_string(i) + "\": 1}";
    EXPECT_EQ(complaint(json(by("[" + key + "]"))), fate);
  }
}

TEST(sharding_choice, collections_that_cannot_be_sharded_are_refused) {
  for (const auto& [database, collection, says] : std::vector<std::array<std::string, 3>>{
           {"", "c", "\"sharding.shardingEntries[0].database\" must not be empty"},
           {"d", "", "\"sharding.shardingEntries[0].collection\" must not be empty"},
           {"a.b", "c", "a database's name holds none of"},
           {"a b", "c", "a database's name holds none of"},
           {"a\\u0000b", "c", "a database's name holds none of"},
           {std::string(64, 'd'), "c", "at most 63 bytes"},
           {"d", std::string(254, 'c'), "at most 255 bytes"},
           {"d", "a$b", "neither $ nor NUL"},
           {"d", "a\\u0000b", "neither $ nor NUL"},
           {"d", ".c", "does not begin with a dot"},
           {"admin", "c", "names admin.c, of a database of the servers"},
           {"config", "system.sessions", "of a database of the servers"},
           {"__mdb_internal_sluice", "c", "of a database of the servers or of a migration"},
           {"d", "system.buckets.c", "names d.system.buckets.c, a collection of the server's"},
           {"d", "system.js", "a collection of the server's, which is never sharded"}}) {
    const std::string told = complaint(json(entries(of_collection(database, collection))));
    EXPECT_TRUE(told.starts_with("\"sharding.shardingEntries[0]")) << told;
    EXPECT_NE(told.find(says), std::string::npos) << told;
  }
  // Databases that differ by such letters only servers on Windows do not know.
  EXPECT_EQ(complaint(json(entries(of_collection("a*b", "systemic.c")))), "taken");
}

TEST(sharding_choice, a_collection_has_one_key) {
  const std::string told = complaint(
      json(entries(of_collection("a", "b") + ", " + of_collection("a", "c") + ", " + of_collection("a", "b"))));
  EXPECT_TRUE(told.starts_with("\"sharding.shardingEntries[2]\" names a.b, as \"sharding.shardingEntries[0]\" does"))
      << told;
}

TEST(sharding_choice, entries_are_bounded) {
  const auto with = [](std::size_t count) {
    sharding_choice all;
    bson::builder key;
    key.append("a", std::int32_t{1});
    const bson::document by_a = key.finish();
    for (std::size_t i = 0; i < count; ++i) all.entries.push_back({{"d", "c" + std::to_string(i)}, by_a});
    return all.given();
  };
  EXPECT_EQ(complaint(with(limits::sharding_entries_max)), "taken");
  EXPECT_EQ(complaint(with(limits::sharding_entries_max + 1)),
            "\"sharding.shardingEntries\" may have at most 10000 entries");
}

}  // namespace
}  // namespace sluice::cluster
