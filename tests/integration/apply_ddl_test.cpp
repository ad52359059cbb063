// DDL of real servers, read from their oplogs and applied to another: the catalogs must come out the same, although
// each entry is applied twice.
#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/integration/apply_ddl_sets.hpp"

namespace sluice::apply {
namespace {

using lab::document;
using testing::storm;
using testing::two_sets;
using testing::view_of;

class apply_ddl : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(from, apply_ddl, ::testing::Values("4.4.2", "5.0.4", "6.0.27"), [](const auto& one) {
  std::string name = one.param;
  std::ranges::replace(name, '.', '_');
  return "v" + name;
});

void raise_storm(two_sets& sets) {
  const int version = sets.source.server_version();
  for (const auto& [database, command, since] : storm)
    if (version >= since) sets.source.run(database, command);
  sets.transact({{"d", R"({"create": "transacted"})"},
                 {"d", R"({"createIndexes": "transacted", "indexes": [{"key": {"q": 1}, "name": "q"}]})"},
                 {"d", R"({"insert": "transacted", "documents": [{"_id": 1}]})"},
                 {"d", R"({"insert": "transacted too", "documents": [{"_id": 1}]})"}});
}

TEST_P(apply_ddl, everything_comes_out_the_same) {
  two_sets sets(GetParam());
  sets.begin();
  raise_storm(sets);
  sets.follow();
  sets.compare();
}

// The catalog that was copied is of the middle: what lies before it has happened already, or concerns what is gone.
TEST_P(apply_ddl, everything_comes_out_the_same_over_a_copy_of_later) {
  two_sets sets(GetParam());
  sets.begin();
  raise_storm(sets);
  sets.copy();
  if (sets.source.server_version() >= 600) {
    // listIndexes shows neither that an index on measurements is hidden nor how its options were ordered.
    sets.source.run("d", R"({"dropIndexes": "weather", "index": ["measured", "partial"]})");
    sets.source.run("d", R"({"createIndexes": "weather", "indexes": [{"key": {"x": -1}, "name": "measured"}]})");
  }
  sets.source.run("d", R"({"createIndexes": "a", "indexes": [{"key": {"after": 1}, "name": "after"}]})");
  sets.source.run("d", R"({"collMod": "view", "viewOn": "a", "pipeline": [{"$limit": 1}]})");
  sets.source.run("admin", R"({"renameCollection": "d.a", "to": "d.after"})");
  sets.source.run("d", R"({"drop": "clone"})");
  sets.follow();
  sets.compare();
}

// The oplog's first entry is of before the catalog, and what was older still is in the copy alone: an entry of before
// that were applied to it would destroy it.
TEST(apply_ddl_listed, what_had_happened_before_does_not_happen_again) {
  two_sets sets("6.0.27");
  for (const auto* name : {"old", "one", "two", "emptied"})
    sets.source.run("n", std::string("{\"insert\": \"") + name + "\", \"documents\": [{\"_id\": \"of before\"}]}");
  sets.source.run("n", R"({"createIndexes": "old", "indexes": [{"key": {"k": 1}, "name": "k"}]})");
  sets.begin();
  // A collection that comes, and goes under an older one.
  sets.source.run("n", R"({"create": "young"})");
  sets.source.run("admin", R"({"renameCollection": "n.old", "to": "n.young", "dropTarget": true})");
  // A name that was another's on the way.
  sets.source.run("admin", R"({"renameCollection": "n.one", "to": "n.on the way"})");
  sets.source.run("admin", R"({"renameCollection": "n.on the way", "to": "n.one again"})");
  sets.source.run("admin", R"({"renameCollection": "n.two", "to": "n.on the way"})");
  // An index of the same name: the later one stays.
  sets.source.run("n", R"({"dropIndexes": "young", "index": "k"})");
  sets.source.run("n", R"({"createIndexes": "young", "indexes": [{"key": {"later": 1}, "name": "k"}]})");
  // A view where a collection was, a collection where a view was.
  sets.source.run("n", R"({"create": "became a view"})");
  sets.source.run("n", R"({"drop": "became a view"})");
  sets.source.run("n", R"({"create": "became a view", "viewOn": "young", "pipeline": []})");
  sets.source.run("n", R"({"create": "was a view", "viewOn": "young", "pipeline": []})");
  sets.source.run("n", R"({"drop": "was a view"})");
  sets.source.run("admin", R"({"renameCollection": "n.emptied", "to": "n.was a view"})");
  sets.copy();
  sets.follow();
  sets.compare();
  EXPECT_EQ(sets.replays_until, bson::timestamp{}) << "nothing had to be copied a second time";
}

// Renames of every kind among few names, so that they meet.
class name_dice {
 public:
  explicit name_dice(unsigned seed) : random_(seed) {}
  std::string name() { return "abcdef"[pick(6)] + std::string(); }
  std::size_t pick(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_); }

