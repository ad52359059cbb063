#include "engine/apply/collection_map.hpp"

#include <initializer_list>
#include <utility>

#include <gtest/gtest.h>

#include "bson/compare.hpp"
#include "bson/extended_json.hpp"

namespace sluice::apply {
namespace {

std::vector<std::byte> uuid(std::uint8_t n) {
  std::vector<std::byte> bytes(16, std::byte{0xab});
  bytes[0] = std::byte{n};
  bytes[7] = std::byte{0};  // keys hold zeros
  return bytes;
}

mapped_collection mapped(std::uint8_t n, std::string database, std::string collection) {
  cluster::namespace_name ns{std::move(database), std::move(collection)};
  auto to = std::make_shared<const target>(target{.ns = {"d_" + ns.database, ns.collection}, .in_order = n % 2 == 1});
  return {.uuid = uuid(n),
          .source_ns = std::move(ns),
          .to = std::move(to),
          .listed_at = {7, n},
          .indexes_listed_at = {8, n}};
}

TEST(collection_map, finds_by_uuid_and_by_name) {
  collection_map map;
  map.put(mapped(1, "shop", "orders"));
  map.put(mapped(2, "shop", "orders.old"));
  map.put(mapped(3, "blog", "orders"));
  ASSERT_NE(map.find(uuid(2)), nullptr);
  EXPECT_EQ(map.find(uuid(2))->source_ns.to_string(), "shop.orders.old");
  EXPECT_EQ(map.find(uuid(4)), nullptr);
  EXPECT_EQ(map.find({}), nullptr);
  ASSERT_NE(map.find_by_source({"blog", "orders"}), nullptr);
  EXPECT_EQ(map.find_by_source({"blog", "orders"})->uuid, uuid(3));
  EXPECT_EQ(map.find_by_source({"blog", "order"}), nullptr);
  EXPECT_EQ(map.in_database("shop").size(), 2U);
  EXPECT_EQ(map.in_database("sho").size(), 0U);
  EXPECT_EQ(map.size(), 3U);
  EXPECT_EQ(map.all().size(), 3U);
}

TEST(collection_map, a_rename_leaves_nothing_under_the_old_name) {
  collection_map map;
  map.put(mapped(1, "shop", "a"));
  map.put(mapped(1, "shop", "b"));
  EXPECT_EQ(map.size(), 1U);
  EXPECT_EQ(map.find_by_source({"shop", "a"}), nullptr);
  EXPECT_EQ(map.find_by_source({"shop", "b"})->uuid, uuid(1));
}

// With dropTarget the renamed collection takes a name whose owner is erased after it.
TEST(collection_map, the_later_claim_on_a_name_survives_the_erasure_of_the_earlier) {
  collection_map map;
  map.put(mapped(1, "shop", "a"));
  map.put(mapped(2, "shop", "b"));
  map.put(mapped(1, "shop", "b"));
  map.erase(uuid(2));
  ASSERT_NE(map.find_by_source({"shop", "b"}), nullptr);
  EXPECT_EQ(map.find_by_source({"shop", "b"})->uuid, uuid(1));
  map.erase(uuid(1));
  map.erase(uuid(1));
  EXPECT_EQ(map.find_by_source({"shop", "b"}), nullptr);
  EXPECT_EQ(map.size(), 0U);
}

TEST(collection_map, entries_survive_being_stored) {
  collection_map map;
  map.put(mapped(1, "shop", "a.b.c"));
  map.put(mapped(250, "shop", "system.buckets.weather"));
  const auto stored = map.to_documents();
  ASSERT_EQ(stored.size(), 2U);
  for (const auto& one : stored) {
    const auto read = collection_map::from_document(one);
    ASSERT_TRUE(read);
    const auto* original = map.find(read->uuid);
    ASSERT_NE(original, nullptr);
    EXPECT_EQ(read->source_ns, original->source_ns);
    EXPECT_EQ(read->to->ns, original->to->ns);
    EXPECT_EQ(read->to->in_order, original->to->in_order);
    EXPECT_EQ(read->to->collated, original->to->collated);
    EXPECT_EQ(read->listed_at, original->listed_at);
    EXPECT_EQ(read->indexes_listed_at, original->indexes_listed_at);
  }
  EXPECT_EQ(stored[0].view().find("_id").as_string(),
            "01abababababab00"
            "abababababababab");
}

mapped_collection by_key(bson::document key) {
  auto one = mapped(1, "shop", "orders");
  auto to = std::make_shared<target>(*one.to);
  to->shard_key = std::move(key);
  one.to = std::move(to);
  return one;
}

bson::document key_of(std::initializer_list<const char*> fields, bool hashed = false) {
  bson::builder key;
  for (const char* field : fields) {
    if (hashed) {
      key.append(field, "hashed");
    } else {
      key.append(field, 1);
    }
  }
  return key.finish();
}

// Whether an _id says where its document lies is not stored: the key says it.
TEST(collection_map, shard_keys_survive_being_stored) {
  for (const auto& [key, scattered] :
       {std::pair(key_of({"customer"}), true), std::pair(key_of({"customer.id", "_id"}), true),
        std::pair(key_of({"customer"}, true), true), std::pair(key_of({"_id"}), false),
        std::pair(key_of({"_id"}, true), false)}) {
    const auto read = collection_map::from_document(collection_map::to_document(by_key(key)));
    ASSERT_TRUE(read);
    EXPECT_TRUE(bson::same_bytes(read->to->shard_key, key));
    EXPECT_EQ(read->to->scattered, scattered) << bson::to_json(key);
  }
}

TEST(collection_map, an_entry_of_old_knows_no_shard_key) {
  const auto stored = collection_map::to_document(mapped(1, "shop", "a"));
  EXPECT_FALSE(stored.view().find("shardKey"));
  const auto read = collection_map::from_document(stored);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->to->shard_key.view().empty());
  EXPECT_FALSE(read->to->scattered);
}

TEST(collection_map, what_is_not_whole_is_not_read) {
  const auto whole = collection_map::to_document(mapped(1, "shop", "a"));
  ASSERT_TRUE(collection_map::from_document(whole));
  for (const auto left_out : whole.view()) {
    bson::builder rest;
    for (const auto field : whole.view())
      if (field.key() != left_out.key()) rest.append(field);
    EXPECT_FALSE(collection_map::from_document(rest.finish())) << left_out.key();
  }
  bson::builder damaged;
  for (const auto field : whole.view()) {
    if (field.key() == "_id") {
      damaged.append("_id", "01ababababab00abababababababababx");
    } else {
      damaged.append(field);
    }
  }
  EXPECT_FALSE(collection_map::from_document(damaged.finish()));
}

cluster::collection_info listed(std::uint8_t n, std::string name, cluster::collection_kind kind) {
  cluster::collection_info info;
  info.ns = {"d", std::move(name)};
  info.kind = kind;
  if (kind != cluster::collection_kind::view) info.uuid = uuid(n);
  info.listed_at = {1, n};
  info.indexes_listed_at = {2, n};
  return info;
}

TEST(collection_map, begins_as_the_catalog_is) {
  using cluster::collection_kind;
  cluster::catalog catalog;
  bson::builder collated;
  collated.open_document("collation").append("locale", "fr").close();
  catalog.collections.push_back(listed(1, "capped", collection_kind::capped));
  catalog.collections.push_back(listed(2, "french", collection_kind::plain));
  catalog.collections.back().options = collated.finish();
  catalog.collections.push_back(listed(3, "weather", collection_kind::timeseries));
  catalog.collections.push_back(listed(4, "view", collection_kind::view));
  const auto map = map_of(catalog);
  EXPECT_EQ(map.size(), 3U);
  EXPECT_TRUE(map.find(uuid(1))->to->in_order);
  EXPECT_EQ(map.find(uuid(1))->listed_at, (bson::timestamp{1, 1}));
  EXPECT_EQ(map.find(uuid(1))->indexes_listed_at, (bson::timestamp{2, 1}));
  EXPECT_TRUE(map.find(uuid(2))->to->collated);
  EXPECT_FALSE(map.find(uuid(2))->to->in_order);
  EXPECT_EQ(map.find(uuid(3))->to->ns.to_string(), "d.system.buckets.weather");
  EXPECT_EQ(map.find_by_source({"d", "system.buckets.weather"})->uuid, uuid(3));
}

TEST(collection_map, knows_which_collections_are_scattered_over_shards) {
  using cluster::collection_kind;
  cluster::catalog catalog;
  catalog.collections.push_back(listed(1, "customers", collection_kind::plain));
  catalog.collections.back().shard_key = key_of({"_id"}, true);
  catalog.collections.push_back(listed(2, "orders", collection_kind::plain));
  catalog.collections.back().shard_key = key_of({"customer", "_id"});
  catalog.collections.push_back(listed(3, "whole", collection_kind::plain));
  const auto map = map_of(catalog);
  EXPECT_FALSE(map.find(uuid(1))->to->scattered);
  EXPECT_FALSE(map.find(uuid(1))->to->shard_key.view().empty());
  EXPECT_TRUE(map.find(uuid(2))->to->scattered);
  EXPECT_TRUE(bson::same_bytes(map.find(uuid(2))->to->shard_key, catalog.collections[1].shard_key));
  EXPECT_FALSE(map.find(uuid(3))->to->scattered);
  EXPECT_TRUE(map.find(uuid(3))->to->shard_key.view().empty());
}

}  // namespace
}  // namespace sluice::apply
