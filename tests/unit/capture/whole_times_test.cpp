// Times are handed on whole, and where a stream begins again is where nothing gets lost.
#include "engine/capture/whole_times.hpp"

#include "tests/unit/capture/oplog_entries.hpp"

namespace sluice::capture {
namespace {

using namespace testing;
using order = whole_times::order;

class whole_times_test : public ::testing::Test {
 protected:
  void add(std::uint32_t seconds, int id) {
    ASSERT_EQ(times.enter(at(seconds)), order::next);
    times.add(entry(seconds, insert_of(id)));
  }
  std::uint32_t taken() { return times.take({}).count; }

  whole_times times{at(1), false};
};

TEST_F(whole_times_test, the_newest_time_waits_for_something_later) {
  add(2, 1);
  add(2, 2);
  EXPECT_FALSE(times.has_news());
  EXPECT_EQ(times.position(), at(1));
  add(3, 3);
  const auto chunk = times.take({});
  EXPECT_EQ(chunk.count, 2U);
  EXPECT_EQ(chunk.seen_until, at(2));
  EXPECT_EQ(times.position(), at(2));
}

TEST_F(whole_times_test, or_for_being_told_that_nothing_more_comes) {
  add(2, 1);
  times.seen_until(at(4));
  const auto chunk = times.take({});
  EXPECT_EQ(chunk.count, 1U);
  EXPECT_EQ(chunk.seen_until, at(4));
  EXPECT_EQ(times.enter(at(4)), order::taken);
}

// Two shards, one time: the token of the one does not speak for the other.
TEST_F(whole_times_test, what_was_seen_before_a_time_says_nothing_of_the_time) {
  add(2, 1);
  times.seen_before(at(2));
  EXPECT_EQ(taken(), 0U);
  EXPECT_EQ(times.position(), at(1)) << "the event would be lost to the next stream";
  add(2, 2);
  times.seen_before({2, 2});
  const auto chunk = times.take({});
  EXPECT_EQ(chunk.count, 2U);
  EXPECT_EQ(chunk.seen_until, at(2));
  EXPECT_EQ(times.position(), (bson::timestamp{2, 2}));
  EXPECT_EQ(times.enter({2, 2}), order::next) << "something of this time may still come";
  times.seen_before({4, 0});
  EXPECT_EQ(times.take({}).seen_until, (bson::timestamp{3, UINT32_MAX}));
}

TEST_F(whole_times_test, begins_again_behind_what_was_handed_on) {
  add(2, 1);
  add(3, 2);
  EXPECT_EQ(taken(), 1U);
  times.begin_again();
  EXPECT_EQ(times.enter(at(2)), order::taken);
  add(3, 2);
  add(3, 3);
  times.seen_until(at(3));
  EXPECT_EQ(taken(), 2U);
}

TEST_F(whole_times_test, a_stream_that_goes_back_is_noticed) {
  add(3, 1);
  EXPECT_EQ(times.enter(at(2)), order::back);
  EXPECT_EQ(times.enter({1, 0}), order::taken);
}

TEST(whole_times, an_exact_beginning_leaves_out_its_own_time) {
  whole_times exact(at(5), true);
  EXPECT_EQ(exact.enter(at(5)), order::taken);
  whole_times inclusive(at(5), false);
  EXPECT_EQ(inclusive.enter(at(5)), order::next);
}

}  // namespace
}  // namespace sluice::capture
