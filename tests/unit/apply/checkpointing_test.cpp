// When checkpoints are due, what they cover, and when they are torn.
#include "engine/apply/checkpointing.hpp"

#include <gtest/gtest.h>

namespace sluice::apply {
namespace {

using namespace std::chrono_literals;

class checkpointing_test : public ::testing::Test {
 protected:
  static wire::write_term term(std::int64_t number) { return {.term = number, .election = {}}; }
  static bson::timestamp at(std::uint32_t seconds) { return {seconds, 1}; }
  /// A window that ends at this time.
  void window(std::uint32_t end, std::int64_t in_term, bool mixed = false) {
    machine.acknowledged(term(in_term), mixed);
    machine.moved(at(end), at(end));
  }

  checkpointing::time_point start{};
  checkpointing machine{1s, at(5), start};
};

TEST_F(checkpointing_test, one_is_due_a_while_after_the_last) {
  window(6, 1);
  EXPECT_EQ(machine.due_at(), start + 1s);
  const auto asked = machine.take(start + 1500ms);
  EXPECT_EQ(asked.applied, at(6));
  EXPECT_EQ(asked.term, term(1));
  EXPECT_EQ(machine.durable(), at(5));
  window(7, 1);
  EXPECT_FALSE(machine.due_at());  // one at a time
  machine.answered(checkpoint_verdict::durable);
  EXPECT_EQ(machine.durable(), at(6));
  EXPECT_EQ(machine.due_at(), start + 2500ms);
}

TEST_F(checkpointing_test, nothing_new_is_not_stored) {
  window(6, 1);
  (void)machine.take(start);
  machine.answered(checkpoint_verdict::durable);
  EXPECT_FALSE(machine.anything_to_say());
  EXPECT_FALSE(machine.due_at());
}

TEST_F(checkpointing_test, what_is_confirmed_stays_so_until_there_is_something_new) {
  window(6, 1);
  EXPECT_FALSE(machine.is_confirmed());
  EXPECT_TRUE(machine.take_confirmed(start).confirmed);
  machine.answered(checkpoint_verdict::durable);
  EXPECT_TRUE(machine.is_confirmed());
  machine.moved(at(7), at(7));
  EXPECT_FALSE(machine.is_confirmed());
  EXPECT_FALSE(machine.take(start).confirmed);
  machine.answered(checkpoint_verdict::durable);
  EXPECT_FALSE(machine.is_confirmed()) << "stored, and known to who got the reply only";
  (void)machine.take_confirmed(start);
  machine.answered(checkpoint_verdict::torn);
  EXPECT_FALSE(machine.is_confirmed());
}

TEST_F(checkpointing_test, passing_time_is_stored_seldom) {
  window(6, 1);
  (void)machine.take(start);
  machine.answered(checkpoint_verdict::durable);
  machine.moved(at(9), at(9));
  EXPECT_EQ(machine.due_at(), start + 10s);
  EXPECT_FALSE(machine.take(start + 10s).term.known());
}

TEST_F(checkpointing_test, an_open_transaction_holds_back_where_reading_begins) {
  machine.moved(at(9), at(3));
  const auto asked = machine.take(start);
  EXPECT_EQ(asked.applied, at(9));
  EXPECT_EQ(asked.resume_from, at(3));
  machine.answered(checkpoint_verdict::durable);
  machine.moved(at(9), at(9));
  EXPECT_TRUE(machine.anything_to_say());
}

TEST_F(checkpointing_test, catalog_changes_are_due_at_once_and_told_once) {
  bson::builder entry;
  entry.append("_id", "x");
  std::vector<bson::document> mapped;
  mapped.push_back(entry.finish());
  machine.catalog_changed(std::move(mapped), {{std::byte{1}}});
  EXPECT_EQ(machine.due_at(), start);
  const auto asked = machine.take(start);
  EXPECT_EQ(asked.mapped.size(), 1U);
  EXPECT_EQ(asked.unmapped.size(), 1U);
  machine.answered(checkpoint_verdict::durable);
  machine.moved(at(7), at(7));
  EXPECT_TRUE(machine.take(start).mapped.empty());
}

TEST_F(checkpointing_test, a_window_of_two_terms_is_torn) {
  window(6, 1, true);
  EXPECT_TRUE(machine.torn());
  EXPECT_FALSE(machine.due_at());
}

TEST_F(checkpointing_test, two_windows_of_two_terms_are_torn) {
  window(6, 1);
  EXPECT_FALSE(machine.torn());
  window(7, 2);
  EXPECT_TRUE(machine.torn());
}

TEST_F(checkpointing_test, an_election_behind_a_checkpoint_tears_nothing) {
  window(6, 1);
  (void)machine.take(start);
  window(7, 2);
  machine.answered(checkpoint_verdict::durable);
  EXPECT_FALSE(machine.torn());
  EXPECT_EQ(machine.take(start).term, term(2));
}

// What was asked for covers the first window alone; the second one must be fenced by the next.
TEST_F(checkpointing_test, a_window_that_ended_while_one_was_under_way_is_the_next_ones) {
  window(6, 1);
  (void)machine.take(start);
  window(7, 1);
  machine.answered(checkpoint_verdict::durable);
  EXPECT_EQ(machine.durable(), at(6));
  EXPECT_EQ(machine.take(start).term, term(1));
  window(8, 2);
  machine.answered(checkpoint_verdict::durable);
  EXPECT_FALSE(machine.torn());
  window(9, 3);
  EXPECT_TRUE(machine.torn());
}

TEST_F(checkpointing_test, the_caller_may_find_it_torn) {
  window(6, 1);
  (void)machine.take(start);
  machine.answered(checkpoint_verdict::torn);
  EXPECT_TRUE(machine.torn());
  EXPECT_EQ(machine.durable(), at(5));
}

TEST_F(checkpointing_test, terms_that_nobody_tells_tear_nothing) {
  window(6, -1);
  window(7, 1);
  window(8, -1);
  EXPECT_FALSE(machine.torn());
  EXPECT_EQ(machine.take(start).term, term(1));
}

}  // namespace
}  // namespace sluice::apply
