// A live sync that is cut off from both sides, or that stops in the middle and wakes up when another one has taken
// over: it goes on by itself, or it writes no more.
#include <csignal>

#include "tests/fault/proxy.hpp"
#include "tests/integration/sluice_program.hpp"
#include "tests/integration/sync_lane.hpp"

namespace sluice::session {
namespace {

using namespace testing;
using fault::direction;

TEST(sync_fault, goes_on_by_itself_when_the_network_is_back) {
  const auto seed = test_seed();
  pair_of_sets sets;
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  fault::proxy source(sets.source.node(0).port());
  fault::proxy destination(sets.destination.node(0).port());
  everything storm(sets.source.uri(), seed);
  auto settings = sets.settings();
  settings.copy.source_uri = source.direct_uri();
  settings.copy.destination_uri = destination.direct_uri();
  settings.copy.retry_time = 20min;
  settings.spool_dir = "/dev/shm/" + sets.spool.path().filename().string();  // another device than the checkpoint's
  std::filesystem::create_directory(settings.spool_dir);
  sync_session run(settings, labels());
  ASSERT_TRUE(run.start_now());
  ASSERT_TRUE(wait_until(run, [](const progress& now) { return now.can_commit; }));

  for (fault::proxy* side : {&source, &destination}) {
    for (const auto each : {direction::to_client, direction::to_server}) side->stall(each);
    side->reset_all();
  }
  const auto cut = std::chrono::steady_clock::now();
  // The pings tell, and so does a warning.
  ASSERT_TRUE(wait_until(
      run,
      [](const progress& now) {
        return now.source_silent_seconds.value_or(0) > 0 && now.destination_silent_seconds.value_or(0) > 0 &&
               now.warnings.size() >= 2;
      },
      120s));
  const progress during = run.snapshot(false);
  EXPECT_EQ(during.now, state::running);
  EXPECT_EQ(during.retry_horizon_seconds, 1200);
  EXPECT_NE(during.warnings.front().find("--retry-minutes"), std::string::npos) << during.warnings.front();
  ASSERT_TRUE(wait_until(
      run, [&](const progress&) { return std::chrono::steady_clock::now() - cut > storm_time(20s); }, 3600s));
  for (fault::proxy* side : {&source, &destination}) {
    side->resume();
    side->reset_all();
  }

  const auto applied = run.snapshot(false).follow.events_applied;
  ASSERT_TRUE(wait_until(
      run,
      [&](const progress& now) {
        return now.follow.events_applied > applied && now.can_commit && !now.source_silent_seconds &&
               !now.destination_silent_seconds;
      },
      120s));
  storm.stop();
  commit(run);
  sets.expect_equal();
  EXPECT_EQ(run.snapshot(false).follow.violations, 0);
  std::filesystem::remove_all(settings.spool_dir);
}

TEST(sync_fault, a_frozen_process_that_wakes_up_writes_nothing) {
  const auto seed = test_seed();
  pair_of_sets sets;
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  everything storm(sets.source.uri(), seed);
  const auto arguments = [&sets](const std::string& spool) {
    std::filesystem::create_directory(sets.spool.path() / spool);
    return std::vector<std::string>{"run",
                                    "--source",
                                    sets.source.uri(),
                                    "--destination",
                                    sets.destination.uri(),
                                    "--spool-dir",
                                    (sets.spool.path() / spool).string(),
                                    "--port",
                                    "0",
                                    "--commit-when-caught-up"};
  };
  auto without_commit = arguments("first");
  without_commit.pop_back();
  lab::sluice_program first(without_commit);
  auto destination = sets.destination.connect();
  const auto copied = [&destination] { return destination.count("__mdb_internal_sluice", "mapped") > 0; };
  ASSERT_TRUE(lab::eventually(copied, 60s)) << first.output();
  sets.source.connect().run("marks", R"({"insert": "c", "documents": [{"_id": 1}]})");
  const auto follows = [&destination] { return destination.count("marks", "c") == 1; };
  ASSERT_TRUE(lab::eventually(follows, 60s)) << first.output();
  first.process().signal(SIGSTOP);

  // Nobody may take over before the lease has run out; then somebody does.
  lab::sluice_program early(arguments("second"));
  const auto refused = early.wait(60s);
  EXPECT_EQ(refused.code, 3) << early.output();
  storm.stop();
  std::unique_ptr<lab::sluice_program> second;
  const auto takes_over = [&] {
    second = std::make_unique<lab::sluice_program>(arguments("second"));
    return second->wait(120s).success();
  };
  EXPECT_TRUE(lab::eventually(takes_over, 60s)) << second->output();
  sets.expect_equal();

  // The destination is the application's now.
  destination.run("own", R"({"insert": "c", "documents": [{"_id": 1}]})");
  first.process().signal(SIGCONT);
  const auto ended = first.wait(60s);
  EXPECT_EQ(ended.signal, 0) << first.output();
  EXPECT_NE(ended.code, 0) << first.output();
  EXPECT_EQ(destination.count("own", "c"), 1);
  destination.run("own", R"({"dropDatabase": 1})");
  sets.expect_equal();
}

}  // namespace
}  // namespace sluice::session
