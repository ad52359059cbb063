// Which documents a filter takes, what it says to servers, and filters that make no sense.
#include "engine/cluster/document_filter.hpp"

#include <gtest/gtest.h>

#include "engine/cluster/catalog.hpp"
#include "engine/runtime/limits.hpp"
#include "tests/unit/cluster/fixture.hpp"

namespace sluice::cluster {
namespace {

using testing::json;
using testing::text;

document_filter filter_of(std::string_view given) {
  auto filter = document_filter::of(json(given));
  EXPECT_TRUE(filter) << filter.error().message;
  return filter ? filter.value() : document_filter();
}

std::string complaint(const bson::document& given) {
  const auto filter = document_filter::of(given);
  if (filter) return "taken";
  EXPECT_EQ(filter.error().kind, error_kind::configuration);
  return filter.error().message;
}

TEST(document_filter, takes_everything_when_nothing_is_said) {
  const document_filter filter;
  EXPECT_TRUE(filter.is_everything());
  EXPECT_TRUE(filter.matches(json(R"({"a": 1})")));
  EXPECT_EQ(text(filter.query()), text("{}"));
}

TEST(document_filter, says_it_to_servers) {
  const auto filter = filter_of(R"({"field": "tenant", "matchValues": ["a", 7]})");
  EXPECT_FALSE(filter.is_everything());
  EXPECT_EQ(text(filter.query()), text(R"({"tenant": {"$in": ["a", 7]}})"));
  EXPECT_EQ(text(filter.given()), text(R"({"field": "tenant", "matchValues": ["a", 7]})"));
}

TEST(document_filter, matches_as_servers_do) {
  const auto filter = filter_of(R"({"field": "t", "matchValues": ["a", 7, true,
      {"$oid": "0102030405060708090a0b0c"}, {"$date": {"$numberLong": "5"}}, {"$binary": {"base64": "AQI=", "subType": "00"}}]})");
  for (const char* inside :
       {R"({"t": "a"})", R"({"x": 1, "t": 7})", R"({"t": 7.0})", R"({"t": {"$numberLong": "7"}})",
        R"({"t": {"$numberDecimal": "7.00"}})", R"({"t": true})", R"({"t": {"$oid": "0102030405060708090a0b0c"}})",
        R"({"t": {"$date": {"$numberLong": "5"}}})", R"({"t": {"$binary": {"base64": "AQI=", "subType": "00"}}})",
        R"({"t": ["b", "a"]})", R"({"t": [[], 7]})"}) {
    EXPECT_TRUE(filter.matches(json(inside))) << inside;
  }
  for (const char* outside :
       {"{}", R"({"t": "A"})", R"({"t": "ab"})", R"({"t": 8})", R"({"t": "7"})", R"({"t": false})", R"({"t": 1})",
        R"({"t": null})", R"({"t": {"t": "a"}})", R"({"T": "a"})", R"({"t": []})", R"({"t": [["a"]]})",
        R"({"t": {"$binary": {"base64": "AQI=", "subType": "05"}}})", R"({"x": {"t": "a"}})"}) {
    EXPECT_FALSE(filter.matches(json(outside))) << outside;
  }
}

TEST(document_filter, what_makes_no_sense_is_refused) {
  for (const auto& [given, says] : std::vector<std::pair<const char*, const char*>>{
           {"{}", "\"field\" must be"},
           {R"({"field": 1, "matchValues": [1]})", "\"field\" must be"},
           {R"({"field": "", "matchValues": [1]})", "\"field\" must be"},
           {R"({"field": "a.b", "matchValues": [1]})", "without \".\""},
           {R"({"field": "$a", "matchValues": [1]})", "without \".\""},
           {R"({"field": "a$b", "matchValues": [1]})", "without \".\""},
           {R"({"field": "a"})", "\"matchValues\" must be"},
           {R"({"field": "a", "matchValues": []})", "\"matchValues\" must be"},
           {R"({"field": "a", "matchValues": 1})", "\"matchValues\" must be"},
           {R"({"field": "a", "matchValues": [1, null]})", "of type null"},
           {R"({"field": "a", "matchValues": [{"b": 1}]})", "of type object"},
           {R"({"field": "a", "matchValues": [[1]]})", "of type array"}}) {
    EXPECT_NE(complaint(json(given)).find(says), std::string::npos) << given << ": " << complaint(json(given));
  }
  bson::builder many;
  many.append("field", "a").open_array("matchValues");
  for (std::size_t i = 0; i <= limits::match_values_max; ++i) many.push(std::int32_t{1});
  many.close();
  EXPECT_NE(complaint(many.finish()).find("at most 1000"), std::string::npos);
}

TEST(document_filter, some_collections_cannot_be_filtered) {
  const auto by_string = filter_of(R"({"field": "t", "matchValues": [1, "a"]})");
  const auto by_number = filter_of(R"({"field": "t", "matchValues": [1]})");
  collection_info info;
  info.ns = {"d", "c"};
  EXPECT_FALSE(by_string.reason_against(info));
  info.options = json(R"({"collation": {"locale": "de"}})");
  EXPECT_FALSE(by_number.reason_against(info));
  EXPECT_FALSE(document_filter().reason_against(info));
  ASSERT_TRUE(by_string.reason_against(info));
  EXPECT_NE(by_string.reason_against(info)->find("d.c has a collation"), std::string::npos);
  info.kind = collection_kind::view;
  EXPECT_FALSE(by_string.reason_against(info));
  info.kind = collection_kind::timeseries;
  ASSERT_TRUE(by_number.reason_against(info));
  EXPECT_NE(by_number.reason_against(info)->find("d.c is a time-series collection"), std::string::npos);
}

}  // namespace
}  // namespace sluice::cluster
