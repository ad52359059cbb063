// The stored catalog: every field comes back, and every damaged one is named.
#include "engine/cluster/catalog_document.hpp"

#include <gtest/gtest.h>

#include "bson/compare.hpp"
#include "tests/unit/cluster/fixture.hpp"

namespace sluice::cluster {
namespace {

using testing::json;
using testing::text;

std::vector<std::byte> uuid_of(std::uint8_t first) {
  std::vector<std::byte> uuid(16, std::byte{0x5a});
  uuid.front() = static_cast<std::byte>(first);
  return uuid;
}

collection_info named(std::string database, std::string collection) {
  collection_info info;
  info.ns = {std::move(database), std::move(collection)};
  return info;
}

/// No field has the value that it would have by default, or shares it with another one.
collection_info everything() {
  collection_info info;
  info.ns = {"shop", "orders.of.2026"};
  info.kind = collection_kind::capped;
  info.uuid = uuid_of(1);
  info.options = json(R"({"capped": true, "size": 4096, "validator": {"$expr": {"$gt": ["$a.b", 1]}}, "when":
      {"$timestamp": {"t": 0, "i": 0}}})");
  info.indexes.push_back({.name = "a.b_1", .spec = json(R"({"v": 2, "key": {"a.b": 1}, "name": "a.b_1"})")});
  info.indexes.push_back(
      {.name = "$**_1", .spec = json(R"({"v": 2, "key": {"$**": 1}, "name": "$**_1", "hidden": true})")});
  info.id_index = json(R"({"v": 2, "key": {"_id": 1}, "name": "_id_"})");
  info.documents = 5'000'000'000;
  info.data_bytes = 70'000'000'000;
  info.average_document_bytes = 14;
  info.listed_at = {100, 7};
  info.indexes_listed_at = {101, 8};
  return info;
}

void expect_same(const collection_info& a, const collection_info& b) {
  EXPECT_EQ(a.ns, b.ns);
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.uuid, b.uuid);
  EXPECT_TRUE(bson::same_bytes(a.options, b.options)) << text(a.options) << text(b.options);
  ASSERT_EQ(a.indexes.size(), b.indexes.size());
  for (std::size_t i = 0; i < a.indexes.size(); ++i) {
    EXPECT_EQ(a.indexes[i].name, b.indexes[i].name);
    EXPECT_TRUE(bson::same_bytes(a.indexes[i].spec, b.indexes[i].spec));
  }
  EXPECT_TRUE(bson::same_bytes(a.id_index, b.id_index));
  EXPECT_TRUE(bson::same_bytes(a.shard_key, b.shard_key)) << text(a.shard_key) << text(b.shard_key);
  EXPECT_EQ(a.documents, b.documents);
  EXPECT_EQ(a.data_bytes, b.data_bytes);
  EXPECT_EQ(a.average_document_bytes, b.average_document_bytes);
  EXPECT_EQ(a.listed_at, b.listed_at);
  EXPECT_EQ(a.indexes_listed_at, b.indexes_listed_at);
}

void expect_round_trip(const collection_info& info) {
  const auto back = collection_from(to_document(info));
  ASSERT_TRUE(back) << back.error().message;
  expect_same(back.value(), info);
}

TEST(catalog_document, every_field_comes_back) {
  expect_round_trip(everything());
  expect_round_trip(named("a", "b"));  // and every default
}

TEST(catalog_document, a_shard_key_comes_back_and_may_be_missing) {
  auto info = everything();
  EXPECT_FALSE(to_document(info).view().find("shardKey"));
  info.shard_key = json(R"({"customer.id": 1, "_id": "hashed"})");
  expect_round_trip(info);
  const auto whole = to_document(info);
  bson::builder damaged;
  for (const auto field : whole.view()) {
    if (field.key() == "shardKey") {
      damaged.append("shardKey", 1.5);
    } else {
      damaged.append(field);
    }
  }
  const auto read = collection_from(damaged.finish());
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("field shardKey"), std::string::npos) << read.error().message;
}

TEST(catalog_document, every_kind_comes_back) {
  for (const auto kind : {collection_kind::plain, collection_kind::capped, collection_kind::clustered,
                          collection_kind::timeseries, collection_kind::view}) {
    auto info = everything();
    info.kind = kind;
    expect_round_trip(info);
  }
}

