// What becomes of each kind of change where only some documents are migrated.
#include "engine/apply/filtered.hpp"

#include "tests/unit/apply/window_entries.hpp"

namespace sluice::apply {
namespace {

using capture::change_kind;
using testing::from_json;

const cluster::document_filter tenant_a =
    cluster::document_filter::of(from_json(R"({"field": "t", "matchValues": ["a"]})")).value();

filtered fate(change_kind kind, std::string_view o, const cluster::document_filter& filter = tenant_a) {
  const bson::document document = from_json(o);
  const bson::document id = from_json(R"({"_id": 1})");
  capture::change one;
  one.kind = kind;
  one.o = document;
  one.o2 = id;
  return judge(filter, one);
}

TEST(filtered, everything_is_applied_without_a_filter) {
  const cluster::document_filter none;
  EXPECT_EQ(fate(change_kind::insert, R"({"_id": 1, "t": "b"})", none), filtered::applied);
  EXPECT_EQ(fate(change_kind::update, R"({"$v": 2, "diff": {"u": {"t": "b"}}})", none), filtered::applied);
}

TEST(filtered, inserts_by_their_value_and_removes_always) {
  EXPECT_EQ(fate(change_kind::insert, R"({"_id": 1, "t": "a"})"), filtered::applied);
  EXPECT_EQ(fate(change_kind::insert, R"({"_id": 1, "t": "b"})"), filtered::left_out);
  EXPECT_EQ(fate(change_kind::insert, R"({"_id": 1})"), filtered::left_out);
  EXPECT_EQ(fate(change_kind::remove, R"({"_id": 1})"), filtered::applied);
}

TEST(filtered, whole_documents_replace_or_remove) {
  EXPECT_EQ(fate(change_kind::update, R"({"_id": 1, "t": "a"})"), filtered::applied);
  EXPECT_EQ(fate(change_kind::update, R"({"_id": 1, "t": "b"})"), filtered::removed);
}

TEST(filtered, differences_of_the_field_are_read_again) {
  for (const char* diff : {R"({"u": {"t": "a"}})", R"({"i": {"t": "b"}})", R"({"d": {"t": false}})",
                           R"({"st": {"u": {"x": 1}}})", R"({"u": {"x": 1}, "i": {"t": 1}})"}) {
    EXPECT_EQ(fate(change_kind::update, R"({"$v": 2, "diff": )" + std::string(diff) + "}"), filtered::read_again)
        << diff;
  }
  for (const char* diff : {R"({"u": {"x": "a"}})", R"({"i": {"tt": "b"}})", R"({"d": {"x": false}})",
                           R"({"sx": {"u": {"t": 1}}})", R"({"stt": {"u": {"t": 1}}})", R"({"u": {"x.t": 1}})"}) {
    EXPECT_EQ(fate(change_kind::update, R"({"$v": 2, "diff": )" + std::string(diff) + "}"), filtered::applied) << diff;
  }
}

TEST(filtered, modifiers_of_4_4_by_their_paths) {
  for (const char* o : {R"({"$v": 1, "$set": {"t": "a"}})", R"({"$set": {"x": 1, "t.b": "a"}})",
                        R"({"$v": 1, "$unset": {"t": true}})", R"({"$v": 1, "$set": {"t.0": 1}})"}) {
    EXPECT_EQ(fate(change_kind::update, o), filtered::read_again) << o;
  }
  for (const char* o : {R"({"$v": 1, "$set": {"tt": "a"}})", R"({"$set": {"x.t": 1}})"}) {
    EXPECT_EQ(fate(change_kind::update, o), filtered::applied) << o;
  }
}

}  // namespace
}  // namespace sluice::apply
