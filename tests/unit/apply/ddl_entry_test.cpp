// Oplog entries as 4.4.2, 5.0.4 and 6.0.27 write them, read.
#include "engine/apply/ddl_entry.hpp"

#include <cstring>
#include <stdexcept>

#include <bson/bson.h>
#include <gtest/gtest.h>

#include "bson/extended_json.hpp"
#include "engine/apply/ddl.hpp"
#include "engine/apply/ddl_coll_mod.hpp"

namespace sluice::apply {
namespace {

bson::document json(std::string_view text) {
  bson_error_t fault;
  bson_t* parsed =
      bson_new_from_json(reinterpret_cast<const std::uint8_t*>(text.data()), static_cast<ssize_t>(text.size()), &fault);
  if (parsed == nullptr) throw std::invalid_argument(std::string(fault.message) + " in " + std::string(text));
  std::vector<std::byte> bytes(parsed->len);
  std::memcpy(bytes.data(), bson_get_data(parsed), parsed->len);
  bson_destroy(parsed);
  return bson::document(std::move(bytes));
}

std::string text(bson::document_view document) {
  return bson::to_json(document, bson::json_mode::canonical);
}

/// A change that owns its bytes.
struct owned {
  bson::document o;
  bson::document o2;
  capture::change change;
  explicit owned(std::string_view command, std::string_view ns = "d.$cmd",
                 capture::change_kind kind = capture::change_kind::command, std::string_view identity = "{}")
      : o(json(command)), o2(json(identity)) {
    change.kind = kind;
    change.at = {7, 1};
    change.ns = ns;
    change.o = o;
    change.o2 = o2;
    change.whole = o;
  }
  owned(const owned&) = delete;
  owned& operator=(const owned&) = delete;
};

constexpr const char* uuid_json = R"({"$binary": {"base64": "AAECAwQFBgcICQoLDA0ODw==", "subType": "04"}})";

TEST(ddl_entry, knows_every_command) {
  struct expected {
    const char* o;
    ddl_verb verb;
    const char* collection;
  };
  for (const auto& [o, verb, collection] : std::vector<expected>{
           {R"({"create": "a.b", "idIndex": {}})", ddl_verb::create, "a.b"},
           {R"({"drop": "a"})", ddl_verb::drop, "a"},
           {R"({"drop": "system.views"})", ddl_verb::drop_views, "system.views"},
           {R"({"dropDatabase": 1})", ddl_verb::drop_database, ""},
           {R"({"collMod": "a", "validator": {}})", ddl_verb::coll_mod, "a"},
           {R"({"startIndexBuild": "a", "indexBuildUUID": 1, "indexes": []})", ddl_verb::nothing, ""},
           {R"({"abortIndexBuild": "a", "indexBuildUUID": 1, "indexes": []})", ddl_verb::nothing, ""},
           {R"({"dbCheck": "d.a"})", ddl_verb::nothing, ""},
           {R"({"emptycapped": "a"})", ddl_verb::empty, "a"},
       }) {
    const owned given(o);
    const auto entry = read_ddl_entry(given.change);
    ASSERT_TRUE(entry) << o;
    EXPECT_EQ(entry.value().verb, verb) << o;
    EXPECT_EQ(entry.value().ns, (cluster::namespace_name{"d", collection})) << o;
    EXPECT_EQ(entry.value().at, (bson::timestamp{7, 1}));
  }
}

TEST(ddl_entry, reads_renames) {
  const owned plain(R"({"renameCollection": "d.a.b", "to": "e.c", "stayTemp": false})");
  const auto entry = read_ddl_entry(plain.change);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry.value().ns.to_string(), "d.a.b");
  EXPECT_EQ(entry.value().to, (cluster::namespace_name{"e", "c"}));
  EXPECT_TRUE(entry.value().drop_target.empty());
  const owned onto(R"({"renameCollection": "d.a", "to": "d.b", "dropTarget": )" + std::string(uuid_json) + "}");
  const auto replacing = read_ddl_entry(onto.change);
  ASSERT_TRUE(replacing);
  ASSERT_EQ(replacing.value().drop_target.size(), 16U);
  EXPECT_EQ(replacing.value().drop_target[15], std::byte{15});
}

TEST(ddl_entry, reads_indexes_of_both_kinds) {
  const owned single(R"({"createIndexes": "a", "v": 2, "unique": true, "key": {"u": 1}, "name": "u"})");
  const auto one = read_ddl_entry(single.change);
  ASSERT_TRUE(one);
  ASSERT_EQ(one.value().indexes.size(), 1U);
  EXPECT_EQ(one.value().indexes[0].find("name").as_string(), "u");
  const owned built(R"({"commitIndexBuild": "a", "indexBuildUUID": 1, "indexes": [
      {"v": 2, "key": {"y": 1}, "name": "y"}, {"v": 2, "key": {"z": 1}, "name": "z"}]})");
  const auto two = read_ddl_entry(built.change);
  ASSERT_TRUE(two);
  EXPECT_EQ(two.value().verb, ddl_verb::create_indexes);
  ASSERT_EQ(two.value().indexes.size(), 2U);
  EXPECT_EQ(two.value().indexes[1].find("name").as_string(), "z");
  const owned dropped(R"({"dropIndexes": "a", "index": "y"})");
  const auto gone = read_ddl_entry(dropped.change);
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone.value().index_names, std::vector<std::string>{"y"});
}

