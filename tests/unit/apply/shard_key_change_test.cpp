// Which updates may move a document to another shard: none that does is missed, and most that do not are told.
#include "engine/apply/shard_key_change.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/unit/apply/window_entries.hpp"

namespace sluice::apply {
namespace {

using testing::from_json;

constexpr const char* key = R"({"customer.id": 1, "_id": "hashed"})";

bool reached_by_modifier(std::string_view modifier, std::string_view shard_key = key) {
  const auto document = from_json(modifier);
  document_write update;
  update.kind = write_kind::update;
  update.document = document;
  return may_change_shard_key(update, from_json(shard_key));
}

/// `stages`: {"0": {...}, ...}
bool reached_by_pipeline(std::string_view stages, std::string_view shard_key = key) {
  const auto document = from_json(stages);
  document_write update;
  update.kind = write_kind::update;
  update.pipeline = document;
  update.has_pipeline = true;
  return may_change_shard_key(update, from_json(shard_key));
}

std::string stage(const std::string& diff) {
  return R"({"$_internalApplyOplogUpdate": {"oplogUpdate": {"$v": 2, "diff": )" + diff + "}}}";
}

bool reached_by_diff(const std::string& diff, std::string_view shard_key = key) {
  return reached_by_pipeline(R"({"0": )" + stage(diff) + "}", shard_key);
}

TEST(may_change_shard_key, modifiers_of_its_fields_do) {
  for (const char* modifier :
       {R"({"$set": {"customer": {"id": 7}}})", R"({"$set": {"customer.id": 7}})",
        R"({"$set": {"a": 1, "customer.id.x": 7}})", R"({"$unset": {"customer": true}})",
        R"({"$set": {"a": 1}, "$unset": {"customer.id": true}})", R"({"$set": {"customer.name": "x"}})"}) {
    EXPECT_TRUE(reached_by_modifier(modifier)) << modifier;
  }
}

TEST(may_change_shard_key, modifiers_of_other_fields_do_not) {
  for (const char* modifier :
       {"{}", R"({"$set": {"a": 1, "b.customer": 2, "customers": 3}})", R"({"$unset": {"custom": true, "id": true}})",
        R"({"$set": {"a": {"customer": {"id": 1}}}, "$unset": {"b": true}})"}) {
    EXPECT_FALSE(reached_by_modifier(modifier)) << modifier;
  }
  EXPECT_FALSE(reached_by_modifier(R"({"$set": {"a": 1}})", "{}"));
}

TEST(may_change_shard_key, a_form_that_is_not_known_may) {
  EXPECT_TRUE(reached_by_modifier(R"({"$v": 1, "$set": {"a": 1}})"));
}

TEST(may_change_shard_key, diffs_of_its_fields_do) {
  for (const char* diff : {R"({"u": {"customer": {"id": 7}}})", R"({"i": {"a": 1, "customer": null}})",
                           R"({"d": {"customer": false}})", R"({"scustomer": {"u": {"id": 7}}})",
                           R"({"u": {"a": 1}, "sb": {"i": {"c": 1}}, "scustomer": {"sid": {"u": {"x": 1}}}})",
                           R"({"scustomer": {"u": {"name": "x"}}})"}) {
    EXPECT_TRUE(reached_by_diff(diff)) << diff;
  }
}

TEST(may_change_shard_key, diffs_of_other_fields_do_not) {
  for (const char* diff :
       {"{}", R"({"u": {"a": 1, "customer.id": 7, "id": 1}})", R"({"i": {"customers": 1}})", R"({"d": {"b": false}})",
        R"({"sb": {"u": {"customer": 1}, "scustomer": {"u": {"id": 1}}}})",
        R"({"slist": {"a": true, "u0": 1, "l": 3}})", R"({"u": {"scustomer": 1}, "ss": {"u": {"x": 1}}})"}) {
    EXPECT_FALSE(reached_by_diff(diff)) << diff;
  }
  EXPECT_FALSE(reached_by_diff(R"({"u": {"customer": 1}})", "{}"));
}

// "s" and a name: a field that is called so itself is another one.
TEST(may_change_shard_key, names_of_sections_are_no_names_of_fields) {
  EXPECT_FALSE(reached_by_diff(R"({"u": {"a": 1}})", R"({"u": 1})"));
  EXPECT_FALSE(reached_by_diff(R"({"sa": {"u": {"b": 1}}})", R"({"sa": 1})"));
  EXPECT_TRUE(reached_by_diff(R"({"ssa": {"u": {"b": 1}}})", R"({"sa": 1})"));
  EXPECT_TRUE(reached_by_diff(R"({"u": {"u": 1}})", R"({"u": 1})"));
}

TEST(may_change_shard_key, sections_that_are_not_known_may) {
  for (const char* diff : {R"({"x": {"a": 1}})", R"({"u": 1})", R"({"": {"a": 1}})"}) {
    EXPECT_TRUE(reached_by_diff(diff)) << diff;
  }
}

TEST(may_change_shard_key, a_replacement_may) {
  EXPECT_TRUE(reached_by_pipeline(R"({"0": {"$replaceWith": {"$literal": {"_id": 1, "a": 1}}}})"));
  EXPECT_TRUE(reached_by_pipeline(R"({"0": 1})"));
}

TEST(may_change_shard_key, any_of_several_stages_is_enough) {
  const std::string harmless = stage(R"({"u": {"a": 1}})");
  const std::string reaching = stage(R"({"u": {"customer": 1}})");
  EXPECT_FALSE(reached_by_pipeline(R"({"0": )" + harmless + R"(, "1": )" + harmless + "}"));
  EXPECT_TRUE(reached_by_pipeline(R"({"0": )" + harmless + R"(, "1": )" + reaching + "}"));
  EXPECT_TRUE(reached_by_pipeline(R"({"0": )" + reaching + R"(, "1": )" + harmless + "}"));
}

}  // namespace
}  // namespace sluice::apply