 private:
  std::mt19937 random_;
};

void random_step(two_sets& sets, name_dice& dice, int number) {
  // Many make no sense at their time: then the source refuses, and nothing happened.
  const auto attempt = [&](const char* database, const std::string& command) {
    document reply;
    bson_error_t fault;
    return sets.source.try_run(database, document::json(command), reply, fault);
  };
  const auto a = dice.name();
  const auto b = dice.name();
  const auto n = std::to_string(number);
  const auto rename = [&](const std::string& from, const std::string& to, bool drop) {
    return attempt("admin", "{\"renameCollection\": \"r." + from + "\", \"to\": \"" + to +
                                "\", \"dropTarget\": " + (drop ? "true}" : "false}"));
  };
  switch (dice.pick(14)) {
    case 12:
    case 13:
      rename(a, "r." + b, false);
      break;
    case 0:
    case 1:
      attempt("r", "{\"insert\": \"" + a + "\", \"documents\": [{\"_id\": " + n + "}]}");
      break;
    case 2:
      attempt("r", "{\"drop\": \"" + a + "\"}");
      break;
    case 3:
      rename(a, "r." + b, false);
      break;
    case 4:
      rename(a, "r." + b, true);
      break;
    case 5:  // swap
      rename(a, "r.x", false);
      rename(b, "r." + a, false);
      rename("x", "r." + b, false);
      break;
    case 6:  // there and back again
      rename(a, "s." + b, true);
      attempt("admin", "{\"renameCollection\": \"s." + b + "\", \"to\": \"r." + a + "\"}");
      break;
    case 7:
      attempt("r", "{\"createIndexes\": \"" + a + "\", \"indexes\": [{\"key\": {\"" + b +
                       "\": " + (number % 2 == 0 ? "1" : "-1") + "}, \"name\": \"" + b + "\"}]}");
      break;
    case 8:
      attempt("r", "{\"dropIndexes\": \"" + a + "\", \"index\": \"" + b + "\"}");
      break;
    case 9:
      attempt("r", "{\"create\": \"" + a + "\", \"viewOn\": \"" + b + "\", \"pipeline\": [{\"$limit\": " + n + "}]}");
      break;
    case 10:
      attempt("r", "{\"aggregate\": \"" + a + "\", \"pipeline\": [{\"$out\": \"" + b + "\"}], \"cursor\": {}}");
      break;
    default:
      attempt("r", "{\"collMod\": \"" + a + "\", \"validator\": {\"v\": {\"$ne\": " + n + "}}}");
      break;
  }
}

TEST(apply_ddl_random, chains_and_swaps) {
  const auto seed = std::random_device{}();
  RecordProperty("seed", static_cast<int>(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  name_dice dice(seed);
  two_sets sets("6.0.27");
  int number = 1;
  for (const char* name : {"a", "b", "c", "d", "e", "f"})
    sets.source.run("r", std::string("{\"insert\": \"") + name + "\", \"documents\": [{\"_id\": 0}]}");
  // What is of before the oplog's first entry can be lost for good.
  sets.begin();
  for (; number < 40; ++number) random_step(sets, dice, number);
  sets.copy();
  for (; number < 45; ++number) random_step(sets, dice, number);
  sets.follow();
  // At once: later steps would bury what was lost.
  sets.compare();
  for (; number < 150; ++number) random_step(sets, dice, number);
  sets.follow();
  sets.compare();
}

TEST(apply_ddl_filter, collections_enter_and_leave) {
  two_sets sets("6.0.27");
  auto& source = sets.source;
  source.run("f", R"({"insert": "leaves", "documents": [{"_id": 1}]})");
  source.run("f", R"({"insert": "replaced", "documents": [{"_id": "old"}]})");
  std::vector<document> many;
  for (int i = 0; i < 25000; ++i) many.push_back(document::json("{\"_id\": " + std::to_string(i) + "}"));
  source.insert("f", "large", many);
  source.run(
      "f",
      R"({"createIndexes": "large", "indexes": [{"key": {"k": 1}, "name": "k", "unique": true, "sparse": true}]})");
  source.run("f", R"({"create": "ring", "capped": true, "size": 4096, "max": 5})");
  source.run("f", R"({"insert": "ring", "documents": [{"_id": 2}, {"_id": 1}]})");
  source.run("f", R"({"insert": "visitor", "documents": [{"_id": 1}]})");

  const std::vector<std::string> taken{"f.leaves", "f.replaced", "f.in", "f.in_later", "f.ring_in", "f.out", "g"};
  sets.begin(cluster::parse_filter(taken, {}).value());
  // Nothing is copied: the collections inside are made by their own entries.
  source.run("f", R"({"drop": "leaves"})");
  source.run("f", R"({"insert": "leaves", "documents": [{"_id": 2}]})");
  source.run("f", R"({"drop": "replaced"})");
  source.run("f", R"({"insert": "replaced", "documents": [{"_id": "new"}]})");
  sets.follow();

  source.run("admin", R"({"renameCollection": "f.leaves", "to": "f.elsewhere"})");
  source.run("admin", R"({"renameCollection": "f.large", "to": "f.in"})");
  source.run("f", R"({"insert": "in", "documents": [{"_id": -1}]})");
  source.run("f", R"({"delete": "in", "deletes": [{"q": {"_id": 5}, "limit": 1}]})");
  source.run("admin", R"({"renameCollection": "f.ring", "to": "f.ring_in"})");
  source.run("f", R"({"insert": "ring_in", "documents": [{"_id": 0}]})");
  // In, on, and onto one that is inside.
  source.run("admin", R"({"renameCollection": "f.visitor", "to": "f.in_later"})");
  source.run("f", R"({"createIndexes": "in_later", "indexes": [{"key": {"k": 1}, "name": "k"}]})");
  source.run("admin", R"({"renameCollection": "f.in_later", "to": "f.replaced", "dropTarget": true})");
  // In and gone before anybody could look.
  source.run("f", R"({"insert": "short", "documents": [{"_id": 1}]})");
  source.run("admin", R"({"renameCollection": "f.short", "to": "f.in_later"})");
  source.run("f", R"({"drop": "in_later"})");
  // The temporary collection of $out is outside, its result is inside.
  source.run("f", R"({"aggregate": "in", "pipeline": [{"$limit": 3}, {"$out": "out"}], "cursor": {}})");
  source.run("f", R"({"aggregate": "in", "pipeline": [{"$limit": 2}, {"$out": "out"}], "cursor": {}})");
  // From a database outside into one inside.
  source.run("h", R"({"insert": "x", "documents": [{"_id": 1}]})");
  source.run("admin", R"({"renameCollection": "h.x", "to": "g.x"})");
  const auto last = source.run("f", R"({"insert": "in", "documents": [{"_id": -2}]})");
  sets.follow();
  EXPECT_GE(sets.replays_until, view_of(last).find("operationTime").as_timestamp().value());
  sets.compare(taken);
  EXPECT_EQ(sets.destination.run("f", R"({"listCollections": 1, "filter": {"name": "elsewhere"}})")
                .child("cursor.firstBatch")
                .elements()
                .size(),
            0U);
}

std::map<std::string, document> indexes_of(lab::client& of, const char* database, const char* collection) {
  std::map<std::string, document> indexes;
  const auto reply = of.run(database, std::string("{\"listIndexes\": \"") + collection + "\"}");
  for (auto& one : reply.child("cursor.firstBatch").elements()) indexes.emplace(one.text("name"), one);
  return indexes;
}

TEST(apply_ddl_policy, unique_and_ttl_wait_for_the_commit) {
  two_sets sets("6.0.27");
  sets.begin({}, {});
  for (const auto* command : {
           R"({"createIndexes": "a", "indexes": [{"key": {"u": 1}, "name": "unique", "unique": true},
               {"key": {"u": 1}, "name": "plain beside it"}, {"key": {"t": 1}, "name": "ttl", "expireAfterSeconds": 1},
               {"key": {"w": 1}, "name": "plain first"}, {"key": {"p": 1}, "name": "prepared"},
               {"key": {"l": 1}, "name": "ttl later"}]})",
           R"({"insert": "a", "documents": [{"_id": 1}]})",
           R"({"createIndexes": "a", "indexes": [{"key": {"w": 1}, "name": "unique second", "unique": true}]})",
           R"({"collMod": "a", "index": {"name": "ttl", "expireAfterSeconds": 5}})",
           R"({"collMod": "a", "index": {"name": "ttl later", "expireAfterSeconds": 5}})",
           R"({"collMod": "a", "index": {"name": "prepared", "prepareUnique": true}})",
           R"({"collMod": "a", "index": {"name": "prepared", "unique": true}})",
           R"({"create": "clustered", "clusteredIndex": {"key": {"_id": 1}, "unique": true}, "expireAfterSeconds": 1})",
           R"({"collMod": "clustered", "expireAfterSeconds": 2})",
           R"({"create": "ring", "capped": true, "size": 4096, "max": 2})",
           R"({"collMod": "ring", "cappedMax": 3})",
       })
    sets.source.run("p", command);
  sets.follow();
  const auto made = indexes_of(sets.destination, "p", "a");
  EXPECT_EQ(made.size(), 6U) << "the _id index, and all but the unique ones beside a plain one";
  for (const auto& [name, spec] : made) {
    EXPECT_FALSE(spec.has("unique")) << name;
    EXPECT_FALSE(spec.has("prepareUnique")) << name;
  }
  EXPECT_TRUE(made.contains("plain beside it"));
  EXPECT_TRUE(made.contains("plain first"));
  EXPECT_EQ(made.at("ttl").integer("expireAfterSeconds"), 2147483647);
  EXPECT_EQ(made.at("ttl later").integer("expireAfterSeconds"), 2147483647);
  for (const auto& one : sets.destination.run("p", R"({"listCollections": 1})").child("cursor.firstBatch").elements()) {
    EXPECT_FALSE(one.has("options.expireAfterSeconds")) << one.text("name");
    EXPECT_FALSE(one.has("options.max")) << one.text("name");
    if (one.text("name") == "ring") {
      EXPECT_EQ(one.integer("options.size"), std::int64_t{1} << 50);
    }
  }
}

