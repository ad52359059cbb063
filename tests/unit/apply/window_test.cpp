// Runs, order, limits and refusals of a window; what becomes of one document's changes is coalesce_test's.
#include "engine/apply/window.hpp"

#include "bson/compare.hpp"
#include "tests/unit/apply/window_entries.hpp"

namespace sluice::apply {
namespace {

using namespace testing;

void add(window& to, const entry& one, const shared_target& target) {
  ASSERT_TRUE(to.add(one.change, target, one.bytes));
}

std::vector<std::string> ids_of(const write_run& run) {
  std::vector<std::string> ids;
  for (const document_write& write : run.writes) ids.push_back(bson::value_to_json(write.id));
  return ids;
}
using ids = std::vector<std::string>;

TEST(window, capped_collections_keep_every_change_in_its_place) {
  window open;
  const shared_target capped = collection("log", true);
  for (const entry& one : {inserted(R"({"_id": 2})"), inserted(R"({"_id": 1})"), removed(R"({"_id": 2})"),
                           diffed(R"({"_id": 1})", R"({"u": {"a": 1}})"), diffed(R"({"_id": 1})", R"({"i": {"b": 1}})"),
                           removed(R"({"_id": 1})")}) {
    add(open, one, capped);
  }
  const write_plan plan = open.finish();
  ASSERT_EQ(plan.collections.size(), 1U);
  ASSERT_EQ(plan.collections[0].size(), 1U);
  const write_run& run = plan.collections[0][0];
  EXPECT_TRUE(run.ordered);
  EXPECT_EQ(ids_of(run), (ids{"2", "1", "2", "1", "1", "1"}));
  EXPECT_EQ(run.writes[2].kind, write_kind::remove);
  EXPECT_TRUE(run.writes[2].expects_effect);
  EXPECT_FALSE(run.writes[3].has_pipeline);
  EXPECT_TRUE(run.writes[4].has_pipeline);
}

TEST(window, strings_keep_their_order_where_there_is_a_collation) {
  window open;
  const shared_target collated = collection("names", false, true);
  for (const entry& one : {inserted(R"({"_id": "a"})"), inserted(R"({"_id": 1})"), removed(R"({"_id": "A"})"),
                           inserted(R"({"_id": {"n": "A"}})"), removed(R"({"_id": 1})")}) {
    add(open, one, collated);
  }
  const write_plan plan = open.finish();
  ASSERT_EQ(plan.collections.at(0).size(), 2U);
  EXPECT_EQ(ids_of(plan.collections[0][0]), ids{"1"});
  EXPECT_TRUE(plan.collections[0][1].ordered);
  EXPECT_EQ(ids_of(plan.collections[0][1]), (ids{R"("a")", R"("A")", R"({"n": "A"})"}));
}

TEST(window, collections_are_apart) {
  window open;
  const shared_target a = collection("a");
  const shared_target b = collection("b");
  add(open, inserted(R"({"_id": 1})"), a);
  add(open, removed(R"({"_id": 1})"), b);
  add(open, diffed(R"({"_id": 1})", R"({"i": {"x": 1}})"), a);
  const write_plan plan = open.finish();
  ASSERT_EQ(plan.collections.size(), 2U);
  EXPECT_EQ(plan.collections[0].size(), 2U);
  EXPECT_EQ(plan.collections[0][1].to, a);
  EXPECT_EQ(plan.collections[1][0].to, b);
  EXPECT_TRUE(plan.collections[1][0].writes[0].expects_effect);
}

TEST(window, writes_stand_by_kind_and_removes_by_id) {
  window open;
  const shared_target to = collection("c");
  for (const entry& one :
       {removed(R"({"_id": 30})"), inserted(R"({"_id": 9})"), removed(R"({"_id": {"$numberDouble": "2.5"}})"),
        diffed(R"({"_id": 4})", R"({"u": {"a": 1}})"), removed(R"({"_id": "s"})"), replaced(R"({"_id": 5})"),
        inserted(R"({"_id": 8})"), removed(R"({"_id": {"$numberLong": "-7"}})"), removed(R"({"_id": null})")}) {
    add(open, one, to);
  }
  const write_plan plan = open.finish();
  ASSERT_EQ(plan.collections.at(0).size(), 1U);
  EXPECT_EQ(ids_of(plan.collections[0][0]), (ids{"9", "8", "5", "4", "null", "-7", "2.5", "30", R"("s")"}));
}

TEST(window, removes_of_one_type_are_in_the_servers_order) {
  for (const bool object_ids : {true, false}) {
    window open;
    const shared_target to = collection("c");
    std::uint64_t state = 1;
    for (int at = 0; at < 2000; ++at) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      bson::builder o;
      if (object_ids) {
        bson::object_id id;
        std::memcpy(id.bytes + 4, &state, sizeof state);  // equal at the front
        o.append("_id", id);
      } else {
        o.append("_id", static_cast<std::int64_t>(state));
      }
      add(open, make_entry(capture::change_kind::remove, o.finish()), to);
    }
    const write_plan plan = open.finish();
    const auto& writes = plan.collections.at(0).at(0).writes;
    ASSERT_EQ(writes.size(), 2000U);
    for (std::size_t at = 1; at < writes.size(); ++at) {
      ASSERT_TRUE(bson::compare_values(writes[at - 1].id, writes[at].id) < 0) << at;
    }
  }
}

TEST(window, refuses_what_it_does_not_understand_and_stays_as_it_was) {
  window open;
  const shared_target to = collection("c");
  add(open, inserted(R"({"_id": 1})"), to);
  const std::size_t bytes = open.bytes();
  for (const entry& bad : {inserted(R"({"a": 1})"), removed("{}"), updated("{}", R"({"$v": 2, "diff": {"u": {}}})"),
                           updated(R"({"_id": 1})", R"({"$v": 9, "strange": 1})"),
                           make_entry(capture::change_kind::command, from_json(R"({"drop": "c"})"))}) {
    const auto added = open.add(bad.change, to, bad.bytes);
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().kind, error_kind::protocol);
    EXPECT_NE(added.error().message.find(bson::to_json(bad.change.whole)), std::string::npos);
    EXPECT_NE(added.error().message.find("db.c"), std::string::npos);
  }
  EXPECT_EQ(open.changes(), 1U);
  EXPECT_EQ(open.bytes(), bytes);
  EXPECT_EQ(open.finish().writes, 1U);
}

