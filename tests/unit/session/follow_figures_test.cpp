// What following shows of itself, and when it may be committed.
#include "engine/session/follow_figures.hpp"

#include <gtest/gtest.h>

namespace sluice::session {
namespace {

using namespace std::chrono_literals;

class figures : public ::testing::Test {
 protected:
  follow_progress after(std::chrono::milliseconds time, std::uint32_t applied, std::uint32_t newest,
                        std::int64_t changes, std::int64_t commands = 0) {
    follow_sample sample;
    sample.at = begin_ + time;
    sample.applied = bson::timestamp{applied, 1};
    sample.seen_until = {newest, 1};
    sample.source_newest = {newest, 1};
    sample.changes = changes;
    sample.commands = commands;
    follow_progress told;
    figures_.add(sample, told);
    return told;
  }

  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  follow_figures figures_;
};

TEST_F(figures, lag_is_what_the_source_is_ahead) {
  EXPECT_EQ(after(0ms, 100, 107, 0).lag_seconds, 7);
  EXPECT_EQ(after(1000ms, 107, 107, 0).lag_seconds, 0);
  EXPECT_EQ(after(2000ms, 110, 107, 0).lag_seconds, 0) << "the source tells its time late";
}

TEST_F(figures, there_is_no_lag_before_anything_is_applied) {
  follow_sample sample;
  sample.at = begin_;
  sample.seen_until = {100, 1};
  follow_progress told;
  figures_.add(sample, told);
  EXPECT_FALSE(told.lag_seconds);
  EXPECT_FALSE(told.oplog_seconds_left);
  sample.oplog_first = bson::timestamp{40, 1};
  figures_.add(sample, told);
  EXPECT_EQ(told.oplog_seconds_left, 60);
}

TEST_F(figures, rates_are_those_of_the_last_ten_seconds) {
  (void)after(0ms, 100, 100, 0);
  EXPECT_DOUBLE_EQ(after(2000ms, 102, 102, 1000).changes_per_second, 500);
  for (int second = 3; second <= 30; ++second) (void)after(second * 1000ms, 102, 102, 1000);
  EXPECT_DOUBLE_EQ(after(31'000ms, 102, 102, 1000).changes_per_second, 0);
}

TEST_F(figures, catching_up_is_foretold_only_while_the_lag_shrinks) {
  (void)after(0ms, 100, 200, 0);
  EXPECT_EQ(after(1000ms, 110, 200, 0).seconds_to_catch_up, 10);  // 90 s left, 10 s a second, rounded up
  EXPECT_FALSE(after(2000ms, 110, 300, 0).seconds_to_catch_up);
}

TEST_F(figures, the_lag_of_catalog_changes_is_that_of_the_last_one) {
  EXPECT_FALSE(after(0ms, 100, 100, 0).ddl_lag_seconds);
  EXPECT_EQ(after(1000ms, 100, 103, 1, 1).ddl_lag_seconds, 3);
  EXPECT_EQ(after(2000ms, 105, 105, 1, 1).ddl_lag_seconds, 3);
}

TEST(commit_obstacle, says_why_not_yet) {
  progress now;
  now.now = state::running;
  now.at = phase::collection_copy;
  EXPECT_NE(commit_obstacle(now).find("copied"), std::string::npos);
  now.at = phase::index_build;
  EXPECT_NE(commit_obstacle(now).find("indexes"), std::string::npos);
  now.at = phase::change_application;
  EXPECT_NE(commit_obstacle(now).find("from the time of the copy"), std::string::npos);
  now.follow.consistent = true;
  EXPECT_NE(commit_obstacle(now).find("not known"), std::string::npos);
  now.follow.lag_seconds = commit_lag_seconds_max + 1;
  EXPECT_NE(commit_obstacle(now).find("31 seconds behind"), std::string::npos);
  now.now = state::paused;
  EXPECT_EQ(commit_obstacle(now), "") << "a pause has drained; the commit drains again";
  now.now = state::running;
  now.follow.lag_seconds = commit_lag_seconds_max;
  EXPECT_EQ(commit_obstacle(now), "");
  now.at = phase::commit_completed;
  EXPECT_NE(commit_obstacle(now), "");
}

TEST(commit_obstacle, the_comparison_of_both_sides_comes_first) {
  progress now;
  now.now = state::running;
  now.at = phase::change_application;
  now.follow.consistent = true;
  now.follow.lag_seconds = 0;
  EXPECT_EQ(commit_obstacle(now), "") << "it was switched off";
  now.verification.emplace();
  auto& told = *now.verification;
  told.collections = 3;
  told.collections_compared = 1;
  EXPECT_NE(commit_obstacle(now).find("compared 1 of 3 collections"), std::string::npos);
  now.now = state::paused;
  EXPECT_NE(commit_obstacle(now), "") << "in a pause, too";
  now.now = state::running;
  told.first_pass = true;
  EXPECT_EQ(commit_obstacle(now), "") << "a small collection that came later is compared within the commit";
  told.bytes_left = verify::verify_figures::bytes_within_a_commit + 1;
  EXPECT_NE(commit_obstacle(now), "") << "a large one before it";
  told.bytes_left = 0;
  told.lag_seconds = commit_lag_seconds_max + 1;
  EXPECT_NE(commit_obstacle(now).find("verification is 31 seconds behind"), std::string::npos);
  told.lag_seconds = 0;
  told.different = 2;
  told.differences = {{"shop.orders", "7", "differs in a"}};
  EXPECT_NE(commit_obstacle(now).find("2 documents"), std::string::npos);
  EXPECT_NE(commit_obstacle(now).find("shop.orders 7, which differs in a"), std::string::npos);
  told.fault = "not authorized";
  EXPECT_NE(commit_obstacle(now).find("not authorized"), std::string::npos);
  EXPECT_NE(commit_obstacle(now).find("--disableVerification"), std::string::npos);
}

}  // namespace
}  // namespace sluice::session
