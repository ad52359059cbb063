// What the changes of one document come to: each rule by itself. The model test has them together.
#include "engine/apply/coalesce.hpp"

#include <iterator>

#include "bson/id_key.hpp"
#include "bson/validate.hpp"
#include "engine/apply/coalesce_build.hpp"
#include "engine/apply/coalesce_table.hpp"
#include "tests/unit/apply/window_entries.hpp"

namespace sluice::apply {
namespace {

using namespace testing;

/// The writes of one window of one collection, each as text: run, kind, what is sent; "?" where no effect is expected.
class coalesce : public ::testing::Test {
 protected:
  std::vector<std::string> writes_of(std::vector<entry> entries, shared_target to = collection("c")) {
    window open;
    for (const entry& one : entries) EXPECT_TRUE(open.add(one.change, to, one.bytes));
    plan = open.finish();
    std::vector<std::string> lines;
    std::uint64_t changes = 0;
    for (const auto& runs : plan.collections) {
      for (std::size_t run = 0; run < runs.size(); ++run) {
        for (const document_write& write : runs[run].writes) {
          lines.push_back((runs[run].ordered ? "ordered" : std::to_string(run)) + text_of(write));
          changes += write.changes;
        }
      }
    }
    EXPECT_EQ(changes, entries.size());
    EXPECT_EQ(plan.changes, entries.size());
    EXPECT_EQ(plan.writes, lines.size());
    return lines;
  }

  static std::string text_of(const document_write& write) {
    const std::string doubt = write.expects_effect ? " " : "? ";
    switch (write.kind) {
      case write_kind::insert:
        return " insert" + doubt + json(write.document);
      case write_kind::replace:
        return " replace" + doubt + json(write.document);
      case write_kind::remove:
        return " remove" + doubt + bson::value_to_json(write.id);
      case write_kind::update:
        break;
    }
    return " update" + doubt + (write.has_pipeline ? bson::array_to_json(write.pipeline) : json(write.document));
  }
  static std::string json(bson::document_view document) { return bson::to_json(document); }
  static std::string json(std::string_view text) { return bson::to_json(from_json(text)); }
  static std::string stages(std::vector<std::string> diffs) {
    bson::builder pipeline;
    for (const std::string& diff : diffs) {
      bson::builder stage;
      stage.append("oplogUpdate", from_json(R"({"$v": 2, "diff": )" + diff + "}"));
      bson::builder outer;
      outer.append("$_internalApplyOplogUpdate", stage.finish());
      pipeline.push(outer.finish());
    }
    return bson::array_to_json(pipeline.finish());
  }

