// What is remembered of a run, how long, and that it stays bounded.
#include "engine/http/history.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "engine/http/api.hpp"
#include "tests/unit/http/fake_controls.hpp"

namespace sluice::http {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr std::chrono::system_clock::time_point begin{std::chrono::seconds(1'700'000'100)};

session::progress running(std::int64_t bytes, std::optional<std::int64_t> lag = std::nullopt, double rate = 0) {
  session::progress now;
  now.now = session::state::running;
  now.at = lag ? session::phase::change_application : session::phase::collection_copy;
  now.bytes_copied = bytes;
  now.copy_bytes_per_second = rate;
  now.follow.lag_seconds = lag;
  return now;
}

TEST(history, tells_a_point_a_second) {
  history past;
  past.add(begin, running(10));
  past.add(begin + 1s, running(20, 3));
  past.add(begin + 1s + 250ms, running(25, 4));  // of the same second
  const json::value told = json::parse(past.json(600s));
  EXPECT_EQ(told.at("success"), json::value(true));
  EXPECT_EQ(told.at("secondsPerPoint"), json::value(1));
  EXPECT_EQ(told.at("copiedBytes"), json::parse("[10,25]"));
  EXPECT_EQ(told.at("lagSeconds"), json::parse("[null,4]"));
  EXPECT_EQ(told.at("atMs"), json::parse("[1700000100000,1700000101000]"));
}

TEST(history, looks_back_no_further_than_asked) {
  history past;
  for (int i = 0; i < 100; ++i) past.add(begin + std::chrono::seconds(i), running(i));
  EXPECT_EQ(json::parse(past.json(9s)).at("copiedBytes").as_array().size(), 10U);
}

TEST(history, coarser_points_keep_the_worst_lag_and_the_mean_rate) {
  history past;
  for (int i = 0; i < 20; ++i)
    past.add(begin + std::chrono::seconds(i), running(i, i == 4 ? 50 : 1, i < 10 ? 2.0 * i : 7));
  const json::value told = json::parse(past.json(3600s));
  EXPECT_EQ(told.at("secondsPerPoint"), json::value(10));
  EXPECT_EQ(told.at("lagSeconds"), json::parse("[50,1]"));
  EXPECT_EQ(told.at("copiedBytes"), json::parse("[9,19]"));
  EXPECT_NEAR(told.at("copyBytesPerSecond").at(0).to_number<double>(), 9, 1e-9);
  EXPECT_NEAR(told.at("copyBytesPerSecond").at(1).to_number<double>(), 7, 1e-9);
}

TEST(history, stays_bounded_over_months) {
  history past;
  for (std::int64_t i = 0; i < 60LL * 24 * 360; ++i) past.add(begin + std::chrono::seconds(i * 10), running(i));
  EXPECT_LE(past.points(), 600U + 2160U + 2016U);
  const json::value week = json::parse(past.json(std::chrono::seconds(history_seconds_max)));
  EXPECT_EQ(week.at("secondsPerPoint"), json::value(300));
  EXPECT_LE(week.at("atMs").as_array().size(), 2016U);
}

TEST(history, remembers_each_change_of_state_and_phase_and_not_too_many) {
  history past;
  past.add(begin, running(1));
  past.add(begin + 1s, running(2));
  past.add(begin + 2s, running(2, 5));
  const json::array timeline = json::parse(past.json(600s)).at("timeline").as_array();
  ASSERT_EQ(timeline.size(), 2U);
  EXPECT_EQ(timeline[0].at("phase"), json::value("collection copy"));
  EXPECT_EQ(timeline[1].at("phase"), json::value("change event application"));
  EXPECT_EQ(timeline[1].at("atMs"), json::value(1'700'000'102'000));
  for (int i = 0; i < 10'000; ++i)
    past.add(begin + std::chrono::seconds(3 + i), i % 2 == 0 ? running(2) : running(2, 5));
  EXPECT_LE(past.changes().size(), 256U);
}

TEST(history, is_asked_for_with_one_number) {
  EXPECT_EQ(parse_history_query(""), 600s);
  EXPECT_EQ(parse_history_query("seconds=60"), 60s);
  EXPECT_EQ(parse_history_query("seconds=604800"), 604800s);
  for (const char* query : {"seconds", "seconds=", "seconds=0", "seconds=-1", "seconds=604801", "seconds=1x",
                            "second=1", "seconds=1&seconds=2", "seconds=99999999999999999999"}) {
    EXPECT_EQ(parse_history_query(query), std::nullopt) << query;
  }
  test::fake_controls controls;
  EXPECT_EQ(handle({"GET", "/api/v1/history?seconds=x"}, controls).status, 400U);
  EXPECT_EQ(handle({"GET", "/api/v1/history"}, controls).status, 200U);
}

}  // namespace
}  // namespace sluice::http