TEST(catalog_document, options_that_are_no_utf8_come_back) {
  auto info = everything();
  bson::builder odd;
  odd.append("comment", std::string_view("\xff\xfe"));
  info.options = odd.finish();
  expect_round_trip(info);
}

// A server replaces these by its clock when it is given them (6.0.27).
TEST(catalog_document, no_empty_timestamp_is_at_the_outermost_level) {
  const auto stored = to_document(named("a", "b"));
  for (const auto field : stored.view()) EXPECT_NE(field.type(), bson::type::timestamp) << field.key();
}

TEST(catalog_document, a_missing_field_is_named) {
  const auto whole = to_document(everything());
  std::size_t fields = 0;
  for (const auto left_out : whole.view()) {
    ++fields;
    bson::builder damaged;
    for (const auto field : whole.view()) {
      if (field.key() != left_out.key()) damaged.append(field);
    }
    const auto read = collection_from(damaged.finish());
    ASSERT_FALSE(read) << left_out.key();
    EXPECT_EQ(read.error().kind, error_kind::refused);
    EXPECT_NE(read.error().message.find("field " + std::string(left_out.key())), std::string::npos)
        << read.error().message;
    if (left_out.key() == "_id") continue;
    EXPECT_NE(read.error().message.find("shop.orders.of.2026"), std::string::npos) << read.error().message;
  }
  EXPECT_EQ(fields, 10U);
}

TEST(catalog_document, a_field_of_another_type_is_named) {
  const auto whole = to_document(everything());
  for (const auto spoiled : whole.view()) {
    bson::builder damaged;
    for (const auto field : whole.view()) {
      if (field.key() == spoiled.key()) {
        damaged.append(field.key(), 1.5);
      } else {
        damaged.append(field);
      }
    }
    const auto read = collection_from(damaged.finish());
    ASSERT_FALSE(read) << spoiled.key();
    EXPECT_NE(read.error().message.find("field " + std::string(spoiled.key())), std::string::npos)
        << read.error().message;
  }
}

/// `everything()` with one field's value made by `make`.
template <class Make>
std::string message_with(std::string_view key, Make make) {
  const auto whole = to_document(everything());
  bson::builder damaged;
  for (const auto field : whole.view()) {
    if (field.key() == key) {
      make(damaged);
    } else {
      damaged.append(field);
    }
  }
  const auto read = collection_from(damaged.finish());
  return read ? "taken" : read.error().message;
}

TEST(catalog_document, damage_inside_a_field_is_named) {
  const std::vector<std::byte> torn(7, std::byte{9});
  const bson::binary_view no_document{.subtype = 0, .data = torn};
  const auto expect_named = [](const std::string& message, std::string_view field) {
    EXPECT_NE(message.find("field " + std::string(field)), std::string::npos) << message;
  };
  expect_named(message_with("_id", [](bson::builder& into) { into.append("_id", "nodot"); }), "_id");
  expect_named(message_with("kind", [](bson::builder& into) { into.append("kind", "heap"); }), "kind");
  expect_named(message_with("uuid", [&](bson::builder& into) { into.append("uuid", no_document); }), "uuid");
  expect_named(message_with("options", [&](bson::builder& into) { into.append("options", no_document); }), "options");
  expect_named(message_with("idIndex", [&](bson::builder& into) { into.append("idIndex", no_document); }), "idIndex");
  expect_named(message_with("indexes",
                            [&](bson::builder& into) {
                              into.open_array("indexes").open_document("0").append("name", "a");
                              into.append("spec", no_document).close().close();
                            }),
               "indexes");
  expect_named(message_with("times",
                            [](bson::builder& into) {
                              into.open_document("times").append("listedAt", bson::timestamp{1, 1}).close();
                            }),
               "times.indexesListedAt");
}

TEST(catalog_document, a_catalog_comes_back_in_its_order) {
  catalog whole;
  whole.collections.push_back(named("a", "z"));
  whole.collections.push_back(named("a-b", "a"));  // its `_id` sorts before "a.z"
  whole.collections.push_back(named("b", "c"));
  auto stored = to_documents(whole);
  std::swap(stored[0], stored[1]);
  const auto back = catalog_from(stored);
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(back.value().collections.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) expect_same(back.value().collections[i], whole.collections[i]);

  stored.push_back(json(R"({"_id": "c.d"})"));
  EXPECT_FALSE(catalog_from(stored));
}

}  // namespace
}  // namespace sluice::cluster
