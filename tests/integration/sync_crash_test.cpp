// A live sync that is killed, by the program's own hand at every named point and by ours at any moment, while both
// sides live on, are elected anew or die as well: started again it goes on, and ends equal.
#include <csignal>

#include "tests/integration/sluice_program.hpp"
#include "tests/integration/sync_lane.hpp"

namespace sluice::session {
namespace {

using namespace testing;

/// `sluice run` as an operator starts it; again and again with the same arguments.
class operated {
 public:
  explicit operated(const pair_of_sets& sets) : sets_(sets) {}

  std::unique_ptr<lab::sluice_program> start(bool commit, const std::string& kill_at = {}) const {
    std::vector<std::string> arguments{"run",
                                       "--source",
                                       sets_.source.uri(),
                                       "--destination",
                                       sets_.destination.uri(),
                                       "--spool-dir",
                                       sets_.spool.path().string(),
                                       "--port",
                                       "0"};
    if (commit) arguments.emplace_back("--commit-when-caught-up");
    std::vector<std::pair<std::string, std::string>> environment;
    if (!kill_at.empty()) environment.emplace_back("SLUICE_KILL_AT", kill_at);
    return std::make_unique<lab::sluice_program>(std::move(arguments), std::move(environment));
  }

 private:
  const pair_of_sets& sets_;
};

#if defined(SLUICE_FAILURE_POINTS)
TEST(sync_crash, at_every_named_point) {
  const auto seed = test_seed();
  pair_of_sets sets;
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  lab::storm_for(sets.source.uri(), {.commands = 300, .seed = seed});
  everything storm(sets.source.uri(), seed + 1);
  const operated sluice(sets);
  for (const char* point :
       {"run_opened", "partitions_stored", "copying_begun", "collections_created", "batch_acknowledged", "before_flush",
        "after_flush", "data_copied", "indexing_begun", "indexes_built", "views_created", "map_stored",
        "applying_begun", "apply-window-written", "apply-window-written:20", "apply-before-ddl", "apply-after-ddl",
        "apply-before-ddl:7", "apply-after-ddl:5"}) {
    const auto run = sluice.start(false, point);
    const auto ended = run->wait(60s);
    EXPECT_EQ(ended.signal, SIGKILL) << point << " was not reached: " << run->output();
  }
  storm.stop();
  for (const char* point :
       {"commit_wished", "fence_appended", "committing_begun", "cutover_step", "cut_over", "destination_unblocked"}) {
    const auto run = sluice.start(true, point);
    const auto ended = run->wait(60s);
    EXPECT_EQ(ended.signal, SIGKILL) << point << " was not reached: " << run->output();
  }
  const auto last = sluice.start(true);
  const auto ended = last->wait(60s);
  EXPECT_TRUE(ended.success()) << last->output();
  sets.expect_equal();
}

// What was written before a catalog change must not be written again after it: by then it may mean another collection.
TEST(sync_crash, behind_a_rename_and_an_election) {
  pair_of_sets sets;
  auto source = sets.source.connect();
  std::atomic<bool> stop{false};
  int written = 0;
  const auto change = [&] {
    for (bool there = false; !stop; there = !there) {
      const std::string from = there ? "d.b" : "d.a";
      const std::string to = there ? "d.a" : "d.b";
      for (int n = 0; n < 10; ++n, ++written) {
        source.run(
            "d", R"({"insert": ")" + from.substr(2) + R"(", "documents": [{"_id": )" + std::to_string(written) + "}]}");
      }
      source.run("admin", R"({"renameCollection": ")" + from + R"(", "to": ")" + to + "\"}");
    }
  };
  source.run("d", R"({"insert": "a", "documents": [{"_id": -1}]})");
  std::thread writer(change);
  const operated sluice(sets);
  for (const char* point : {"apply-after-ddl:5", "apply-after-ddl:9", "apply-after-ddl:14"}) {
    const auto run = sluice.start(false, point);
    const auto ended = run->wait(60s);
    EXPECT_EQ(ended.signal, SIGKILL) << run->output();
    sets.destination.step_down();
  }
  stop = true;
  writer.join();
  const auto last = sluice.start(true);
  EXPECT_TRUE(last->wait(60s).success()) << last->output();
  sets.expect_equal();
}
#endif

TEST(sync_crash, at_any_moment) {
  const auto seed = test_seed();
  std::mt19937_64 random(seed);
  pair_of_sets sets;
  lab::load_lim(sets.source.uri(), {.documents = 60'000});
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  everything storm(sets.source.uri(), seed + 1);
  application writer(sets.source.uri());
  const operated sluice(sets);
  for (int life = 0; life < 12; ++life) {
    const auto run = sluice.start(false);
    std::this_thread::sleep_for(std::chrono::milliseconds(50 + random() % 1500));
    ASSERT_TRUE(run->process().running()) << run->output();
    run->process().signal(SIGKILL);
    EXPECT_EQ(run->wait(10s).signal, SIGKILL);
  }
  storm.stop();
  writer.stop();
  const auto last = sluice.start(true);
  EXPECT_TRUE(last->wait(120s).success()) << last->output();
  sets.expect_equal();
}

TEST(sync_crash, elections_and_deaths_on_both_sides) {
  const auto seed = test_seed();
  pair_of_sets sets("6.0.27", 3);
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  everything storm(sets.source.uri(), seed + 1);
  const auto run = sets.make();
  ASSERT_TRUE(run->start_now());
  ASSERT_TRUE(wait_until(
      *run, [](const progress& now) { return now.can_commit; }, 120s));
  for (lab::replica_set* set : {&sets.destination, &sets.source}) {
    set->step_down();
    auto& dead = set->primary();
    dead.kill();
    (void)set->primary();  // another one
    const auto then = run->snapshot(false).follow.events_applied;
    ASSERT_TRUE(wait_until(
        *run, [&](const progress& now) { return now.follow.events_applied > then + 100 && now.can_commit; }, 120s));
    dead.restart();
  }
  storm.stop();
  commit(*run);
  sets.expect_equal();
}

TEST(sync_crash, a_second_process_is_refused_and_disturbs_nothing) {
  pair_of_sets sets;
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  const auto run = sets.make();
  ASSERT_TRUE(run->start_now());
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.can_commit; }));
  const operated sluice(sets);
  const auto second = sluice.start(false);
  const auto ended = second->wait(60s);
  EXPECT_EQ(ended.code, 3) << second->output();
  EXPECT_NE(second->output().find("only one process may write"), std::string::npos) << second->output();
  lab::write_for(sets.source.uri(), {.duration = 300ms});
  commit(*run);
  sets.expect_equal();
}

}  // namespace
}  // namespace sluice::session
