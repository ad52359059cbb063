// What makes a final catalog fit for being followed again, without any server.
#include "engine/index/loosen.hpp"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "bson/extended_json.hpp"
#include "tests/unit/cluster/fixture.hpp"

namespace sluice::index {
namespace {

using cluster::collection_info;
using cluster::collection_kind;
using cluster::testing::json;

/// The commands that a collection with these indexes and options needs, as JSON.
std::vector<std::string> commands(const std::vector<std::string>& indexes, const std::string& options = "{}",
                                  collection_kind kind = collection_kind::plain) {
  collection_info info;
  info.ns = {"d", "c"};
  info.kind = kind;
  info.options = json(options);
  for (const auto& text : indexes) {
    auto spec = json(text);
    info.indexes.push_back({std::string(spec.view().find("name").as_string().value()), spec});
  }
  cluster::catalog all;
  all.collections.push_back(std::move(info));
  std::vector<std::string> found;
  for (const auto& step : plan_loosening(all)) found.push_back(bson::to_json(step.command));
  return found;
}

using texts = std::vector<std::string>;

TEST(loosen, plain_collections_and_indexes_are_left_alone) {
  EXPECT_EQ(commands({R"({"v": 2, "key": {"b": 1}, "name": "b"})",
                      R"({"v": 2, "key": {"h": 1}, "name": "h", "hidden": true})"},
                     R"({"validator": {"a": 1}})"),
            texts{});
}

TEST(loosen, a_unique_index_enforces_nothing_any_more) {
  EXPECT_EQ(commands({R"({"v": 2, "key": {"b": 1}, "name": "bu", "unique": true})"}),
            texts{R"({"collMod": "c", "index": {"name": "bu", "forceNonUnique": true}})"});
}

TEST(loosen, of_twins_the_unique_one_goes) {
  EXPECT_EQ(commands({R"({"v": 2, "key": {"b": 1}, "name": "b"})",
                      R"({"v": 2, "key": {"b": 1}, "name": "bu", "unique": true})"}),
            texts{R"({"dropIndexes": "c", "index": "bu"})"});
}

TEST(loosen, expiry_sleeps_once) {
  EXPECT_EQ(commands({R"({"v": 2, "key": {"t": 1}, "name": "t", "expireAfterSeconds": 60})"}),
            texts{R"({"collMod": "c", "index": {"name": "t", "expireAfterSeconds": 2147483647}})"});
  EXPECT_EQ(commands({R"({"v": 2, "key": {"t": 1}, "name": "t", "expireAfterSeconds": 2147483647})"}), texts{});
  EXPECT_EQ(commands({}, R"({"clusteredIndex": true, "expireAfterSeconds": 60})", collection_kind::clustered),
            texts{R"({"collMod": "c", "expireAfterSeconds": "off"})"});
  EXPECT_EQ(commands({}, R"({"clusteredIndex": true})", collection_kind::clustered), texts{});
}

TEST(loosen, a_unique_index_that_expires_does_neither) {
  EXPECT_EQ(commands({R"({"v": 2, "key": {"t": 1}, "name": "t", "unique": true, "expireAfterSeconds": 60})"}).size(),
            2U);
}

TEST(loosen, capped_collections_get_room_once) {
  EXPECT_EQ(commands({}, R"({"capped": true, "size": 4096, "max": 5})", collection_kind::capped),
            texts{R"({"collMod": "c", "cappedSize": 1125899906842624, "cappedMax": 2147483647})"});
  EXPECT_EQ(commands({}, R"({"capped": true, "size": 4096})", collection_kind::capped),
            texts{R"({"collMod": "c", "cappedSize": 1125899906842624})"});
  EXPECT_EQ(commands({}, R"({"capped": true, "size": 1125899906842624})", collection_kind::capped), texts{});
}

TEST(loosen, views_hold_nothing) {
  EXPECT_EQ(commands({}, R"({"viewOn": "x", "pipeline": []})", collection_kind::view), texts{});
}

}  // namespace
}  // namespace sluice::index
