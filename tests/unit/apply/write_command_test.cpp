// Which writes go together, and the bytes of the commands.
#include "engine/apply/write_command.hpp"

#include <numeric>
#include <string>

#include <gtest/gtest.h>

#include "bson/extended_json.hpp"
#include "bson/validate.hpp"
#include "engine/wire/server_error.hpp"
#include "tests/unit/apply/window_entries.hpp"

namespace sluice::apply {
namespace {

using testing::collection;
using testing::from_json;

/// Writes and what they point to.
class written {
 public:
  explicit written(shared_target to = collection("c")) { run.to = std::move(to); }

  written& add(write_kind kind, std::string_view document) {
    documents_.push_back(std::make_unique<bson::document>(from_json(document)));
    document_write write;
    write.kind = kind;
    write.document = documents_.back()->view();
    write.id = write.document.find("_id");
    run.writes.push_back(write);
    return *this;
  }
  written& update(std::string_view id, std::string_view modifier) {
    add(write_kind::update, id);
    documents_.push_back(std::make_unique<bson::document>(from_json(modifier)));
    run.writes.back().document = documents_.back()->view();
    return *this;
  }
  /// `stages`: {"0": {...}, ...}
  written& pipeline(std::string_view id, std::string_view stages) {
    update(id, stages);
    run.writes.back().pipeline = run.writes.back().document;
    run.writes.back().has_pipeline = true;
    return *this;
  }

  write_run run;

