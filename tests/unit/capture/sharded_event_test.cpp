// Events as a mongos of 5.0 gives them, and the entries that they stand for.
#include "engine/capture/sharded_event.hpp"

#include "tests/unit/capture/oplog_entries.hpp"

namespace sluice::capture {
namespace {

using namespace testing;

sharded_event event_of(const std::string& fields, const std::string& coll = R"(, "coll": "c")") {
  const auto event = from_json(R"({"_id": {"_data": "82"}, "clusterTime": {"$timestamp": {"t": 7, "i": 1}},
                                  "ns": {"db": "db")" +
                               coll + "}, " + fields + "}");
  auto read = read_sharded_event(event);
  if (!read) throw std::runtime_error(read.error().message);
  EXPECT_EQ(read.value().at, at(7));
  return std::move(read.value());
}

/// As one line, as the applier gets it.
std::string entry_line(const bson::document& from) {
  const auto entry = read_entry(from.view());
  if (!entry) return entry.error().message;
  EXPECT_EQ(entry.value().at, at(7));
  EXPECT_TRUE(entry.value().uuid.empty());
  return std::string(from.view().find("op").as_string().value()) + " " + std::string(entry.value().ns) + " " +
         bson::to_json(entry.value().o) + (entry.value().o2.empty() ? "" : " " + bson::to_json(entry.value().o2));
}
/// As this builder writes JSON.
std::string json(std::string_view text) {
  return bson::to_json(from_json(text));
}

TEST(sharded_event, whole_documents_are_taken_at_their_word) {
  const auto insert = event_of(R"("operationType": "insert", "documentKey": {"k": 5, "_id": 1},
                                  "fullDocument": {"_id": 1, "k": 5})");
  EXPECT_EQ(entry_line(insert.entry), "i db.c " + json(R"({"_id": 1, "k": 5})"));
  EXPECT_FALSE(insert.read_again);
  const auto replace = event_of(R"("operationType": "replace", "documentKey": {"k": 5, "_id": 1},
                                   "fullDocument": {"_id": 1, "k": 5, "z": 1})");
  EXPECT_EQ(entry_line(replace.entry), "u db.c " + json(R"({"_id": 1, "k": 5, "z": 1})") + " " + json(R"({"_id": 1})"));
  EXPECT_FALSE(replace.read_again);
}

TEST(sharded_event, updates_and_deletes_are_read_again) {
  const auto update = event_of(R"("operationType": "update", "documentKey": {"k": 5, "_id": "x"})");
  EXPECT_TRUE(update.read_again);
  EXPECT_EQ(update.op(), "u");
  EXPECT_EQ(update.ns(), "db.c");
  EXPECT_EQ(update.id().as_string(), "x");
  const auto there = from_json(R"({"_id": "x", "k": 6, "a": {"b": 1}})");
  EXPECT_EQ(entry_line(entry_of_document(update, there)),
            "u db.c " + json(R"({"_id": "x", "k": 6, "a": {"b": 1}})") + " " + json(R"({"_id": "x"})"));

  const auto removed = event_of(R"("operationType": "delete", "documentKey": {"k": 5, "_id": "x"})");
  EXPECT_TRUE(removed.read_again);
  EXPECT_EQ(removed.id().as_string(), "x");
  // Where it is gone from all shards.
  EXPECT_EQ(entry_line(removed.entry), "d db.c " + json(R"({"_id": "x"})"));
  // Where another shard has it.
  EXPECT_EQ(entry_line(entry_of_document(removed, there)),
            "u db.c " + json(R"({"_id": "x", "k": 6, "a": {"b": 1}})") + " " + json(R"({"_id": "x"})"));
}

TEST(sharded_event, drops_and_renames) {
  EXPECT_EQ(entry_line(event_of(R"("operationType": "drop")").entry), "c db.$cmd " + json(R"({"drop": "c"})"));
  EXPECT_EQ(entry_line(event_of(R"("operationType": "dropDatabase")", "").entry),
            "c db.$cmd " + json(R"({"dropDatabase": 1})"));
  EXPECT_EQ(entry_line(event_of(R"("operationType": "rename", "to": {"db": "db", "coll": "d.e"})").entry),
            "c db.$cmd " + json(R"({"renameCollection": "db.c", "to": "db.d.e", "stayTemp": false})"));
}

TEST(sharded_event, what_is_not_understood_is_refused_with_the_event) {
  for (const auto* fields : {R"("operationType": "reshardCollection")", R"("operationType": "invalidate")",
                             R"("operationType": "rename")", R"("operationType": "insert", "documentKey": {"_id": 1})",
                             R"("operationType": "update", "documentKey": {"k": 1})"}) {
    const auto event =
        from_json(R"({"clusterTime": {"$timestamp": {"t": 7, "i": 1}}, "ns": {"db": "db", "coll": "c"}, )" +
                  std::string(fields) + "}");
    const auto read = read_sharded_event(event);
    ASSERT_FALSE(read) << fields;
    EXPECT_EQ(read.error().kind, error_kind::protocol);
    EXPECT_NE(read.error().message.find("operationType"), std::string::npos) << read.error().message;
  }
  EXPECT_FALSE(read_sharded_event(from_json(R"({"operationType": "drop", "ns": {"db": "db", "coll": "c"}})")));
}

}  // namespace
}  // namespace sluice::capture