TEST(apply_ddl_policy, no_indexes_where_none_are_wanted) {
  two_sets sets("6.0.27");
  sets.begin({}, {.never = true});
  sets.source.run("p", R"({"createIndexes": "a", "indexes": [{"key": {"u": 1}, "name": "u"}]})");
  sets.source.run("p", R"({"collMod": "a", "index": {"name": "u", "hidden": true}})");
  sets.source.run("p", R"({"dropIndexes": "a", "index": "u"})");
  sets.source.run("p", R"({"createIndexes": "a", "indexes": [{"key": {"u": 1}, "name": "u"}]})");
  sets.follow();
  EXPECT_EQ(indexes_of(sets.destination, "p", "a").size(), 1U);

  sets.begin({}, {.exclude_hashed = true});
  sets.source.run("p", R"({"createIndexes": "b", "indexes": [{"key": {"u": "hashed"}, "name": "h"},
      {"key": {"u": 1}, "name": "u"}]})");
  sets.follow();
  const auto made = indexes_of(sets.destination, "p", "b");
  EXPECT_TRUE(made.contains("u"));
  EXPECT_FALSE(made.contains("h"));
}

TEST(apply_ddl_nameless, names_lead_where_uuids_are_not_told) {
  two_sets sets("6.0.27");
  sets.without_uuids = true;
  sets.source.run("n", R"({"insert": "from_before", "documents": [{"_id": 1}, {"_id": 2}]})");
  sets.begin();
  sets.copy();
  sets.source.run("n", R"({"insert": "a", "documents": [{"_id": "a"}]})");
  sets.source.run("n", R"({"createIndexes": "a", "indexes": [{"key": {"x": 1}, "name": "x"}]})");
  sets.source.run("n", R"({"insert": "b", "documents": [{"_id": "b"}]})");
  sets.source.run("admin", R"({"renameCollection": "n.a", "to": "n.x"})");
  sets.source.run("admin", R"({"renameCollection": "n.b", "to": "n.a"})");
  sets.source.run("admin", R"({"renameCollection": "n.x", "to": "n.b"})");
  sets.source.run("n", R"({"insert": "a", "documents": [{"_id": "into a"}]})");
  for (const char* const id : {"1", "2"}) {
    sets.source.run("n", std::string(R"({"insert": "again", "documents": [{"_id": )") + id + "}]}");
    if (*id == '1') sets.source.run("n", R"({"drop": "again"})");
  }
  sets.source.run("n", R"({"insert": "cap", "documents": [{"_id": 2}, {"_id": 1}]})");
  sets.source.run("n", R"({"convertToCapped": "cap", "size": 100000})");
  sets.source.run("n", R"({"insert": "cap", "documents": [{"_id": 0}]})");
  sets.source.run("n", R"({"aggregate": "a", "pipeline": [{"$out": "from_before"}], "cursor": {}})");
  sets.source.run("n", R"({"insert": "gone", "documents": [{"_id": 1}]})");
  sets.source.run("n", R"({"drop": "gone"})");
  sets.source.run("gone", R"({"insert": "c", "documents": [{"_id": 1}]})");
  sets.source.run("gone", R"({"dropDatabase": 1})");
  sets.follow();
  sets.compare();
}

