#include "engine/assess/catalog.hpp"

#include <gtest/gtest.h>

#include "engine/assess/catalog_summary.hpp"
#include "tests/unit/assess/judged.hpp"

namespace sluice::assess {
namespace {

using cluster::collection_info;
using cluster::collection_kind;
using test::expect_advice;
using test::has;
using test::holds;
using test::only;

collection_info collection(const char* name, std::int64_t documents = 0, std::int64_t bytes = 0) {
  collection_info info;
  info.ns = {"shop", name};
  info.documents = documents;
  info.data_bytes = bytes;
  return info;
}

void add_index(collection_info& to, const std::string& name, const std::string& field, bool unique = false,
               bool ttl = false) {
  bson::builder spec;
  spec.append("v", 2).open_document("key").append(field, 1).close().append("name", name);
  if (unique) spec.append("unique", true);
  if (ttl) spec.append("expireAfterSeconds", 60);
  to.indexes.push_back({.name = name, .spec = spec.finish()});
}

collection_info with_option(collection_info info, const std::string& name, const std::string& value) {
  bson::builder options;
  options.append_all(info.options).append(name, value);
  info.options = options.finish();
  return info;
}

catalog_facts facts_of(std::vector<collection_info> collections) {
  cluster::catalog catalog;
  catalog.collections = std::move(collections);
  catalog_facts facts = summarize(catalog);
  facts.sized = facts.indexed = facts.collections;
  return facts;
}

TEST(summarize, counts_documents_indexes_and_the_largest) {
  collection_info orders = collection("orders", 1000, 1'000'000);
  add_index(orders, "a_1", "a");
  add_index(orders, "b_1", "b", true);
  const catalog_facts facts = facts_of({collection("empty"), orders, collection("users", 10, 5'000)});
  EXPECT_EQ(facts.collections, 3);
  EXPECT_EQ(facts.databases, 1);
  EXPECT_EQ(facts.documents, 1010);
  EXPECT_EQ(facts.bytes, 1'005'000);
  EXPECT_EQ(facts.indexes, 2);
  EXPECT_EQ(facts.unique_indexes, 1);
  EXPECT_EQ(facts.index_entries, 2000);
  ASSERT_EQ(facts.largest.size(), 2U);
  EXPECT_EQ(facts.largest[0].ns, "shop.orders");
  EXPECT_EQ(facts.twins.count, 0);
}

TEST(summarize, twins_have_one_key_and_only_one_is_unique) {
  collection_info orders = collection("orders");
  add_index(orders, "b_1", "b");
  add_index(orders, "b_unique", "b", true);
  add_index(orders, "c_unique", "c", true);
  EXPECT_EQ(twin_indexes(orders), std::vector<std::string>{"b_unique / b_1"});
  const findings found = judge_catalog(facts_of({orders}));
  EXPECT_EQ(only(found, "catalog.twinIndexes").how, level::warning);
  EXPECT_TRUE(holds(only(found, "catalog.twinIndexes").what, "shop.orders b_unique / b_1"));
  EXPECT_TRUE(holds(only(found, "catalog.uniqueIndexes").what, "2 unique indexes"));
  expect_advice(found);
}

TEST(summarize, sixty_three_indexes_beside_id_are_the_limit) {
  collection_info orders = collection("orders");
  for (int i = 0; i < 61; ++i) add_index(orders, "f" + std::to_string(i), "f" + std::to_string(i));
  EXPECT_EQ(facts_of({orders}).many_indexes.count, 0);
  add_index(orders, "last", "last");
  const findings found = judge_catalog(facts_of({orders}));
  EXPECT_EQ(only(found, "catalog.manyIndexes").how, level::warning);
  EXPECT_TRUE(holds(only(found, "catalog.manyIndexes").what, "shop.orders 63")) << found.back().what;
}

TEST(summarize, kinds_and_ttl_are_named) {
  collection_info capped = collection("log");
  capped.kind = collection_kind::capped;
  bson::builder size;
  size.append("capped", true).append("size", 4096);
  capped.options = size.finish();
  collection_info series = collection("weather");
  series.kind = collection_kind::timeseries;
  collection_info clustered = collection("byid");
  clustered.kind = collection_kind::clustered;
  collection_info sessions = collection("sessions");
  add_index(sessions, "seen_1", "seen", false, true);
  const findings found = judge_catalog(facts_of({capped, series, clustered, sessions}));
  EXPECT_TRUE(holds(only(found, "catalog.capped").what, "shop.log of 4096 bytes"));
  EXPECT_TRUE(holds(only(found, "catalog.timeseries").what, "shop.weather"));
  EXPECT_TRUE(holds(only(found, "catalog.clustered").what, "shop.byid"));
  EXPECT_TRUE(holds(only(found, "catalog.ttl").what, "shop.sessions seen_1"));
  EXPECT_EQ(count(found, level::fine), found.size());
}

TEST(summarize, a_view_of_what_does_not_come_along_is_a_warning) {
  collection_info good = with_option(collection("good"), "viewOn", "orders");
  collection_info bad = with_option(collection("bad"), "viewOn", "gone");
  good.kind = bad.kind = collection_kind::view;
  const findings found = judge_catalog(facts_of({bad, good, collection("orders")}));
  EXPECT_EQ(only(found, "catalog.viewsOnMissing").how, level::warning);
  EXPECT_TRUE(
      holds(only(found, "catalog.viewsOnMissing").what, "1 view of what does not come along (shop.bad on gone)"));
  EXPECT_TRUE(holds(only(found, "catalog.views").what, "2 views"));
}

TEST(summarize, what_cannot_be_copied_fails_with_every_name) {
  const findings found = judge_catalog(facts_of(
      {with_option(collection("a"), "encryptedFields", ""), with_option(collection("b"), "encryptedFields", "")}));
  EXPECT_EQ(count(found, level::failure), 2U);
  EXPECT_TRUE(holds(found[1].what, "shop.a uses queryable encryption")) << found[1].what;
  expect_advice(found);
}

TEST(summarize, an_option_that_nobody_knows_is_a_warning) {
  const findings found = judge_catalog(facts_of(
      {with_option(collection("a"), "shape", "round"), with_option(collection("b"), "validationLevel", "off")}));
  EXPECT_TRUE(holds(only(found, "catalog.unknownOptions").what, "(shape of shop.a)"));
}

TEST(judge_catalog, a_time_series_of_a_sharded_cluster_fails) {
  collection_info series = collection("weather");
  series.kind = collection_kind::timeseries;
  catalog_facts facts = facts_of({series});
  facts.is_sharded = true;
  EXPECT_EQ(only(judge_catalog(facts), "catalog.timeseries").how, level::failure);
}

TEST(judge_catalog, what_cannot_sleep_on_the_destination_fails) {
  collection_info log = collection("log");
  log.kind = collection_kind::capped;
  collection_info sessions = collection("sessions");
  add_index(sessions, "seen_1", "seen", false, true);
  catalog_facts facts = facts_of({log, sessions});
  EXPECT_EQ(count(judge_catalog(facts), level::failure), 0U);
  facts.nothing_sleeps = true;
  const findings found = judge_catalog(facts);
  EXPECT_EQ(only(found, "catalog.capped").how, level::failure);
  EXPECT_TRUE(holds(only(found, "catalog.capped").what, "shop.log"));
  EXPECT_EQ(only(found, "catalog.ttl").how, level::failure);
  EXPECT_TRUE(holds(only(found, "catalog.ttl").what, "1 TTL index (shop.sessions seen_1)"));
  expect_advice(found);
}

TEST(judge_catalog, what_there_was_no_time_for_is_said) {
  catalog_facts facts = facts_of({collection("a"), collection("b")});
  facts.indexed = 1;
  EXPECT_TRUE(
      holds(only(judge_catalog(facts), "catalog.size").what, "there was time for the sizes of 2 and the indexes of 1"));
}

TEST(judge_catalog, choices_that_a_start_would_refuse_fail_here) {
  catalog_facts facts = facts_of({collection("a")});
  facts.refused_choice = "shop.a and shop.b would have one name";
  facts.idle_rules = {"the filter nix matches nothing"};
  facts.search_indexes.add("shop.a");
  facts.query_settings = 2;
  const findings found = judge_catalog(facts);
  EXPECT_EQ(only(found, "catalog.choice").how, level::failure);
  EXPECT_EQ(only(found, "catalog.idleFilter").how, level::warning);
  EXPECT_EQ(only(found, "catalog.searchIndexes").how, level::warning);
  EXPECT_EQ(only(found, "catalog.querySettings").how, level::warning);
  EXPECT_TRUE(holds(only(found, "catalog.querySettings").what, "settings for 2 queries"));
  expect_advice(found);
  facts.query_settings_problem = "not authorized to count them";
  EXPECT_TRUE(holds(only(judge_catalog(facts), "catalog.querySettings").what, "not authorized to count them"));
  facts.problem = "not authorized";
  EXPECT_EQ(only(judge_catalog(facts), "catalog.read").how, level::failure);
}

TEST(judge_sharding, collections_that_cannot_be_sharded_fail_one_by_one) {
  sharding_facts facts;
  EXPECT_TRUE(holds(only(judge_sharding(facts), "catalog.shardKeys").what, "no collection is to be sharded"));
  facts.sharded = 3;
  const findings well = judge_sharding(facts);
  EXPECT_EQ(only(well, "catalog.shardKeys").how, level::fine);
  EXPECT_TRUE(holds(well[0].what, "3 collections are to be sharded")) << well[0].what;
  facts.refused.add("shop.a cannot be sharded by {\"x\": 1} on the destination: it has a collation");
  facts.refused.add("shop.b cannot be sharded by {\"y\": 1} on the destination: no index of it begins with that");
  const findings found = judge_sharding(facts);
  EXPECT_EQ(count(found, level::failure), 2U);
  EXPECT_EQ(found.size(), 2U);
  EXPECT_TRUE(holds(found[1].what, "shop.b cannot be sharded by")) << found[1].what;
  expect_advice(found);
}

TEST(judge_sharding, what_is_not_known_is_said) {
  sharding_facts facts;
  facts.sharded = 3;
  facts.unread = 1;
  const findings found = judge_sharding(facts);
  EXPECT_EQ(only(found, "catalog.shardKeys").how, level::warning);
  EXPECT_TRUE(holds(found[0].what, "the indexes of 1 collection that is to be sharded")) << found[0].what;
  expect_advice(found);
  facts.problem = "the shard keys of the collections cannot be read";
  EXPECT_EQ(only(judge_sharding(facts), "catalog.shardKeys").how, level::failure);
}

TEST(judge_destination, zones_of_what_is_to_come_fail) {
  destination_facts facts;
  EXPECT_FALSE(has(judge_destination(facts), "catalog.zones"));
  facts.zoned.add("shop.orders");
  facts.unfinished_run = true;  // no run makes zones
  const findings found = judge_destination(facts);
  const finding told = only(found, "catalog.zones");
  EXPECT_EQ(told.how, level::failure);
  EXPECT_TRUE(holds(told.what, "has zones for 1 namespace that is to come (shop.orders)")) << told.what;
  EXPECT_TRUE(holds(told.advice, "sh.removeRangeFromZone()"));
  expect_advice(found);
  facts = {};
  facts.zones_problem = "not authorized";
  EXPECT_EQ(only(judge_destination(facts), "catalog.zones").how, level::warning);
}

TEST(judge_destination, namespaces_in_the_way_fail_unless_a_run_has_put_them_there) {
  destination_facts facts;
  EXPECT_EQ(only(judge_destination(facts), "catalog.inTheWay").how, level::fine);
  for (int i = 0; i < 7; ++i) facts.in_the_way.add("shop.c" + std::to_string(i));
  const findings found = judge_destination(facts);
  EXPECT_EQ(only(found, "catalog.inTheWay").how, level::failure);
  EXPECT_TRUE(
      holds(found[0].what, "7 namespaces that are to come (shop.c0, shop.c1, shop.c2, shop.c3, shop.c4 and 2 more)"))
      << found[0].what;
  expect_advice(found);
  facts.unfinished_run = true;
  EXPECT_FALSE(has(judge_destination(facts), "catalog.inTheWay"));
  EXPECT_EQ(only(judge_destination(facts), "catalog.unfinishedRun").how, level::warning);
  facts.name_clash = "shop and Shop";
  EXPECT_EQ(only(judge_destination(facts), "catalog.nameClash").how, level::failure);
}

}  // namespace
}  // namespace sluice::assess