  write_plan plan;
};
using lines = std::vector<std::string>;

TEST_F(coalesce, an_insert_is_an_insert) {
  EXPECT_EQ(writes_of({inserted(R"({"_id": 1, "a": 1})")}), lines{"0 insert " + json(R"({"_id": 1, "a": 1})")});
}

TEST_F(coalesce, insert_and_remove_leave_a_remove_that_expects_nothing) {
  EXPECT_EQ(
      writes_of({inserted(R"({"_id": 1})"), diffed(R"({"_id": 1})", R"({"i": {"a": 1}})"), removed(R"({"_id": 1})")}),
      lines{"0 remove? 1"});
}

TEST_F(coalesce, remove_drops_what_was_before) {
  EXPECT_EQ(writes_of({diffed(R"({"_id": 1})", R"({"u": {"a": 1}})"), replaced(R"({"_id": 1, "b": 1})"),
                       removed(R"({"_id": 1})")}),
            lines{"0 remove 1"});
}

TEST_F(coalesce, remove_then_insert_is_a_replace) {
  EXPECT_EQ(writes_of({removed(R"({"_id": 1})"), inserted(R"({"_id": 1, "a": 2})")}),
            lines{"0 replace " + json(R"({"_id": 1, "a": 2})")});
}

TEST_F(coalesce, a_document_that_was_not_there_ends_as_an_insert) {
  EXPECT_EQ(writes_of({inserted(R"({"_id": 1})"), removed(R"({"_id": 1})"), inserted(R"({"_id": 1, "a": 2})")}),
            lines{"0 insert " + json(R"({"_id": 1, "a": 2})")});
}

TEST_F(coalesce, a_whole_document_replaces_what_was_before) {
  EXPECT_EQ(writes_of({diffed(R"({"_id": 1})", R"({"u": {"a": 1}})"), replaced(R"({"_id": 1, "b": 1})")}),
            lines{"0 replace " + json(R"({"_id": 1, "b": 1})")});
  EXPECT_EQ(writes_of({inserted(R"({"_id": 1})"), diffed(R"({"_id": 1})", R"({"i": {"a": 1}})"),
                       replaced(R"({"_id": 1, "b": 1})")}),
            lines{"0 insert " + json(R"({"_id": 1, "b": 1})")});
}

TEST_F(coalesce, equal_ids_of_different_types_are_one_document) {
  EXPECT_EQ(writes_of({inserted(R"({"_id": 1})"), replaced(R"({"_id": {"$numberDouble": "1.0"}, "b": 1})")}),
            lines{"0 insert " + json(R"({"_id": {"$numberDouble": "1.0"}, "b": 1})")});
  EXPECT_EQ(writes_of({inserted(R"({"_id": {"n": {"$numberLong": "1"}}})"), removed(R"({"_id": {"n": 1}})")}).size(),
            1U);
}

TEST_F(coalesce, updates_after_an_insert_are_the_next_run) {
  EXPECT_EQ(writes_of({inserted(R"({"_id": 1, "a": 1})"), diffed(R"({"_id": 1})", R"({"u": {"a": 2}})"),
                       diffed(R"({"_id": 1})", R"({"u": {"a": 3}})")}),
            (lines{"0 insert " + json(R"({"_id": 1, "a": 1})"), "1 update " + json(R"({"$set": {"a": 3}})")}));
}

TEST_F(coalesce, an_insert_over_a_document_claims_nothing) {
  EXPECT_EQ(writes_of({inserted(R"({"_id": 1, "a": 1})"), inserted(R"({"_id": 1, "a": 2})")}),
            lines{"0 insert? " + json(R"({"_id": 1, "a": 2})")});
  EXPECT_EQ(writes_of({diffed(R"({"_id": 1})", R"({"u": {"a": 2}})"), inserted(R"({"_id": 1, "a": 2})")}),
            lines{"0 replace? " + json(R"({"_id": 1, "a": 2})")});
}

TEST_F(coalesce, plain_diffs_merge_by_last_value) {
  EXPECT_EQ(writes_of({diffed(R"({"_id": 1})", R"({"d": {"x": false}, "u": {"a": 1, "b": 1}})"),
                       diffed(R"({"_id": 1})", R"({"u": {"b": {"n": 2}, "c": 2}})"),
                       diffed(R"({"_id": 1})", R"({"d": {"a": false}})")}),
            lines{"0 update " + json(R"({"$set": {"b": {"n": 2}, "c": 2}, "$unset": {"x": false, "a": false}})")});
}

TEST_F(coalesce, a_field_that_comes_back_ends_merging) {
  const lines diffs{R"({"d": {"a": false}})", R"({"u": {"a": 1}})"};
  EXPECT_EQ(writes_of({diffed(R"({"_id": 1})", diffs[0]), diffed(R"({"_id": 1})", diffs[1])}),
            lines{"0 update " + stages(diffs)});
}

TEST_F(coalesce, a_sequence_with_other_diffs_is_one_pipeline_of_all) {
  const lines diffs{R"({"u": {"a": 1}})", R"({"i": {"b": 1}})", R"({"u": {"a": 2}})",
                    R"({"sc": {"a": true, "u3": 1}})"};
  std::vector<entry> entries;
  for (const std::string& diff : diffs) entries.push_back(diffed(R"({"_id": 1})", diff));
  EXPECT_EQ(writes_of(entries), lines{"0 update " + stages(diffs)});
}

TEST_F(coalesce, an_empty_diff_needs_no_stage) {
  EXPECT_EQ(writes_of({diffed(R"({"_id": 1})", R"({"i": {"b": 1}})"), diffed(R"({"_id": 1})", "{}")}),
            lines{"0 update " + stages({R"({"i": {"b": 1}})"})});
}

TEST_F(coalesce, pipelines_end_at_1000_stages) {
  std::vector<entry> entries;
  for (int at = 0; at < 2001; ++at) entries.push_back(diffed(R"({"_id": 1})", R"({"i": {"b": 1}})"));
  EXPECT_EQ(writes_of(entries).size(), 3U);
  ASSERT_EQ(plan.collections[0].size(), 3U);
  for (const std::size_t run : {0U, 1U, 2U}) {
    const bson::document_view pipeline = plan.collections[0][run].writes.at(0).pipeline;
    EXPECT_EQ(std::distance(pipeline.begin(), pipeline.end()), run < 2 ? 1000 : 1);
    EXPECT_FALSE(bson::validate(pipeline.bytes()));
  }
}

TEST_F(coalesce, pipelines_stay_far_below_16_mib) {
  std::vector<entry> entries;
  const std::string large(5 * 1024 * 1024, 'x');
  for (int at = 0; at < 3; ++at) entries.push_back(diffed(R"({"_id": 1})", R"({"i": {"b": ")" + large + "\"}}"));
  EXPECT_EQ(writes_of(entries).size(), 3U);
}

TEST_F(coalesce, many_distinct_fields_go_unmerged_but_together) {
  std::vector<entry> entries;
  lines diffs;
  for (int at = 0; at < 100; ++at) {
    diffs.push_back(R"({"u": {"f)" + std::to_string(at) + R"(": 1}})");
    entries.push_back(diffed(R"({"_id": 1})", diffs.back()));
  }
  EXPECT_EQ(writes_of(entries), lines{"0 update " + stages(diffs)});
}

entry modified(std::string_view fields) {
  return updated(R"({"_id": 1})", R"({"$v": 1, )" + std::string(fields) + "}");
}

TEST_F(coalesce, modifiers_go_without_their_version) {
  EXPECT_EQ(writes_of({modified(R"("$set": {"a.b": 1}, "$unset": {"c": true})")}),
            lines{"0 update " + json(R"({"$set": {"a.b": 1}, "$unset": {"c": true}})")});
}

TEST_F(coalesce, modifiers_of_the_same_paths_merge) {
  std::vector<entry> entries;
  for (int at = 0; at <= 500; ++at) {
    entries.push_back(modified(R"("$set": {"a.b": )" + std::to_string(at) + R"(, "n": 1})"));
  }
  EXPECT_EQ(writes_of(entries), lines{"0 update " + json(R"({"$set": {"a.b": 500, "n": 1}})")});
}

TEST_F(coalesce, modifiers_that_add_behind_merge) {
  EXPECT_EQ(writes_of({modified(R"("$set": {"l.10": 1})"), modified(R"("$set": {"l.11": 1})")}),
            lines{"0 update " + json(R"({"$set": {"l.10": 1, "l.11": 1}})")});
}

TEST_F(coalesce, modifiers_whose_order_matters_do_not_merge) {
  using pair = std::pair<const char*, const char*>;
  for (const auto& [first, second] : {pair{R"("$set": {"b": 1})", R"("$set": {"a": 1})"},         // a would come first
                                      pair{R"("$set": {"a-": 1})", R"("$set": {"a.b": 1})"},      // by component
                                      pair{R"("$set": {"l.9": 1})", R"("$set": {"l.10": 1})"},    // by number
                                      pair{R"("$set": {"a": {}})", R"("$set": {"a.b": 1})"},      // within
                                      pair{R"("$set": {"a.b": 1})", R"("$unset": {"a": true})"},  // around
                                      pair{R"("$set": {"a.b": 1})", R"("$unset": {"a.b": true})"},  // leaves an `a`
                                      pair{R"("$unset": {"a": true})", R"("$set": {"a": 1})"}}) {   // moves to the end
    EXPECT_EQ(writes_of({modified(first), modified(second)}).size(), 2U) << first << ", " << second;
  }
  EXPECT_EQ(writes_of({modified(R"("$set": {"a": 1})"), modified(R"("$unset": {"a": true})")}).size(), 1U);
}

TEST_F(coalesce, a_modifier_whose_new_fields_another_version_orders_differently_is_taken_apart) {
  EXPECT_EQ(writes_of({modified(R"("$set": {"10": 1, "9": 2}, "$unset": {"c": true})")}),
            (lines{"0 update " + json(R"({"$set": {"10": 1}, "$unset": {"c": true}})"),
                   "1 update " + json(R"({"$set": {"9": 2}})")}));
}

TEST_F(coalesce, a_hot_document_that_does_not_merge_is_one_ordered_run) {
  std::vector<entry> entries{inserted(R"({"_id": 2})")};
  for (int at = 0; at < 50; ++at) {
    entries.push_back(modified(R"("$set": {"a": {}})"));
    entries.push_back(modified(R"("$set": {"a.b": 1})"));
  }
  EXPECT_EQ(writes_of(entries).size(), 101U);
  const auto& runs = plan.collections.at(0);
  ASSERT_EQ(runs.size(), 5U);
  EXPECT_EQ(runs[0].writes.size(), 2U);
  for (std::size_t run = 0; run < 4; ++run) EXPECT_FALSE(runs[run].ordered);
  EXPECT_TRUE(runs[4].ordered);
  EXPECT_EQ(runs[4].writes.size(), 96U);
}

// The free check of the key that the window makes itself for the usual types.
TEST(coalesce_table, keys_are_those_of_id_key) {
  const bson::document ids = from_json(
      R"({"a": {"$oid": "00112233445566778899aabb"}, "b": 7, "c": {"$numberLong": "-7"}, "d": {"$numberDouble": "7.0"},
          "e": {"$numberDouble": "7.5"}, "f": "text", "g": "", "h": {"$date": {"$numberLong": "5"}}, "i": null,
          "j": {"$binary": {"base64": "AAECAw==", "subType": "04"}}, "k": {"x": 1, "y": [1, "z"]}, "l": true,
          "m": {"$timestamp": {"t": 1, "i": 2}}, "n": {"$minKey": 1}, "o": {"$numberDecimal": "7.00"},
          "p": {"$symbol": "text"}, "q": -1})");
  std::vector<std::byte> key;
  for (const bson::element_view id : ids.view()) {
    write_id_key(id, key);
    const std::string wanted = bson::id_key(id);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(key.data()), key.size()), wanted) << id.key();
  }
}

TEST(coalesce_table, finds_every_document_of_every_collection_again) {
  coalesce_table table;
  arena keys;
  for (const std::uint32_t documents : {5000U, 3U, 300U}) {  // large, then small windows in the same memory
    for (int round = 0; round < 2; ++round) {
      for (std::uint32_t n = 0; n < documents; ++n) {
        for (const std::uint32_t in : {0U, 1U}) {
          const document_changes& found = table.at(in, std::as_bytes(std::span(&n, 1)), keys);
          const auto& expected = table.entries()[2 * n + in];
          EXPECT_EQ(&found, &expected.changes);
          EXPECT_EQ(expected.collection, in);
        }
      }
    }
    EXPECT_EQ(table.entries().size(), 2 * documents);
    table.clear();
    EXPECT_TRUE(table.entries().empty());
    keys.reset();
  }
}

}  // namespace
}  // namespace sluice::apply
