// Which documents are looked at again, when, and when one is different for good.
#include "engine/verify/recheck_list.hpp"

#include <gtest/gtest.h>

namespace sluice::verify {
namespace {

using namespace std::chrono_literals;
using enum recheck_list::verdict;

class recheck : public ::testing::Test {
 protected:
  static constexpr std::uint32_t orders = 1;
  static constexpr std::uint32_t items = 2;

  static bson::document id(std::int32_t number) {
    bson::builder one;
    one.append("_id", number);
    return one.finish();
  }
  /// The source has version `source` of it, the destination `destination`; zero: it has none.
  static look seen(std::uint64_t source, std::uint64_t destination, std::uint32_t source_time = 10,
                   std::uint32_t applied = 10) {
    return {{0, source, source != 0}, {0, destination, destination != 0}, {source_time, 1}, {applied, 1}};
  }
  recheck_list::verdict answer(const look& what, std::chrono::milliseconds at, std::int32_t number = 1) {
    const auto taken = list_.take(begin_ + at, 10);
    EXPECT_TRUE(taken) << "nobody's turn";
    return list_.answer(orders, id(number), what, begin_ + at);
  }

  recheck_list::clock::time_point begin_ = recheck_list::clock::now();
  recheck_list list_;
};

TEST_F(recheck, a_document_rests_after_a_change) {
  ASSERT_TRUE(list_.add(orders, id(1), begin_));
  EXPECT_FALSE(list_.take(begin_ + 900ms, 10));
  const auto due = list_.take(begin_ + 1000ms, 10);
  ASSERT_TRUE(due);
  EXPECT_EQ(due->collection, orders);
  ASSERT_EQ(due->ids.size(), 1U);
  EXPECT_EQ(due->ids[0].view().find("_id").as_int32(), 1);
}

TEST_F(recheck, one_that_changes_all_the_time_keeps_its_turn) {
  ASSERT_TRUE(list_.add(orders, id(1), begin_));
  ASSERT_TRUE(list_.add(orders, id(1), begin_ + 900ms));
  EXPECT_EQ(list_.size(), 1U);
  EXPECT_TRUE(list_.take(begin_ + 1000ms, 10));
}

TEST_F(recheck, what_is_the_same_is_done_with) {
  ASSERT_TRUE(list_.add(orders, id(1), begin_));
  EXPECT_EQ(answer(seen(5, 5), 1s), same);
  EXPECT_EQ(list_.size(), 0U);
}

TEST_F(recheck, gone_on_both_sides_is_the_same) {
  ASSERT_TRUE(list_.add(orders, id(1), begin_));
  EXPECT_EQ(answer(seen(0, 0), 1s), same);
}

TEST_F(recheck, one_look_says_nothing_yet) {
  ASSERT_TRUE(list_.add(orders, id(1), begin_));
  EXPECT_EQ(answer(seen(5, 4), 1s), undecided);
  EXPECT_EQ(list_.different(), 0U);
  EXPECT_EQ(list_.undecided(), 1U);
  EXPECT_EQ(answer(seen(5, 5), 2s), same) << "the change has arrived";
}

TEST_F(recheck, different_twice_with_all_changes_applied_is_different) {
  ASSERT_TRUE(list_.add(orders, id(1), begin_));
  EXPECT_EQ(answer(seen(5, 4, 10, 9), 1s), undecided);
  EXPECT_EQ(answer(seen(5, 4, 12, 10), 2s), different);
  EXPECT_EQ(list_.different(), 1U);
  EXPECT_EQ(answer(seen(5, 4, 20, 20), 7s), still_different);
  EXPECT_EQ(answer(seen(5, 5, 30, 30), 12s), repaired);
  EXPECT_EQ(list_.different(), 0U);
  EXPECT_EQ(list_.size(), 0U);
}

TEST_F(recheck, as_long_as_its_changes_are_not_applied_it_is_not_different) {
  ASSERT_TRUE(list_.add(orders, id(1), begin_));
  EXPECT_EQ(answer(seen(5, 4, 10, 8), 1s), undecided);
  EXPECT_EQ(answer(seen(5, 4, 11, 9), 2s), undecided) << "what was seen at 10 has not arrived";
}

TEST_F(recheck, a_source_that_goes_on_changing_is_not_different) {
  ASSERT_TRUE(list_.add(orders, id(1), begin_));
  EXPECT_EQ(answer(seen(5, 4), 1s), undecided);
  EXPECT_EQ(answer(seen(6, 5), 2s), undecided);
  EXPECT_EQ(answer(seen(7, 6), 3s), undecided);
}

TEST_F(recheck, a_change_makes_it_begin_anew) {
  ASSERT_TRUE(list_.add(orders, id(1), begin_));
  EXPECT_EQ(answer(seen(5, 4), 1s), undecided);
  ASSERT_TRUE(list_.add(orders, id(1), begin_ + 1100ms));
  EXPECT_EQ(answer(seen(5, 4), 2s), undecided) << "it may have been something else in between";
  EXPECT_EQ(answer(seen(5, 4), 3s), different);
}

TEST_F(recheck, a_change_during_a_look_is_looked_at_afterwards) {
  ASSERT_TRUE(list_.add(orders, id(1), begin_));
  ASSERT_TRUE(list_.take(begin_ + 1s, 10));
  ASSERT_TRUE(list_.add(orders, id(1), begin_ + 1s));
  EXPECT_EQ(list_.answer(orders, id(1), seen(5, 5), begin_ + 1s), undecided);
  EXPECT_EQ(list_.size(), 1U);
  EXPECT_EQ(answer(seen(6, 6), 2s), same);
}

TEST_F(recheck, takes_those_of_one_collection_in_their_order) {
  ASSERT_TRUE(list_.add(items, id(7), begin_));
  ASSERT_TRUE(list_.add(orders, id(1), begin_ + 1ms));
  ASSERT_TRUE(list_.add(items, id(8), begin_ + 2ms));
  const auto first = list_.take(begin_ + 2s, 10);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->collection, items);
  EXPECT_EQ(first->ids.size(), 2U);
  const auto second = list_.take(begin_ + 2s, 10);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->collection, orders);
  EXPECT_FALSE(list_.take(begin_ + 2s, 10)) << "all are being looked at";
  list_.put_back(*first, begin_ + 2s);
  EXPECT_TRUE(list_.take(begin_ + 3s, 10));
}

