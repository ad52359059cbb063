// Which form an update entry has, and what of it a client may send.
#include "engine/apply/update_form.hpp"

#include "tests/unit/apply/window_entries.hpp"

namespace sluice::apply {
namespace {

using testing::from_json;

update_form form(std::string_view json) {
  return form_of(from_json(json));
}

TEST(update_form, a_whole_document_is_what_has_an_id) {
  EXPECT_EQ(form(R"({"_id": 1, "a": 2})"), update_form::whole);
  EXPECT_EQ(form(R"({"a": 2, "_id": 1})"), update_form::whole);  // 4.4.2 lets a pipeline move it
  EXPECT_EQ(form(R"({"_id": 1, "$v": 2, "diff": {"u": {"a": 1}}})"), update_form::whole);
  EXPECT_EQ(form(R"({"_id": 1, "$v": 1, "$set": {"a": 1}})"), update_form::whole);
  EXPECT_EQ(form(R"({"$set": {"_id": 1}})"), update_form::modifier);
}

TEST(update_form, diffs_of_plain_existing_fields_are_plain) {
  EXPECT_EQ(form(R"({"$v": 2, "diff": {"u": {"a": 1, "b": {"$x": 1}}, "d": {"c": false}}})"), update_form::plain_diff);
  EXPECT_EQ(form(R"({"$v": 2, "diff": {"d": {"c": false}}})"), update_form::plain_diff);
  EXPECT_EQ(form(R"({"$v": {"$numberLong": "2"}, "diff": {"u": {"01": 1, "1a": 2}}})"), update_form::plain_diff);
}

TEST(update_form, other_diffs_are_left_to_the_server) {
  for (const char* const diff :
       {R"({"i": {"a": 1}})", R"({"u": {"a": 1}, "i": {"b": 1}})", R"({"sa": {"u": {"b": 1}}})",
        R"({"su": {"u": {"b": 1}}})", R"({"u": {"a.b": 1}})", R"({"u": {"$a": 1}})", R"({"u": {"": 1}})",
        R"({"u": {"7": 1}})", R"({"u": {"_id": 1}})", R"({"d": {"a.b": false}})", R"({"d": {"0": false}})"}) {
    EXPECT_EQ(form(R"({"$v": 2, "diff": )" + std::string(diff) + "}"), update_form::diff) << diff;
  }
}

TEST(update_form, modifiers_of_4_4) {
  EXPECT_EQ(form(R"({"$v": 1, "$set": {"a.b": 1}, "$unset": {"c": true}})"), update_form::modifier);
  EXPECT_EQ(form(R"({"$unset": {"c": true}})"), update_form::modifier);
}

TEST(update_form, what_no_source_writes_is_unknown) {
  for (const char* const o :
       {"{}", R"({"$v": 1})", R"({"$v": 2})", R"({"$v": 2, "diff": [1]})", R"({"$v": 3, "diff": {"u": {"a": 1}}})",
        R"({"$v": 2, "$pipeline": []})", R"({"$v": 1, "$inc": {"a": 1}})", R"({"$set": 1})", R"({"a": 1})"}) {
    EXPECT_EQ(form(o), update_form::unknown) << o;
  }
}

TEST(update_form, a_modifier_is_built_of_what_is_there) {
  arena in;
  const bson::document set = from_json(R"({"a": 1})");
  const bson::document unset = from_json(R"({"b": false})");
  EXPECT_EQ(bson::to_json(build_modifier(in, {set, unset})),
            bson::to_json(from_json(R"({"$set": {"a": 1}, "$unset": {"b": false}})")));
  EXPECT_EQ(bson::to_json(build_modifier(in, {set, {}})), bson::to_json(from_json(R"({"$set": {"a": 1}})")));
  EXPECT_EQ(bson::to_json(build_modifier(in, {{}, unset})), bson::to_json(from_json(R"({"$unset": {"b": false}})")));
}

TEST(update_form, a_modifier_comes_apart_in_its_order) {
  std::string parts;
  for (const bson::document& part :
       one_field_each(from_json(R"({"$set": {"b.x": 1, "a": {"c": 2}}, "$unset": {"d": true}})"))) {
    parts += bson::to_json(part);
  }
  EXPECT_EQ(parts, bson::to_json(from_json(R"({"$set": {"b.x": 1}})")) +
                       bson::to_json(from_json(R"({"$set": {"a": {"c": 2}}})")) +
                       bson::to_json(from_json(R"({"$unset": {"d": true}})")));
}

// 4.4.2 adds {10, 9}, 6.0.27 adds {9, 10}.
TEST(update_form, numbers_of_different_length_may_change_the_order_of_new_fields) {
  EXPECT_TRUE(order_differs(from_json(R"({"10": 1, "9": 1})")));
  EXPECT_TRUE(order_differs(from_json(R"({"a.10": 1, "a.9": 1})")));
  EXPECT_FALSE(order_differs(from_json(R"({"a.10": 1, "a.11": 1})")));
  EXPECT_FALSE(order_differs(from_json(R"({"a.10.9": 1, "a.11.8": 1})")));
  EXPECT_FALSE(order_differs(from_json(R"({"a.10": 1})")));
  EXPECT_FALSE(order_differs(from_json(R"({"1a": 1, "b": 1, "010": 2, "9": 1})")));
}

}  // namespace
}  // namespace sluice::apply
