// Namespaces, filters, and options turned into commands.
#include "engine/cluster/catalog.hpp"

#include <gtest/gtest.h>

#include "tests/unit/cluster/fixture.hpp"

namespace sluice::cluster {
namespace {

using testing::json;
using testing::text;

TEST(namespaces, belong_to_the_user_or_not) {
  for (const auto& [db, coll, users] : std::vector<std::tuple<const char*, const char*, bool>>{
           {"shop", "orders", true},
           {"shop", "system.js", true},
           {"shop", "systemx", true},
           {"shop", "system.views", false},
           {"shop", "system.profile", false},
           {"shop", "system.buckets.weather", false},
           {"admin", "x", false},
           {"local", "x", false},
           {"config", "x", false},
           {"administration", "x", true},
           {"__mdb_internal_sluice", "run", false},
           {"__mdb_internal_mongosync", "resumeData", false},
           {"mongosync_reserved_for_internal_use", "x", false},
           {"mongosync_reserved_for_verification_src_metadata", "x", false},
       }) {
    EXPECT_EQ(is_user_namespace({db, coll}), users) << db << '.' << coll;
  }
}

collection_info collection(collection_kind kind, std::string_view options) {
  collection_info info;
  info.ns = {"db", "c"};
  info.kind = kind;
  info.options = json(options);
  return info;
}

std::string created(collection_kind kind, std::string_view options, bool for_data_phase = false) {
  return text(create_command(collection(kind, options), for_data_phase));
}

TEST(collection_info, says_where_data_lies) {
  EXPECT_EQ(collection(collection_kind::plain, "{}").data_ns().to_string(), "db.c");
  EXPECT_EQ(collection(collection_kind::timeseries, "{}").data_ns().to_string(), "db.system.buckets.c");
}

TEST(create_command, keeps_options_in_order) {
  EXPECT_EQ(created(collection_kind::plain, R"({"validator": {"a": {"$gt": 1}}, "validationLevel": "moderate",
      "validationAction": "warn", "changeStreamPreAndPostImages": {"enabled": true}})"),
            text(R"({"create": "c", "validator": {"a": {"$gt": 1}}, "validationLevel": "moderate",
      "validationAction": "warn", "changeStreamPreAndPostImages": {"enabled": true}})"));
}

TEST(create_command, makes_views) {
  EXPECT_EQ(
      created(collection_kind::view, R"({"viewOn": "x", "pipeline": [{"$match": {}}], "collation": {"locale": "de"}})"),
      text(R"({"create": "c", "viewOn": "x", "pipeline": [{"$match": {}}], "collation": {"locale": "de"}})"));
}

TEST(create_command, unbounds_capped_collections_for_the_data_phase) {
  const auto options = R"({"capped": true, "size": 4096, "max": 10})";
  EXPECT_EQ(created(collection_kind::capped, options),
            text(R"({"create": "c", "capped": true, "size": 4096, "max": 10})"));
  EXPECT_EQ(created(collection_kind::capped, options, true),
            text(R"({"create": "c", "capped": true, "size": {"$numberLong": "1125899906842624"}})"));
}

TEST(create_command, leaves_bounds_that_mean_nothing) {
  EXPECT_EQ(created(collection_kind::plain, R"({"capped": false, "size": 4096, "max": 3})"),
            text(R"({"create": "c"})"));
  EXPECT_EQ(created(collection_kind::capped, R"({"capped": true, "size": 4096, "max": 0})"),
            text(R"({"create": "c", "capped": true, "size": 4096})"));
}

TEST(create_command, lets_nothing_expire_in_the_data_phase) {
  const auto options = R"({"clusteredIndex": {"v": 2, "key": {"_id": 1}, "name": "mine", "unique": true},
      "expireAfterSeconds": {"$numberLong": "60"}})";
  EXPECT_EQ(created(collection_kind::clustered, options), text(std::string(R"({"create": "c", )") + (options + 1)));
  EXPECT_EQ(created(collection_kind::clustered, options, true),
            text(R"({"create": "c", "clusteredIndex": {"v": 2, "key": {"_id": 1}, "name": "mine", "unique": true}})"));
  EXPECT_EQ(
      created(collection_kind::timeseries, R"({"expireAfterSeconds": 60, "timeseries": {"timeField": "t"}})", true),
      text(R"({"create": "c", "timeseries": {"timeField": "t"}})"));
}