// Each command of the destination fails once before it runs: as in an election, or with a cut connection.
TEST(apply_ddl_fault, the_destination_goes_away_and_comes_back) {
  two_sets sets("6.0.27");
  sets.begin();
  raise_storm(sets);
  int number = 0;
  sets.before_each = [&] {
    const bool cut = ++number % 2 == 0;
    sets.destination.run(
        "admin", std::string(R"({"configureFailPoint": "failCommand", "mode": {"times": 1}, "data": {"failCommands":
            ["create", "drop", "renameCollection", "collMod", "createIndexes", "dropIndexes", "dropDatabase",
             "listCollections"], )") +
                     (cut ? R"("closeConnection": true}})" : R"("errorCode": 10107}})"));
  };
  sets.follow();
  sets.destination.run("admin", R"({"configureFailPoint": "failCommand", "mode": "off"})");
  sets.compare();
}

// The copy of a collection that enters the filter begins again when either side goes away under it.
TEST(apply_ddl_fault, a_copy_on_the_way_in_is_made_afresh) {
  two_sets sets("6.0.27");
  std::vector<document> many;
  for (int i = 0; i < 25000; ++i) many.push_back(document::json("{\"_id\": " + std::to_string(i) + "}"));
  sets.source.insert("f", "out", many);
  sets.source.run("f", R"({"create": "ring_out", "capped": true, "size": 10000000})");
  sets.source.insert("f", "ring_out", many);
  const std::vector<std::string> taken{"f.in", "f.ring_in"};
  sets.begin(cluster::parse_filter(taken, {}).value());
  sets.source.run("admin", R"({"renameCollection": "f.out", "to": "f.in"})");
  sets.source.run("admin", R"({"renameCollection": "f.ring_out", "to": "f.ring_in"})");
  const auto fail = [](lab::client& where, const char* command, const char* mode, const char* how) {
    where.run("admin", std::string(R"({"configureFailPoint": "failCommand", "mode": )") + mode +
                           R"(, "data": {"failCommands": [")" + command + "\"], " + how + "}}");
  };
  int number = 0;
  sets.before_each = [&] {
    if (++number == 1) {
      fail(sets.source, "getMore", R"({"times": 1})", R"("closeConnection": true)");
      fail(sets.destination, "insert", R"({"times": 1})", R"("errorCode": 10107)");
    } else {
      fail(sets.source, "getMore", R"({"times": 1})", R"("errorCode": 43)");
      fail(sets.destination, "insert", R"({"times": 2})", R"("closeConnection": true)");
    }
  };
  sets.follow();
  sets.source.run("admin", R"({"configureFailPoint": "failCommand", "mode": "off"})");
  sets.compare(taken);
}