 private:
  std::vector<std::unique_ptr<bson::document>> documents_;
};

std::string array_of(write_encoder& encoder, const write_piece& piece, bool bypass = true) {
  encoder.encode(piece, {.bypass_empty_timestamp = bypass});
  const auto fault = bson::validate(encoder.array());
  if (fault) return "invalid: " + std::string(fault->reason);
  return std::string(encoder.array_name()) + " " + bson::array_to_json(bson::document_view(encoder.array().data()));
}

std::string only_command(const written& all, bool bypass = true) {
  const auto pieces = cut(all.run, 4);
  if (pieces.size() != 1) return std::to_string(pieces.size()) + " pieces";
  write_encoder encoder;
  return array_of(encoder, pieces.front(), bypass);
}

std::string spaceless(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
  return text;
}

#define EXPECT_COMMAND(made, expected) EXPECT_EQ(spaceless(made), spaceless(expected))

TEST(write_command, inserts_are_an_array_of_the_documents) {
  written all;
  all.add(write_kind::insert, R"({"_id": 1, "a": "x"})").add(write_kind::insert, R"({"_id": {"b": 2}})");
  EXPECT_COMMAND(only_command(all), R"(documents [{"_id": 1, "a": "x"}, {"_id": {"b": 2}}])");
}

TEST(write_command, the_head_names_the_collection_and_asks_for_one_acknowledgement) {
  written all;
  all.add(write_kind::insert, R"({"_id": 1})");
  write_encoder encoder;
  encoder.encode(cut(all.run, 1).front(), {.bypass_empty_timestamp = true});
  EXPECT_EQ(spaceless(bson::to_json(encoder.head())),
            spaceless(R"({"insert": "c", "ordered": false, "bypassDocumentValidation": true,
                          "bypassEmptyTsReplacement": true, "writeConcern": {"w": 1}})"));
  encoder.encode(cut(all.run, 1).front(), {});
  EXPECT_FALSE(encoder.head().view().find("bypassEmptyTsReplacement"));
  all.run.ordered = true;
  encoder.encode(cut(all.run, 1).front(), {.bypass_empty_timestamp = true});
  EXPECT_EQ(encoder.head().view().find("ordered").as_bool(), true);
}

// Replies of a mongos tell no term by which a later write could fence it.
TEST(write_command, a_majority_is_waited_for_where_nothing_else_says_that_a_write_stays) {
  for (const auto kind : {write_kind::insert, write_kind::replace, write_kind::remove}) {
    written all;
    all.add(kind, R"({"_id": 1})");
    write_encoder encoder;
    encoder.encode(cut(all.run, 1).front(), {.by_majority = true});
    EXPECT_EQ(encoder.head().view().at("writeConcern", "w").as_string(), "majority");
    encoder.encode(cut(all.run, 1).front(), {.by_majority = false});
    EXPECT_EQ(encoder.head().view().at("writeConcern", "w").as_int32(), 1);
  }
}

TEST(write_command, removes_are_one_statement) {
  written all;
  all.add(write_kind::remove, R"({"_id": 1})").add(write_kind::remove, R"({"_id": "x"})");
  all.add(write_kind::remove, R"({"_id": {"$ref": "a", "$id": 1}})");
  EXPECT_COMMAND(only_command(all),
                 R"(deletes [{"q": {"_id": {"$in": [1, "x", {"$ref": "a", "$id": 1}]}}, "limit": 0}])");
  write_encoder encoder;
  encoder.encode(cut(all.run, 1).front(), {.bypass_empty_timestamp = true});
  EXPECT_FALSE(encoder.head().view().find("bypassDocumentValidation"));  // delete does not know it
}

// There $in would scan all that lies between.
TEST(write_command, removes_of_a_clustered_collection_are_a_statement_each) {
  written all(std::make_shared<const target>(target{.ns = {"db", "c"}, .clustered = true}));
  all.add(write_kind::remove, R"({"_id": 1})").add(write_kind::remove, R"({"_id": 900})");
  EXPECT_COMMAND(only_command(all), R"(deletes [{"q": {"_id": 1}, "limit": 1}, {"q": {"_id": 900}, "limit": 1}])");
}

TEST(write_command, updates_are_modifiers_or_pipelines) {
  written all;
  all.update(R"({"_id": 1})", R"({"$set": {"a": 1}})").pipeline(R"({"_id": 2})", R"({"0": {"$a": 1}, "1": {"$b": 2}})");
  EXPECT_COMMAND(only_command(all), R"(updates [{"q": {"_id": 1}, "u": {"$set": {"a": 1}}},
                                                {"q": {"_id": 2}, "u": [{"$a": 1}, {"$b": 2}]}])");
}

TEST(write_command, ids_that_look_like_operators_are_asked_for_with_eq) {
  written all;
  all.update(R"({"_id": {"$ref": "a", "$id": 1}})", R"({"$set": {"a": 1}})");
  all.update(R"({"_id": {"a": 1}})", R"({"$set": {"a": 1}})");
  EXPECT_COMMAND(only_command(all),
                 R"(updates [{"q": {"_id": {"$eq": {"$ref": "a", "$id": 1}}}, "u": {"$set": {"a": 1}}},
                             {"q": {"_id": {"a": 1}}, "u": {"$set": {"a": 1}}}])");
}

TEST(write_command, replaces_insert_what_is_not_there) {
  written all;
  all.add(write_kind::replace, R"({"_id": 1, "a": {"$b": 1, "c.d": 2}})");
  EXPECT_COMMAND(only_command(all),
                 R"(updates [{"q": {"_id": 1}, "u": {"_id": 1, "a": {"$b": 1, "c.d": 2}}, "upsert": true}])");
}

TEST(write_command, replaces_with_names_that_a_replacement_cannot_have_are_literals) {
  for (const std::string document : {R"({"_id": 1, "$x": 1})", R"({"_id": 1, "a.b": 1})", R"({"_id": 1, "": 1})",
                                     R"({"$set": {"a": 1}, "_id": 1})", R"({"_id": 1, "$v": 1})"}) {
    written all;
    all.add(write_kind::replace, document);
    EXPECT_COMMAND(only_command(all), R"(updates [{"q": {"_id": 1}, "u": [{"$replaceWith": {"$literal": )" + document +
                                          R"(}}], "upsert": true}])");
  }
}

const std::string zero = R"({"$timestamp": {"t": 0, "i": 0}})";

