// A live sync whose network is cut, for longer than it waits between two attempts: it says since when and for how long
// it still tries, goes on by itself, and nothing is lost. Minutes under `tools/test --long`.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/fault/fault_run.hpp"
#include "tests/fault/proxy.hpp"
#include "tests/integration/sync_lane.hpp"
#include "tests/lab/scenario_time.hpp"

namespace sluice::fault {
namespace {

using namespace session::testing;
using session::progress;
using session::sync_session;
using clock = std::chrono::steady_clock;

/// Longer ones than the longest pause between two (limits::retry_backoff_max).
constexpr std::uint64_t attempts_least = 8;

bool tells(const progress& now, const std::string& words) {
  return std::ranges::any_of(now.warnings, [&](const auto& one) { return one.find(words) != std::string::npos; });
}

class sync_network : public ::testing::Test {
 protected:
  session::sync_settings settings() const {
    auto chosen = sets.settings();
    chosen.copy.source_uri = source.direct_uri();
    chosen.copy.destination_uri = destination.direct_uri();
    chosen.copy.retry_time = lab::catch_up_time() + 2 * lab::scenario_time();
    return chosen;
  }
  /// Both sides at once, or one of them, while an application writes.
  void survive(const std::vector<proxy*>& cut) {
    lab::load_zoo(sets.source.uri(), lab::small_zoo());
    application writer(sets.source.uri());
    sync_session run(settings(), {});
    ASSERT_TRUE(run.start_now());
    ASSERT_TRUE(wait_until(run, [](const progress& now) { return now.can_commit; }));
    std::vector<std::uint64_t> before;
    for (proxy* each : cut) {
      each->cut();
      before.push_back(each->turned_away());
    }
    const auto end = clock::now() + lab::scenario_time();
    const auto is_long_enough = [&](const progress&) {
      if (clock::now() < end) return false;
      for (std::size_t n = 0; n < cut.size(); ++n) {
        if (cut[n]->turned_away() < before[n] + attempts_least) return false;
      }
      return true;
    };
    for (proxy* each : cut) {
      const std::string side = each == &source ? "source" : "destination";
      ASSERT_TRUE(wait_until(run, [&](const progress& now) {
        return tells(now, "no primary of the " + side + " has been reached for ") && tells(now, "--retry-minutes") &&
               tells(now, "127.0.0.1:" + std::to_string(each->port()));
      })) << log.tail();
    }
    ASSERT_TRUE(wait_until(run, is_long_enough, lab::catch_up_time())) << log.tail();
    const auto then = run.snapshot(false).follow.events_applied;
    for (proxy* each : cut) each->resume();
    ASSERT_TRUE(wait_until(
        run,
        [&](const progress& now) {
          return now.can_commit && now.follow.events_applied > then && !tells(now, "has been reached");
        },
        lab::catch_up_time()))
        << log.tail();
    writer.stop();
    commit(run, lab::catch_up_time());
    sets.expect_equal();
    EXPECT_EQ(run.snapshot(false).follow.violations, 0);
  }

  pair_of_sets sets;
  captured_log log;
  proxy source{sets.source.node(0).port()};
  proxy destination{sets.destination.node(0).port()};
};

TEST_F(sync_network, that_is_cut_on_both_sides_is_waited_for) {
  survive({&source, &destination});
}

TEST_F(sync_network, that_is_cut_towards_the_source_is_waited_for) {
  survive({&source});
}

// The lease runs out meanwhile: nobody else took it, so that it goes on.
TEST_F(sync_network, that_is_cut_towards_the_destination_is_waited_for) {
  survive({&destination});
}

// Packets get lost, and no end says so.
TEST_F(sync_network, that_falls_silent_is_waited_for) {
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  application writer(sets.source.uri());
  sync_session run(settings(), {});
  ASSERT_TRUE(run.start_now());
  ASSERT_TRUE(wait_until(run, [](const progress& now) { return now.can_commit; }));
  for (proxy* each : {&source, &destination}) {
    each->stall(direction::to_server);
    each->stall(direction::to_client);
  }
  const auto end = clock::now() + lab::scenario_time();
  const auto then = writer.written.load();
  ASSERT_TRUE(wait_until(
      run, [&](const progress&) { return clock::now() > end && writer.written > then + 200; }, lab::catch_up_time()));
  const auto applied = run.snapshot(false).follow.events_applied;
  for (proxy* each : {&source, &destination}) each->resume();
  ASSERT_TRUE(wait_until(
      run, [&](const progress& now) { return now.can_commit && now.follow.events_applied > applied; },
      lab::catch_up_time()))
      << log.tail();
  writer.stop();
  commit(run, lab::catch_up_time());
  sets.expect_equal();
}

}  // namespace
}  // namespace sluice::fault