TEST(apply_ddl_error, a_refusal_is_told_with_the_entry) {
  two_sets sets("6.0.27");
  sets.begin();
  sets.source.run("d", R"({"create": "a"})");
  sets.follow();
  // Of the destination's own making: what the source's entry meets there cannot be.
  sets.destination.run("admin", R"({"configureFailPoint": "failCommand", "mode": "alwaysOn",
      "data": {"failCommands": ["collMod"], "errorCode": 72}})");
  sets.source.run("d", R"({"collMod": "a", "validator": {"x": 1}})");
  try {
    sets.follow();
    ADD_FAILURE() << "the collMod was refused";
  } catch (const std::exception& refusal) {
    const std::string words = refusal.what();
    EXPECT_NE(words.find("code 72"), std::string::npos) << words;
    EXPECT_NE(words.find("\"validator\": {\"x\""), std::string::npos) << words;
  }
  sets.destination.run("admin", R"({"configureFailPoint": "failCommand", "mode": "off"})");
}

// Sharded clusters from 6.0 on keep the last index that carries a collection's shard key.
TEST(apply_ddl_error, an_index_that_the_destination_needs_stays_until_the_commit) {
  two_sets sets("6.0.27");
  sets.begin();
  sets.source.run("d", R"({"create": "a"})");
  sets.source.run("d", R"({"createIndexes": "a", "indexes": [{"key": {"x": 1}, "name": "first"}]})");
  sets.follow();
  sets.destination.run("admin", R"({"configureFailPoint": "failCommand", "mode": "alwaysOn",
      "data": {"failCommands": ["dropIndexes"], "errorCode": 370}})");
  sets.source.run("d", R"({"dropIndexes": "a", "index": "first"})");
  sets.source.run("d", R"({"createIndexes": "a", "indexes": [{"key": {"x": 1}, "name": "second"}]})");
  sets.follow();
  sets.destination.run("admin", R"({"configureFailPoint": "failCommand", "mode": "off"})");
  const auto left = sets.destination.run("d", R"({"listIndexes": "a"})");
  EXPECT_EQ(left.text("cursor.firstBatch.1.name"), "first");
  EXPECT_FALSE(left.has("cursor.firstBatch.2"));
}

}  // namespace
}  // namespace sluice::apply