TEST(create_command, drops_what_no_server_takes_any_more) {
  EXPECT_EQ(created(collection_kind::capped, R"({"create": "old", "capped": true, "size": 4096, "autoIndexId": false,
      "flags": 1, "temp": true})"),
            text(R"({"create": "c", "capped": true, "size": 4096})"));
  EXPECT_EQ(created(collection_kind::capped, R"({"capped": true, "size": 4096, "autoIndexId": true})"),
            text(R"({"create": "c", "capped": true, "size": 4096, "autoIndexId": true})"));
}

TEST(create_command, translates_pre_images) {
  EXPECT_EQ(created(collection_kind::plain, R"({"recordPreImages": true})"),
            text(R"({"create": "c", "changeStreamPreAndPostImages": {"enabled": true}})"));
  EXPECT_EQ(created(collection_kind::plain, R"({"recordPreImages": false})"), text(R"({"create": "c"})"));
}

TEST(create_command, keeps_only_portable_storage_options) {
  EXPECT_EQ(created(collection_kind::plain,
                    R"({"storageEngine": {"inMemory": {}, "wiredTiger": {"configString": "block_compressor=zstd"}}})"),
            text(R"({"create": "c", "storageEngine": {"wiredTiger": {"configString": "block_compressor=zstd"}}})"));
  EXPECT_EQ(created(collection_kind::plain,
                    R"j({"storageEngine": {"wiredTiger": {"configString": "encryption=(keyid=x)"}}})j"),
            text(R"({"create": "c"})"));
}

TEST(create_command, spells_out_an_unusual_id_index) {
  auto info = collection(collection_kind::plain, R"({"collation": {"locale": "fr"}})");
  info.id_index = json(R"({"v": 2, "key": {"_id": 1}, "name": "_id_", "ns": "db.c", "collation": {"locale": "fr"}})");
  EXPECT_EQ(text(create_command(info, false)), text(R"({"create": "c", "collation": {"locale": "fr"},
      "idIndex": {"v": 2, "key": {"_id": 1}, "name": "_id_", "collation": {"locale": "fr"}}})"));
  info = collection(collection_kind::plain, "{}");
  info.id_index = json(R"({"v": 1, "key": {"_id": 1}, "name": "_id_"})");
  EXPECT_EQ(text(create_command(info, true)),
            text(R"({"create": "c", "idIndex": {"v": 1, "key": {"_id": 1}, "name": "_id_"}})"));
  info.id_index = json(R"({"v": 2, "key": {"_id": 1}, "name": "_id_"})");
  EXPECT_EQ(text(create_command(info, false)), text(R"({"create": "c"})"));
}

TEST(restore_command, gives_back_what_the_data_phase_took) {
  const auto restored = [](collection_kind kind, std::string_view options) {
    const auto command = restore_command(collection(kind, options));
    return command ? text(*command) : "nothing";
  };
  EXPECT_EQ(restored(collection_kind::capped, R"({"capped": true, "size": 4096.0, "max": 10})"),
            text(R"({"collMod": "c", "cappedSize": {"$numberLong": "4096"}, "cappedMax": {"$numberLong": "10"}})"));
  EXPECT_EQ(restored(collection_kind::capped, R"({"capped": true, "size": 4096})"),
            text(R"({"collMod": "c", "cappedSize": {"$numberLong": "4096"}})"));
  EXPECT_EQ(restored(collection_kind::timeseries, R"({"expireAfterSeconds": 60, "timeseries": {}})"),
            text(R"({"collMod": "c", "expireAfterSeconds": 60})"));
  EXPECT_EQ(restored(collection_kind::clustered, R"({"clusteredIndex": {}})"), "nothing");
  EXPECT_EQ(restored(collection_kind::plain, "{}"), "nothing");
}

