// Events as 6.0.27 writes them, and the entries that they stand for.
#include "engine/capture/stream_event.hpp"

#include "tests/unit/capture/oplog_entries.hpp"

namespace sluice::capture {
namespace {

using namespace testing;

constexpr std::string_view uuid = R"({"$binary": {"base64": "qA5622+SSmm0H5U9aFW5Mw==", "subType": "04"}})";

/// The entries of an event of db.c, as JSON without what all have.
lines entries_of(const std::string& fields, bool with_uuid = true) {
  const auto event = from_json(R"({"_id": {"_data": "82"}, "clusterTime": {"$timestamp": {"t": 7, "i": 1}}, )" +
                               (with_uuid ? R"("collectionUUID": )" + std::string(uuid) + ", " : std::string()) +
                               R"("ns": {"db": "db", "coll": "c"}, )" + fields + "}");
  const auto read = read_stream_event(event);
  if (!read) return {read.error().message};
  EXPECT_EQ(read.value().at, at(7));
  lines found;
  for (const auto& one : read.value().entries) {
    const auto entry = read_entry(one.view());
    if (!entry) return {entry.error().message};
    EXPECT_EQ(entry.value().at, at(7));
    EXPECT_EQ(entry.value().uuid.size(), with_uuid ? 16U : 0U);
    found.push_back(std::string(one.view().find("op").as_string().value()) + " " + std::string(entry.value().ns) + " " +
                    bson::to_json(entry.value().o) +
                    (entry.value().o2.empty() ? "" : " " + bson::to_json(entry.value().o2)));
  }
  return found;
}
/// As this builder writes JSON.
std::string json(std::string_view text) {
  return bson::to_json(from_json(text));
}

TEST(stream_event, changes_of_documents) {
  EXPECT_EQ(entries_of(R"("operationType": "insert", "documentKey": {"_id": 1}, "fullDocument": {"_id": 1, "a": 2})"),
            lines{"i db.c " + json(R"({"_id": 1, "a": 2})")});
  EXPECT_EQ(entries_of(R"("operationType": "replace", "documentKey": {"_id": 1}, "fullDocument": {"_id": 1})"),
            lines{"u db.c " + json(R"({"_id": 1})") + " " + json(R"({"_id": 1})")});
  EXPECT_EQ(entries_of(R"("operationType": "update", "documentKey": {"_id": 1},
                          "rawUpdateDescription": {"$v": 2, "diff": {"u": {"a": 3}}})"),
            lines{"u db.c " + json(R"({"$v": 2, "diff": {"u": {"a": 3}}})") + " " + json(R"({"_id": 1})")});
  EXPECT_EQ(entries_of(R"("operationType": "delete", "documentKey": {"_id": 1})"),
            lines{"d db.c " + json(R"({"_id": 1})")});
}

TEST(stream_event, changes_of_the_catalog) {
  EXPECT_EQ(entries_of(R"("operationType": "create", "operationDescription": {"capped": true, "idIndex": {"v": 2}})"),
            lines{"c db.$cmd " + json(R"({"create": "c", "capped": true, "idIndex": {"v": 2}})")});
  EXPECT_EQ(entries_of(R"("operationType": "createIndexes", "operationDescription": {"indexes": [{"name": "a"}]})"),
            lines{"c db.$cmd " + json(R"({"createIndexes": "c", "indexes": [{"name": "a"}]})")});
  const lines two{"c db.$cmd " + json(R"({"dropIndexes": "c", "index": "a"})"),
                  "c db.$cmd " + json(R"({"dropIndexes": "c", "index": "b"})")};
  EXPECT_EQ(entries_of(R"("operationType": "dropIndexes",
                          "operationDescription": {"indexes": [{"name": "a"}, {"name": "b"}]})"),
            two);
  EXPECT_EQ(entries_of(R"("operationType": "modify", "operationDescription": {"validator": {}})"),
            lines{"c db.$cmd " + json(R"({"collMod": "c", "validator": {}})")});
  EXPECT_EQ(entries_of(R"("operationType": "drop")"), lines{"c db.$cmd " + json(R"({"drop": "c"})")});
  EXPECT_EQ(entries_of(R"("operationType": "dropDatabase")", false),
            lines{"c db.$cmd " + json(R"({"dropDatabase": 1})")});
  EXPECT_EQ(entries_of(R"("operationType": "rename", "to": {"db": "x", "coll": "y.z"},
                          "operationDescription": {"to": {"db": "x", "coll": "y.z"}, "dropTarget": 5})"),
            lines{"c db.$cmd " + json(R"({"renameCollection": "db.c", "to": "x.y.z", "stayTemp": false,
                                          "dropTarget": 5})")});
}

TEST(stream_event, views_are_rows_of_their_collection) {
  EXPECT_EQ(entries_of(R"("operationType": "create", "operationDescription": {"viewOn": "b", "pipeline": []})", false),
            lines{"i db.system.views " + json(R"({"_id": "db.c", "viewOn": "b", "pipeline": []})")});
  EXPECT_EQ(entries_of(R"("operationType": "modify", "operationDescription": {"viewOn": "d", "pipeline": []})", false),
            lines{"u db.system.views " + json(R"({"$v": 2, "diff": {"u": {"viewOn": "d", "pipeline": []}}})") + " " +
                  json(R"({"_id": "db.c"})")});
  EXPECT_EQ(entries_of(R"("operationType": "drop")", false), lines{"d db.system.views " + json(R"({"_id": "db.c"})")});
}

TEST(stream_event, what_is_not_known_is_refused) {
  for (const auto* fields :
       {R"("operationType": "shardCollection")", R"("operationType": "insert", "documentKey": {"_id": 1})",
        R"("operationType": "update", "documentKey": {"_id": 1}, "updateDescription": {"updatedFields": {}}})",
        R"("operationType": "dropIndexes", "operationDescription": {})", R"("operationType": "rename")"}) {
    std::string text = fields;
    if (text.ends_with("}}")) text.pop_back();
    const auto found = entries_of(text);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_TRUE(contains(found.front(), "change stream holds an event")) << found.front();
  }
  EXPECT_FALSE(read_stream_event(from_json(R"({"operationType": "drop", "ns": {"db": "db", "coll": "c"}})")));
}

TEST(stream_event, tokens_tell_a_time) {
  const bson::timestamp wanted{0x6B05795E, 0x45};
  EXPECT_EQ(time_of_token(from_json(R"({"_data": "826B05795E000000452B0229296E04"})")), wanted);
  for (const auto* bad : {R"({})", R"({"_data": 1})", R"({"_data": "836B05795E00000045"})",
                          R"({"_data": "826B05795E"})", R"({"_data": "826B05795EG0000045"})"}) {
    EXPECT_FALSE(time_of_token(from_json(bad))) << bad;
  }
}

}  // namespace
}  // namespace sluice::capture