TEST(write_command, zero_timestamps_are_seen_at_the_top_only) {
  EXPECT_TRUE(holds_zero_timestamp(from_json(R"({"_id": 1, "a": )" + zero + "}")));
  EXPECT_FALSE(holds_zero_timestamp(from_json(R"({"_id": )" + zero + "}")));
  EXPECT_FALSE(holds_zero_timestamp(from_json(R"({"_id": 1, "a": {"b": )" + zero + "}}")));
  EXPECT_FALSE(holds_zero_timestamp(from_json(R"({"_id": 1, "a": 0.0})")));
  EXPECT_FALSE(holds_zero_timestamp(from_json(R"({"_id": 1, "a": {"$timestamp": {"t": 1, "i": 0}}})")));
}

TEST(write_command, zero_timestamps_go_as_literals_where_the_server_would_fill_them_in) {
  written all;
  all.add(write_kind::replace, R"({"_id": 1, "a": )" + zero + "}");
  EXPECT_COMMAND(only_command(all, true),
                 R"(updates [{"q": {"_id": 1}, "u": {"_id": 1, "a": )" + zero + R"(}, "upsert": true}])");
  EXPECT_COMMAND(only_command(all, false),
                 R"(updates [{"q": {"_id": 1}, "u": [{"$replaceWith": {"$literal": {"_id": 1, "a": )" + zero +
                     R"(}}}], "upsert": true}])");
}

TEST(write_command, inserts_with_zero_timestamps_are_left_out_where_the_server_would_fill_them_in) {
  written all;
  for (const int id : {0, 1, 2, 3, 4}) {
    const std::string field = id == 1 || id == 3 ? zero : "1";
    all.add(write_kind::insert, R"({"_id": )" + std::to_string(id) + R"(, "a": )" + field + "}");
  }
  write_encoder encoder;
  auto piece = cut(all.run, 1).front();
  EXPECT_COMMAND(array_of(encoder, piece, false),
                 R"(documents [{"_id": 0, "a": 1}, {"_id": 2, "a": 1}, {"_id": 4, "a": 1}])");
  ASSERT_EQ(encoder.left_out().size(), 2U);
  EXPECT_EQ(encoder.left_out()[0], 1U);
  EXPECT_EQ(encoder.left_out()[1], 3U);
  EXPECT_EQ(encoder.write_of(0), 0U);
  EXPECT_EQ(encoder.write_of(1), 2U);
  EXPECT_EQ(encoder.write_of(2), 4U);
  // In order nothing may pass the first of them.
  piece.ordered = true;
  EXPECT_COMMAND(array_of(encoder, piece, false), R"(documents [{"_id": 0, "a": 1}])");
  EXPECT_COMMAND(array_of(encoder, piece, true).substr(0, 22), R"(documents [{"_id": 0, )");
  EXPECT_TRUE(encoder.left_out().empty());
}

TEST(write_command, a_run_is_cut_by_kind) {
  written all;
  all.add(write_kind::insert, R"({"_id": 1})").add(write_kind::insert, R"({"_id": 2})");
  all.add(write_kind::remove, R"({"_id": 3})").add(write_kind::insert, R"({"_id": 4})");
  const auto pieces = cut(all.run, 4);
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_EQ(pieces[0].writes.size(), 2U);
  EXPECT_EQ(pieces[1].kind, write_kind::remove);
  EXPECT_EQ(pieces[2].writes.data(), all.run.writes.data() + 3);
}

TEST(write_command, a_run_is_shared_by_the_connections) {
  written all;
  for (int id = 0; id < 2200; ++id) all.add(write_kind::insert, R"({"_id": )" + std::to_string(id) + "}");
  EXPECT_EQ(cut(all.run, 1).size(), 1U);
  const auto four = cut(all.run, 4);
  ASSERT_EQ(four.size(), 4U);
  for (const auto& piece : four) EXPECT_EQ(piece.writes.size(), 550U);
  // Not into crumbs.
  EXPECT_EQ(cut(all.run, 100).size(), 5U);
  // In order there is nothing to share.
  all.run.ordered = true;
  EXPECT_EQ(cut(all.run, 4).size(), 1U);
}