TEST(ddl_entry, refuses_what_it_does_not_understand_and_shows_it) {
  for (const auto* o :
       {R"({"convertToSomething": "a"})", "{}", R"({"create": 1})", R"({"drop": ""})", R"({"renameCollection": "d.a"})",
        R"({"renameCollection": "d", "to": "d.b"})", R"({"dropIndexes": "a"})",
        R"({"createIndexes": "a", "name": "x"})", R"({"commitIndexBuild": "a", "indexes": []})",
        R"({"commitIndexBuild": "a", "indexes": [1]})"}) {
    const owned given(o);
    const auto entry = read_ddl_entry(given.change);
    ASSERT_FALSE(entry) << o;
    EXPECT_EQ(entry.error().kind, error_kind::protocol);
    EXPECT_NE(entry.error().message.find(text(given.o)), std::string::npos) << entry.error().message;
  }
}

TEST(view_entry, reads_definitions) {
  using enum capture::change_kind;
  const owned made(R"({"_id": "d.v", "viewOn": "a", "pipeline": [], "collation": {"locale": "de"}})", "d.system.views",
                   insert);
  const auto view = read_view_entry(made.change);
  ASSERT_TRUE(view);
  EXPECT_EQ(view.value().ns, (cluster::namespace_name{"d", "v"}));
  EXPECT_EQ(text(view.value().options),
            text(json(R"({"viewOn": "a", "pipeline": [], "collation": {"locale": "de"}})")));
  EXPECT_FALSE(view.value().of_timeseries);

  const owned changed(R"({"$v": 2, "diff": {"u": {"viewOn": "b"}}})", "d.system.views", update, R"({"_id": "d.w.x"})");
  const auto part = read_view_entry(changed.change);
  ASSERT_TRUE(part);
  EXPECT_EQ(part.value().ns, (cluster::namespace_name{"d", "w.x"}));
  EXPECT_TRUE(part.value().options.view().empty());
  EXPECT_FALSE(part.value().removed);

  const owned removed(R"({"_id": "d.v"})", "d.system.views", remove);
  EXPECT_TRUE(read_view_entry(removed.change).value().removed);
  const owned buckets(R"({"_id": "d.t", "viewOn": "system.buckets.t", "pipeline": []})", "d.system.views", insert);
  EXPECT_TRUE(read_view_entry(buckets.change).value().of_timeseries);
  const owned nameless(R"({"_id": 1, "viewOn": "a"})", "d.system.views", insert);
  EXPECT_FALSE(read_view_entry(nameless.change));
}

