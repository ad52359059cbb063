// Names for names: what becomes what and back, and maps under which two names would meet.
#include "engine/cluster/namespace_map.hpp"

#include <gtest/gtest.h>

#include "engine/cluster/namespace_filter.hpp"

namespace sluice::cluster {
namespace {

namespace_map map_of(const std::vector<remap>& rules) {
  auto map = namespace_map::of(rules);
  EXPECT_TRUE(map) << map.error().message;
  return map ? map.value() : namespace_map();
}

std::string complaint(const std::vector<remap>& rules) {
  const auto map = namespace_map::of(rules);
  if (map) return "taken";
  EXPECT_EQ(map.error().kind, error_kind::configuration);
  return map.error().message;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(namespace_map, names_stay_where_nothing_is_said) {
  const namespace_map map;
  EXPECT_TRUE(map.is_identity());
  EXPECT_EQ(map.destination_of({"a", "b"}).to_string(), "a.b");
  EXPECT_EQ(map.source_of({"a", "b"})->to_string(), "a.b");
  EXPECT_FALSE(map.renamed({"a", "b"}));
}

TEST(namespace_map, a_database_and_a_collection_of_its_own_rule) {
  const auto map = map_of({{"a", "x"}, {"a.c", "y.d.e"}});
  EXPECT_EQ(map.destination_of({"a", "b"}).to_string(), "x.b");
  EXPECT_EQ(map.destination_of({"a", "c"}).to_string(), "y.d.e");
  EXPECT_EQ(map.destination_of({"a", "system.buckets.c"}).to_string(), "y.system.buckets.d.e");
  EXPECT_EQ(map.destination_of({"other", "c"}).to_string(), "other.c");
  EXPECT_EQ(map.renamed({"a", "b"})->to_string(), "x.b");
  EXPECT_EQ(map.source_of({"x", "b"})->to_string(), "a.b");
  EXPECT_EQ(map.source_of({"y", "d.e"})->to_string(), "a.c");
  EXPECT_EQ(map.source_of({"y", "system.buckets.d.e"})->to_string(), "a.system.buckets.c");
  EXPECT_FALSE(map.source_of({"a", "b"})) << "nothing stays in a";
  EXPECT_FALSE(map.source_of({"x", "c"}) && map.source_of({"x", "c"})->database == "a") << "it has another name";
  EXPECT_EQ(map.destinations_of("a"), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(map.sources_of("y"), (std::vector<std::string>{"a", "y"}));
}

TEST(namespace_map, names_may_change_places) {
  const auto map = map_of({{"a", "b"}, {"b", "a"}, {"c.x", "c.y"}, {"c.y", "c.x"}});
  for (const auto& [from, to] : {std::pair("a", "b"), std::pair("b", "a")}) {
    EXPECT_EQ(map.destination_of({from, "c"}).to_string(), std::string(to) + ".c");
    EXPECT_EQ(map.source_of({to, "c"})->to_string(), std::string(from) + ".c");
  }
  EXPECT_EQ(map.destination_of({"c", "x"}).to_string(), "c.y");
  EXPECT_EQ(map.source_of({"c", "x"})->to_string(), "c.y");
  EXPECT_EQ(map.source_of({"c", "z"})->to_string(), "c.z");
}

TEST(namespace_map, two_names_never_become_one) {
  EXPECT_TRUE(has(complaint({{"a", "x"}, {"b", "x"}}), "a and b would both become x"));
  EXPECT_TRUE(has(complaint({{"a.c", "x.d"}, {"b.c", "x.d"}}), "a.c and b.c would both become x.d"));
  EXPECT_TRUE(has(complaint({{"a", "x"}, {"a", "y"}}), "\"a\" is remapped twice, to x and to y"));
  // What has that name already, or comes to have it.
  const auto meets = [](const namespace_map& map, const namespace_name& source) {
    return map.collision(source).value_or("");
  };
  const auto whole = map_of({{"a", "b"}});
  EXPECT_EQ(meets(whole, {"a", "c"}), "");
  EXPECT_EQ(meets(whole, {"other", "c"}), "");
  EXPECT_TRUE(has(meets(whole, {"b", "c"}),
                  "b.c of the source would be called b.c on the destination, and so is what "
                  "is remapped from a.c"));
  const auto single = map_of({{"a.c", "a.d"}});
  EXPECT_EQ(meets(single, {"a", "c"}), "");
  EXPECT_EQ(meets(single, {"a", "e"}), "");
  EXPECT_TRUE(has(meets(single, {"a", "d"}), "remapped from a.c"));
  EXPECT_TRUE(has(meets(single, {"a", "system.buckets.d"}), "remapped from a.system.buckets.c"));
  // A collection's own rule into a database that another becomes.
  const auto both = map_of({{"a", "x"}, {"b.c", "x.d"}});
  EXPECT_EQ(meets(both, {"b", "c"}), "");
  EXPECT_TRUE(has(meets(both, {"a", "d"}), "a.d of the source would be called x.d on the destination"));
  EXPECT_TRUE(has(meets(both, {"x", "d"}), "remapped from b.c"));
  EXPECT_TRUE(has(meets(both, {"x", "e"}), "remapped from a.e"));
  EXPECT_EQ(meets(map_of({{"a", "b"}, {"b", "a"}}), {"b", "c"}), "");
  const auto met = name_in_the_way(whole, {{"a", "c"}, {"b", "c"}}, {});
  ASSERT_TRUE(met);
  EXPECT_TRUE(has(*met, "b.c of the source"));
}

TEST(namespace_map, databases_that_differ_by_case_only_are_refused) {
  EXPECT_TRUE(has(complaint({{"a", "Shop"}, {"b", "shop"}}), "differ by case only"));
  EXPECT_TRUE(has(complaint({{"a.c", "X.c"}, {"b.c", "x.d"}}), "differ by case only"));
  const auto map = map_of({{"a", "Shop"}});
  const auto met = name_in_the_way(map, {{"a", "c"}, {"shop", "c"}}, {});
  ASSERT_TRUE(met);
  EXPECT_TRUE(has(*met, "shop.c would become shop.c")) << *met;
  EXPECT_TRUE(has(*met, "beside Shop")) << *met;
  EXPECT_TRUE(name_in_the_way(map, {{"a", "c"}}, {"SHOP"}));
  EXPECT_FALSE(name_in_the_way(map, {{"a", "c"}, {"a", "d"}, {"b", "c"}}, {"Shop", "c"}));
}

TEST(namespace_map, names_that_no_server_takes_are_refused) {
  for (const char* bad : {"", "a b", "a/b", "a$", "a:b", "a*", "a?b", "a|b", "<a>", "a\"b", "a\\b", ".c", "x.", "x.$c",
                          "x.system.views", "x..c"}) {
    EXPECT_TRUE(has(complaint({{std::string(bad).find('.') == std::string::npos ? "q" : "q.c", bad}}), "cannot be"))
        << bad << ": " << complaint({{"q", bad}});
  }
  for (const char* system : {"admin", "local", "config", "__mdb_internal_sluice", "admin.x"}) {
    const bool whole = std::string(system).find('.') == std::string::npos;
    EXPECT_TRUE(has(complaint({{whole ? "q" : "q.c", system}}), "of the servers or of a migration")) << system;
    EXPECT_TRUE(has(complaint({{system, whole ? "q" : "q.c"}}), "of the servers or of a migration")) << system;
  }
  EXPECT_TRUE(has(complaint({{"q", std::string(64, 'a')}}), "at most 63 bytes"));
  EXPECT_EQ(complaint({{"q", std::string(63, 'a')}}), "taken");
  EXPECT_TRUE(has(complaint({{"q.c", "x." + std::string(254, 'c')}}), "at most 255 bytes"));
  EXPECT_TRUE(has(complaint({{"a", "b.c"}}), "both must be databases, or both collections"));
  EXPECT_TRUE(has(complaint({{"a.c", "b"}}), "both must be databases, or both collections"));
  EXPECT_TRUE(has(complaint({{"a", "a"}}), "to itself"));
}

TEST(namespace_map, names_that_become_too_long_are_found) {
  const auto map = map_of({{"a", std::string(63, 'x')}});
  const auto met = name_in_the_way(map, {{"a", "short"}, {"a", std::string(200, 'c')}}, {});
  ASSERT_TRUE(met);
  EXPECT_TRUE(has(*met, "more than 255 bytes")) << *met;
}

TEST(namespace_map, rules_without_effect_are_found) {
  const auto map = map_of({{"a", "x"}, {"b.c", "b.d"}, {"e", "f"}});
  EXPECT_EQ(map.rules_without_effect({{"a", "c"}, {"b", "other"}}), (std::vector<std::string>{"b.c to b.d", "e to f"}));
}

TEST(namespace_filter, may_be_asked_about_the_destinations_names) {
  namespace_filter filter{.include = {"a", "b.c"}, .exclude = {"a.not"}};
  filter.seen_through = std::make_shared<const namespace_map>(map_of({{"a", "x"}, {"b.c", "y.d"}}));
  EXPECT_TRUE(filter.covers({"x", "any"}).value());
  EXPECT_FALSE(filter.covers({"x", "not"}).value());
  EXPECT_FALSE(filter.covers({"a", "any"}).value());
  EXPECT_TRUE(filter.covers({"y", "d"}).value());
  EXPECT_FALSE(filter.covers({"y", "c"}).value());
  EXPECT_TRUE(filter.may_cover("x").value());
  EXPECT_TRUE(filter.may_cover("y").value());
  EXPECT_FALSE(filter.may_cover("a").value());
}

}  // namespace
}  // namespace sluice::cluster