TEST(window, is_full_by_changes_or_by_bytes) {
  const shared_target to = collection("c");
  window few({.bytes_max = std::size_t{1} << 30, .changes_max = 2});
  EXPECT_TRUE(few.empty());
  add(few, inserted(R"({"_id": 1})"), to);
  EXPECT_FALSE(few.full());
  EXPECT_FALSE(few.empty());
  add(few, removed(R"({"_id": 1})"), to);
  EXPECT_TRUE(few.full());

  window small({.bytes_max = 2000, .changes_max = 1000});
  add(small, inserted(R"({"_id": 1})"), to);
  EXPECT_FALSE(small.full());
  add(small, inserted(R"({"_id": 2, "a": ")" + std::string(2000, 'x') + "\"}"), to);
  EXPECT_TRUE(small.full());
  EXPECT_GE(small.bytes(), 2000U);
}

TEST(window, bytes_count_what_is_built) {
  const shared_target to = collection("c");
  const std::string value(1000, 'x');
  window insert;
  window update;
  add(insert, inserted(R"({"_id": 1, "a": ")" + value + "\"}"), to);
  add(update, diffed(R"({"_id": 1})", R"({"i": {"a": ")" + value + "\"}}"), to);
  EXPECT_GT(update.bytes(), insert.bytes() + 1000);
}

TEST(window, a_plan_owns_what_its_writes_point_to) {
  window open;
  const shared_target to = collection("c");
  std::weak_ptr<const bson::document> owner;
  write_plan first;
  {
    const entry one = diffed(R"({"_id": 1})", R"({"i": {"a": 1}})");
    owner = one.bytes;
    add(open, one, to);
    first = open.finish();
  }
  EXPECT_FALSE(owner.expired());
  const std::string text = bson::array_to_json(first.collections[0][0].writes[0].pipeline);
  for (int round = 0; round < 3; ++round) {  // other windows do not write into its memory
    add(open, diffed(R"({"_id": 2})", R"({"i": {"b": 2}})"), to);
    EXPECT_EQ(open.changes(), 1U);
    (void)open.finish();
  }
  EXPECT_EQ(bson::array_to_json(first.collections[0][0].writes[0].pipeline), text);
  first = {};
  EXPECT_TRUE(owner.expired());
}

TEST(window, is_empty_after_finish) {
  window open;
  add(open, inserted(R"({"_id": 1})"), collection("c"));
  (void)open.finish();
  EXPECT_TRUE(open.empty());
  EXPECT_EQ(open.bytes(), 0U);
  const write_plan nothing = open.finish();
  EXPECT_TRUE(nothing.collections.empty());
  EXPECT_EQ(nothing.changes, 0U);
}

}  // namespace
}  // namespace sluice::apply