TEST(reason_not_copyable, names_what_is_in_the_way) {
  auto info = collection(collection_kind::plain, R"({"encryptedFields": {"fields": []}})");
  EXPECT_NE(reason_not_copyable(info)->find("db.c uses queryable encryption"), std::string::npos);
  info = collection(collection_kind::plain, "{}");
  EXPECT_FALSE(reason_not_copyable(info));
  info.indexes.push_back(
      {"g", json(R"({"v": 2, "key": {"at": "geoHaystack", "kind": 1}, "name": "g", "bucketSize": 1})")});
  EXPECT_NE(reason_not_copyable(info)->find("db.c has the geoHaystack index \"g\""), std::string::npos);
}

TEST(namespaces, are_taken_apart_at_the_first_dot) {
  EXPECT_EQ(parse_namespace("shop.orders.old"), (namespace_name{"shop", "orders.old"}));
  EXPECT_EQ(parse_namespace("shop"), std::nullopt);
  EXPECT_EQ(owner_of_buckets({"d", "system.buckets.a.b"}), (namespace_name{"d", "a.b"}));
  EXPECT_EQ(owner_of_buckets({"d", "buckets.a"}), std::nullopt);
}

std::string created(std::string_view o, collection_kind kind) {
  const auto info = collection_of_create("d", json(o));
  EXPECT_EQ(info.kind, kind);
  return text(create_command(info, false).view());
}

// Oplog entries of 4.4.2, 5.0.4 and 6.0.27, shortened.
TEST(collection_of_create, reads_what_the_oplog_holds) {
  using enum collection_kind;
  EXPECT_EQ(created(R"({"create": "a", "idIndex": {"v": 2, "key": {"_id": 1}, "name": "_id_"}})", plain),
            text(R"({"create": "a"})"));
  EXPECT_EQ(created(R"({"create": "a"})", plain),
            text(R"({"create": "a", "idIndex": {"v": 1, "key": {"_id": 1}, "name": "_id_"}})"));
  EXPECT_EQ(created(R"({"create": "c", "collation": {"locale": "fr"}, "idIndex": {"v": 2, "key": {"_id": 1},
      "name": "_id_", "collation": {"locale": "fr"}}})",
                    plain),
            text(R"({"create": "c", "collation": {"locale": "fr"}, "idIndex": {"v": 2, "key": {"_id": 1},
      "name": "_id_", "collation": {"locale": "fr"}}})"));
  EXPECT_EQ(created(R"({"create": "tmpX.convertToCapped.s", "capped": true, "size": 5120, "temp": true,
      "idIndex": {"v": 2, "key": {"_id": 1}, "name": "_id_"}})",
                    capped),
            text(R"({"create": "tmpX.convertToCapped.s", "capped": true, "size": 5120})"));
  EXPECT_EQ(created(R"({"create": "i", "recordPreImages": true, "idIndex": {"v": 2, "key": {"_id": 1}}})", plain),
            text(R"({"create": "i", "changeStreamPreAndPostImages": {"enabled": true}})"));
  EXPECT_EQ(created(R"({"create": "k", "clusteredIndex": {"v": 2, "key": {"_id": 1}, "name": "mine", "unique": true},
      "expireAfterSeconds": 100})",
                    clustered),
            text(R"({"create": "k", "clusteredIndex": {"v": 2, "key": {"_id": 1}, "name": "mine", "unique": true},
      "expireAfterSeconds": 100})"));
  EXPECT_EQ(created(R"({"create": "system.buckets.ts", "validator": {"$jsonSchema": {}}, "clusteredIndex": true,
      "expireAfterSeconds": 1000, "timeseries": {"timeField": "t", "granularity": "seconds"}})",
                    timeseries),
            text(R"({"create": "ts", "expireAfterSeconds": 1000, "timeseries": {"timeField": "t",
      "granularity": "seconds"}})"));
  EXPECT_EQ(
      collection_of_create("d", json(R"({"create": "system.buckets.ts", "timeseries": {"timeField": "t"}})")).data_ns(),
      (namespace_name{"d", "system.buckets.ts"}));
}

}  // namespace
}  // namespace sluice::cluster
