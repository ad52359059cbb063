// Views whose collections are called otherwise on the destination.
#include "engine/cluster/view_definition.hpp"

#include <gtest/gtest.h>

#include "bson/extended_json.hpp"
#include "tests/unit/cluster/fixture.hpp"

namespace sluice::cluster {
namespace {

using testing::json;

namespace_map map_of(const std::vector<remap>& rules) {
  return namespace_map::of(rules).value();
}

TEST(view_definition, stays_as_it_is_where_only_its_database_has_another_name) {
  const auto options = json(R"({"viewOn": "c", "pipeline": [{"$lookup": {"from": "d", "as": "x"}}]})");
  const auto there = view_on_destination(map_of({{"a", "b"}}), {"a", "v"}, options);
  ASSERT_TRUE(there) << there.error().message;
  EXPECT_EQ(bson::to_json(there.value()), bson::to_json(options));
}

TEST(view_definition, names_what_it_is_made_of_as_that_is_called) {
  const auto map = map_of({{"a.c", "a.c2"}, {"a.d", "a.d2"}});
  const auto options = json(R"({"viewOn": "c", "pipeline": [
      {"$match": {"c": "c", "from": "d"}},
      {"$lookup": {"from": "d", "let": {"from": "d"}, "pipeline": [{"$unionWith": "c"}], "as": "d"}},
      {"$graphLookup": {"from": "d", "startWith": "$d", "connectFromField": "d", "connectToField": "c", "as": "g"}},
      {"$unionWith": {"coll": "d", "pipeline": [{"$unionWith": "e"}]}},
      {"$facet": {"d": [{"$lookup": {"from": "c", "as": "c"}}]}},
      {"$addFields": {"x": {"$literal": {"$lookup": {"from": "c"}}}}}], "collation": {"locale": "de"}})");
  const auto there = view_on_destination(map, {"a", "v"}, options);
  ASSERT_TRUE(there) << there.error().message;
  EXPECT_EQ(bson::to_json(there.value()), bson::to_json(json(R"({"viewOn": "c2", "pipeline": [
      {"$match": {"c": "c", "from": "d"}},
      {"$lookup": {"from": "d2", "let": {"from": "d"}, "pipeline": [{"$unionWith": "c2"}], "as": "d"}},
      {"$graphLookup": {"from": "d2", "startWith": "$d", "connectFromField": "d", "connectToField": "c", "as": "g"}},
      {"$unionWith": {"coll": "d2", "pipeline": [{"$unionWith": "e"}]}},
      {"$facet": {"d": [{"$lookup": {"from": "c2", "as": "c"}}]}},
      {"$addFields": {"x": {"$literal": {"$lookup": {"from": "c"}}}}}], "collation": {"locale": "de"}})")));
}

TEST(view_definition, cannot_be_in_another_database_than_what_it_is_made_of) {
  for (const char* options : {R"({"viewOn": "c", "pipeline": []})",
                              R"({"viewOn": "d", "pipeline": [{"$lookup": {"from": "c", "as": "x"}}]})"}) {
    const auto there = view_on_destination(map_of({{"a.c", "b.c"}}), {"a", "v"}, json(options));
    ASSERT_FALSE(there) << options;
    EXPECT_EQ(there.error().kind, error_kind::refused);
    EXPECT_NE(there.error().message.find("the view a.v would be in a, and c, of which it is made, in b"),
              std::string::npos)
        << there.error().message;
  }
  EXPECT_TRUE(view_on_destination(map_of({{"a.c", "b.c"}, {"a.v", "b.v"}}), {"a", "v"},
                                  json(R"({"viewOn": "c", "pipeline": []})")));
}

}  // namespace
}  // namespace sluice::cluster