TEST(write_command, pieces_keep_their_bounds) {
  written all;
  for (int id = 0; id < 100; ++id) {
    all.add(write_kind::insert, R"({"_id": )" + std::to_string(id) + R"(, "x": ")" + std::string(1000, 'x') + "\"}");
  }
  const auto count = [&](const piece_limits& bounds) {
    const auto pieces = cut(all.run, 1, bounds);
    EXPECT_EQ(std::accumulate(pieces.begin(), pieces.end(), std::size_t{0},
                              [](std::size_t sum, const write_piece& one) { return sum + one.writes.size(); }),
              100U);
    return pieces.size();
  };
  EXPECT_EQ(count({.bytes_max = 10'500}), 10U);
  EXPECT_EQ(count({.bytes_max = 1}), 100U);  // one write may be larger
  EXPECT_EQ(count({.inserts_max = 50}), 2U);
  EXPECT_EQ(count({.insert_id_bytes_max = 40}), 10U);  // of four bytes each
}

write_reply read(std::string_view json) {
  const auto reply = from_json(json);
  auto said = read_write_reply(reply, "host:1");
  EXPECT_TRUE(said);
  return said ? std::move(said.value()) : write_reply{};
}

TEST(write_command, replies_are_read) {
  const auto said = read(R"({"n": 7, "upserted": [{"index": 2, "_id": 1}, {"index": 5, "_id": 1}],
      "opTime": {"ts": {"$timestamp": {"t": 1, "i": 1}}, "t": {"$numberLong": "12"}},
      "electionId": {"$oid": "7fffffff000000000000000c"}, "ok": 1.0,
      "writeErrors": [{"index": 3, "code": 11000, "errmsg": "E11000"}, {"index": 4, "code": 28, "errmsg": "no"}]})");
  EXPECT_EQ(said.n, 7);
  EXPECT_EQ(said.upserted, (std::vector<std::size_t>{2, 5}));
  EXPECT_EQ(said.term.term, 12);
  ASSERT_EQ(said.refused.size(), 2U);
  EXPECT_EQ(said.refused[0].statement, 3U);
  EXPECT_EQ(said.refused[1].code, 28);
  EXPECT_EQ(said.refused[1].message, "no");
  EXPECT_FALSE(read(R"({"n": 1, "ok": 1})").term.known());
}

TEST(write_command, what_is_worth_a_retry_is_an_error_of_the_whole) {
  for (const char* json :
       {R"({"n": 1, "ok": 1, "writeErrors": [{"index": 0, "code": 11602, "errmsg": "stepped down"}]})",
        R"({"n": 1, "ok": 1, "writeConcernError": {"code": 91, "errmsg": "shutting down"}})"}) {
    const auto reply = from_json(json);
    const auto said = read_write_reply(reply, "host:1");
    ASSERT_TRUE(said.has_error()) << json;
    EXPECT_TRUE(wire::is_retryable(said.error())) << json;
  }
}

// A document may be on two shards while changes come again: each of the two gets them.
TEST(write_command, updates_of_a_scattered_collection_reach_every_shard) {
  const auto id = bson::builder().append("_id", 1).finish();
  const auto change = bson::builder().open_document("$set").append("a", 1).close().finish();
  for (const bool scattered : {false, true}) {
    const target to{.ns = {"d", "c"}, .scattered = scattered};
    document_write write;
    write.kind = write_kind::update;
    write.id = id.view().find("_id");
    write.document = change;
    write_encoder encoder;
    encoder.encode({&to, write_kind::update, false, {&write, 1}}, {});
    const auto statement = bson::document_view(encoder.array().data()).find("0").as_document();
    ASSERT_TRUE(statement);
    EXPECT_EQ(statement->find("multi").as_bool().value_or(false), scattered);
  }
}

}  // namespace
}  // namespace sluice::apply