TEST(ddl, tells_data_from_the_catalog) {
  using enum capture::change_kind;
  const auto data = [](capture::change_kind kind, std::string_view ns) {
    capture::change one;
    one.kind = kind;
    one.ns = ns;
    return is_data(one);
  };
  EXPECT_TRUE(data(insert, "d.a"));
  EXPECT_TRUE(data(remove, "d.system.js"));
  EXPECT_TRUE(data(update, "d.system.buckets.t"));
  EXPECT_TRUE(data(insert, "d.a.system.views"));
  EXPECT_FALSE(data(insert, "d.system.views"));
  EXPECT_FALSE(data(update, "d.system.views"));
  EXPECT_FALSE(data(command, "d.$cmd"));
}

std::string planned(std::string_view o, const cluster::index_policy& policy = {}) {
  const owned given(o);
  const auto entry = read_ddl_entry(given.change);
  const auto plan = plan_coll_mod(given.change, entry.value(), "there", policy);
  if (!plan) return "error: " + plan.error().message;
  std::string all;
  if (plan.value().options) all += text(*plan.value().options);
  if (plan.value().index) all += text(*plan.value().index);
  return all;
}

std::string same(std::string_view o) {
  return text(json(o));
}

TEST(coll_mod, is_passed_on_where_it_harms_nothing) {
  EXPECT_EQ(
      planned(R"({"collMod": "a", "validator": {"x": 1}, "validationLevel": "off", "validationAction": "warn"})"),
      same(R"({"collMod": "there", "validator": {"x": 1}, "validationLevel": "off", "validationAction": "warn"})"));
  EXPECT_EQ(planned(R"({"collMod": "system.buckets.t", "timeseries": {"granularity": "hours"}})"),
            same(R"({"collMod": "there", "timeseries": {"granularity": "hours"}})"));
  EXPECT_EQ(planned(R"({"collMod": "a", "recordPreImages": true})"),
            same(R"({"collMod": "there", "changeStreamPreAndPostImages": {"enabled": true}})"));
  EXPECT_EQ(planned(R"({"collMod": "a", "changeStreamPreAndPostImages": {"enabled": false}})"),
            same(R"({"collMod": "there", "changeStreamPreAndPostImages": {"enabled": false}})"));
  EXPECT_EQ(planned(R"({"collMod": "a", "index": {"name": "i", "hidden": true}})"),
            same(R"({"collMod": "there", "index": {"name": "i", "hidden": true}})"));
}

TEST(coll_mod, waits_with_what_deletes_or_refuses) {
  EXPECT_EQ(planned(R"({"collMod": "a", "expireAfterSeconds": 5})"), "");
  EXPECT_EQ(planned(R"({"collMod": "a", "cappedSize": 5, "cappedMax": 6})"), "");
  EXPECT_EQ(planned(R"({"collMod": "a", "index": {"name": "i", "prepareUnique": true}})"), "");
  EXPECT_EQ(planned(R"({"collMod": "a", "index": {"name": "i", "unique": true}})"), "");
  EXPECT_EQ(planned(R"({"collMod": "a", "index": {"name": "i", "expireAfterSeconds": 5}})"),
            same(R"({"collMod": "there", "index": {"name": "i", "expireAfterSeconds": 2147483647}})"));
  const cluster::index_policy at_once{.defer_unique_and_ttl = false};
  EXPECT_EQ(planned(R"({"collMod": "a", "index": {"name": "i", "unique": true}})", at_once),
            same(R"({"collMod": "there", "index": {"name": "i", "unique": true}})"));
  EXPECT_EQ(planned(R"({"collMod": "a", "index": {"name": "i", "expireAfterSeconds": 5}})", at_once),
            same(R"({"collMod": "there", "index": {"name": "i", "expireAfterSeconds": 5}})"));
  EXPECT_EQ(planned(R"({"collMod": "a", "index": {"name": "i", "hidden": true}})", {.never = true}), "");
  EXPECT_EQ(planned(R"({"collMod": "system.buckets.t", "validator": {"$jsonSchema": {}}})"), "");
}

TEST(coll_mod, stops_at_what_it_does_not_know) {
  EXPECT_TRUE(planned(R"({"collMod": "a", "newOption": 1})").starts_with("error: "));
  EXPECT_TRUE(planned(R"({"collMod": "a", "index": {"name": "i", "newOption": 1}})").starts_with("error: "));
}

}  // namespace
}  // namespace sluice::apply
