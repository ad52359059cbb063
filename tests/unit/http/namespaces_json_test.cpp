// Pages of collections: what may be asked for, and what is on them.
#include "engine/http/namespaces_json.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace sluice::http {
namespace {

namespace json = boost::json;

session::progress three() {
  session::progress now;
  const auto add = [&now](const char* ns, std::int64_t total, std::int64_t copied) {
    session::collection_progress one;
    one.ns = ns;
    if (one.ns == "shop.b") one.destination_ns = "store.b";
    one.bytes_total = total;
    one.bytes_copied = copied;
    one.documents_total = 10;
    one.documents_copied = 4;
    one.indexes_total = 3;
    one.indexes_built = 1;
    one.index_build_fraction = 0.5;
    one.copied = total == copied;
    now.collections.push_back(one);
  };
  add("shop.b", 100, 10);
  add("shop.a", 300, 300);
  add("shop.c", 200, 20);
  return now;
}

std::string names_on(const namespaces_query& wanted) {
  std::string names;
  const json::value reply = json::parse(namespaces_json(three(), wanted));
  EXPECT_EQ(reply.at("success"), json::value(true));
  EXPECT_EQ(reply.at("total"), json::value(3));
  for (const json::value& one : reply.at("namespaces").as_array()) names += one.at("namespace").as_string()[5];
  return names;
}

TEST(namespaces_json, a_collection_has_all_its_counters) {
  const json::value reply = json::parse(namespaces_json(three(), {.page = 2, .limit = 1}));
  EXPECT_EQ(reply.at("page"), json::value(2));
  EXPECT_EQ(reply.at("limit"), json::value(1));
  EXPECT_EQ(
      json::serialize(reply.at("namespaces").at(0)),
      R"({"namespace":"shop.b","destinationNamespace":"store.b","copied":false,"copiedDocuments":4,"estimatedTotalDocuments":10,)"
      R"("copiedBytes":10,"estimatedTotalBytes":100,"indexesBuilt":1,"totalIndexesToBuild":3,)"
      R"("indexBuildFraction":5E-1})");
}

TEST(namespaces_json, pages_follow_each_other_and_end) {
  EXPECT_EQ(names_on({}), "abc");
  EXPECT_EQ(names_on({.page = 1, .limit = 2}), "ab");
  EXPECT_EQ(names_on({.page = 2, .limit = 2}), "c");
  EXPECT_EQ(names_on({.page = 3, .limit = 2}), "");
  EXPECT_EQ(names_on({.page = 1'000'000'000, .limit = namespaces_limit_max}), "");
}

TEST(namespaces_json, the_order_is_the_one_asked_for) {
  EXPECT_EQ(names_on({.sort = namespace_order::size}), "acb");
  EXPECT_EQ(names_on({.sort = namespace_order::remaining}), "cba");
}

TEST(namespaces_query, every_parameter_is_taken) {
  const auto parsed = parse_namespaces_query("limit=1000&page=7&sort=size");
  ASSERT_TRUE(std::holds_alternative<namespaces_query>(parsed)) << std::get<std::string>(parsed);
  const auto& wanted = std::get<namespaces_query>(parsed);
  EXPECT_EQ(wanted.page, 7U);
  EXPECT_EQ(wanted.limit, 1000U);
  EXPECT_EQ(wanted.sort, namespace_order::size);
  EXPECT_EQ(std::get<namespaces_query>(parse_namespaces_query("")).limit, 50U);
}

TEST(namespaces_query, what_is_wrong_is_named) {
  for (const auto& [query, name] :
       {std::pair("page=0", "\"page\""), std::pair("page=-1", "\"page\""), std::pair("page=", "\"page\""),
        std::pair("page", "\"page\""), std::pair("page=1x", "\"page\""), std::pair("page=99999999999", "\"page\""),
        std::pair("limit=1001", "\"limit\""), std::pair("limit=1.5", "\"limit\""), std::pair("sort=age", "\"sort\""),
        std::pair("sort=", "\"sort\""), std::pair("page=1&page=2", "twice"),
        std::pair("pge=1", "did you mean \"page\""), std::pair("=1", "\"\"")}) {
    const auto parsed = parse_namespaces_query(query);
    ASSERT_TRUE(std::holds_alternative<std::string>(parsed)) << query;
    EXPECT_NE(std::get<std::string>(parsed).find(name), std::string::npos) << std::get<std::string>(parsed);
  }
}

TEST(namespaces_json, are_searched_in_any_case) {
  const auto found = [](const std::string& query) {
    const json::value reply =
        json::parse(namespaces_json(three(), std::get<namespaces_query>(parse_namespaces_query(query))));
    return reply.at("total").to_number<int>();
  };
  EXPECT_EQ(found("search=SHOP"), 3);
  EXPECT_EQ(found("search=p.a"), 1);
  EXPECT_EQ(found("search=p%2Ea"), 1);
  EXPECT_EQ(found("search=nothing"), 0);
  EXPECT_EQ(found("search="), 3);
  for (const std::string query : {"search=%", "search=%2", "search=%zz", "search=%2z"}) {
    EXPECT_TRUE(std::holds_alternative<std::string>(parse_namespaces_query(query))) << query;
  }
  EXPECT_TRUE(std::holds_alternative<std::string>(parse_namespaces_query("search=" + std::string(256, 'x'))));
}

}  // namespace
}  // namespace sluice::http