TEST_F(recheck, has_a_bound_and_says_so) {
  recheck_list small({.documents_max = 2});
  EXPECT_TRUE(small.add(orders, id(1), begin_));
  EXPECT_FALSE(small.crowded());
  EXPECT_TRUE(small.add(orders, id(2), begin_));
  EXPECT_TRUE(small.crowded());
  EXPECT_FALSE(small.add(orders, id(3), begin_));
  EXPECT_TRUE(small.add(orders, id(2), begin_)) << "that one is in it";
}

TEST_F(recheck, forgets_a_collection_and_what_is_answered_of_it) {
  ASSERT_TRUE(list_.add(orders, id(1), begin_));
  ASSERT_TRUE(list_.add(items, id(1), begin_));
  EXPECT_EQ(answer(seen(5, 4), 1s), undecided);
  const auto looked_at = list_.take(begin_ + 1s, 10);  // those of items
  ASSERT_TRUE(looked_at);
  EXPECT_EQ(answer(seen(5, 4), 2s), different);
  EXPECT_EQ(list_.forget(orders), 1U);
  EXPECT_EQ(list_.different(), 0U);
  EXPECT_EQ(list_.forget(items), 0U);
  ASSERT_TRUE(list_.add(items, id(1), begin_ + 2s));
  EXPECT_EQ(list_.answer(items, id(1), seen(5, 5), begin_ + 2s), gone) << "that look is of before";
  EXPECT_EQ(list_.size(), 1U);
  EXPECT_TRUE(list_.take(begin_ + 4s, 10));
}

TEST_F(recheck, in_a_hurry_nobody_rests) {
  ASSERT_TRUE(list_.add(orders, id(1), begin_));
  list_.hurry(begin_);
  EXPECT_EQ(answer(seen(5, 5), 0s), same);
  ASSERT_TRUE(list_.add(orders, id(2), begin_));
  EXPECT_TRUE(list_.take(begin_, 10));
  list_.at_leisure();
  ASSERT_TRUE(list_.add(orders, id(3), begin_));
  EXPECT_FALSE(list_.take(begin_, 10));
}

TEST_F(recheck, its_lag_is_how_long_the_next_has_waited) {
  EXPECT_EQ(list_.lag(begin_), 0s);
  ASSERT_TRUE(list_.add(orders, id(1), begin_));
  EXPECT_EQ(list_.lag(begin_ + 42s), 42s);
}

}  // namespace
}  // namespace sluice::verify
