// Live syncs between deployments of every shape, while clients do everything that a server allows: seconds here,
// minutes with `tools/test --long`. Whatever the shape, and whatever happens to it meanwhile, both sides end equal.
#include <algorithm>
#include <csignal>

#include "tests/integration/sluice_program.hpp"
#include "tests/integration/sync_lane.hpp"

namespace sluice::session {
namespace {

using namespace testing;

constexpr auto seconds_otherwise = 5s;

/// Two clients that do everything, each in databases of its own.
class two_storms {
 public:
  two_storms(const std::string& uri, std::uint64_t seed) : one_(uri, seed + 1), other_(uri, seed + 2, 0, "tempest") {}
  [[nodiscard]] std::uint64_t steps() const { return one_.steps + other_.steps; }
  void stop() {
    one_.stop();
    other_.stop();
    std::cout << "commands: " << one_.done.commands + other_.done.commands
              << ", transactions: " << one_.done.transactions + other_.done.transactions
              << ", catalog changes: " << one_.done.catalog_changes + other_.done.catalog_changes << std::endl;
    EXPECT_GT(one_.done.catalog_changes + other_.done.catalog_changes, 10U);
    EXPECT_GT(one_.done.transactions + other_.done.transactions, 20U);
  }

 private:
  everything one_;
  everything other_;
};

/// What the source holds before.
void fill(const pair_of_sets& sets, std::uint64_t seed) {
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  lab::storm_for(sets.source.uri(), {.commands = 300, .seed = seed});
}

/// A sync through the whole storm, `disturb` called again and again meanwhile.
void come_through(pair_of_sets& sets, const std::function<void(int turn)>& disturb = {}) {
  const auto seed = test_seed();
  fill(sets, seed);
  two_storms storms(sets.source.uri(), seed);
  const auto run = sets.make();
  ASSERT_TRUE(run->start_now());
  ASSERT_TRUE(wait_until(
      *run, [](const progress& now) { return now.can_commit; }, 300s));
  const auto end = std::chrono::steady_clock::now() + storm_time(seconds_otherwise);
  for (int turn = 0; std::chrono::steady_clock::now() < end || turn == 0; ++turn) {
    const auto then = storms.steps();
    if (disturb) disturb(turn);
    ASSERT_TRUE(wait_until(
        *run, [&](const progress&) { return storms.steps() > then + 500; }, 120s));
  }
  storms.stop();
  ASSERT_TRUE(wait_until(
      *run, [](const progress& now) { return now.can_commit; }, 300s));
  commit(*run);
  sets.expect_equal();
  EXPECT_EQ(run->snapshot(false).follow.violations, 0);
}

TEST(sync_shapes, one_node_each) {
  pair_of_sets sets;
  come_through(sets);
}

TEST(sync_shapes, three_nodes_each_that_elect_another_primary) {
  pair_of_sets sets("6.0.27", 3);
  come_through(sets, [&](int turn) { (turn % 2 == 0 ? sets.destination : sets.source).step_down(); });
}

TEST(sync_shapes, users_with_passwords_over_tls) {
  const auto folder = lab::lab_directory() / ("sync-tls-" + std::to_string(::getpid()));
  auto guarded = set_of("src");
  guarded.server.root = lab::credentials{"root", "s3cret@word"};
  guarded.server.tls = lab::make_certificates(folder);
  auto to = guarded;
  to.name = "dst";
  pair_of_sets sets(guarded, to);
  come_through(sets);
  std::filesystem::remove_all(folder);
}

class sync_shapes_from : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(version, sync_shapes_from, ::testing::Values("4.4.2", "5.0.4"), [](const auto& one) {
  std::string name = one.param;
  std::ranges::replace(name, '.', '_');
  return name;
});

TEST_P(sync_shapes_from, an_older_server_into_6_0_27) {
  auto from = set_of("src", GetParam());
  from.server.cache_gb = 1;  // 4.4 waits forever when a transaction fills a tenth of its cache
  pair_of_sets sets(from, set_of("dst", "6.0.27"));
  come_through(sets);
}

TEST(sync_shapes, killed_every_second) {
  const auto seed = test_seed();
  pair_of_sets sets;
  fill(sets, seed);
  two_storms storms(sets.source.uri(), seed);
  const std::vector<std::string> arguments{"run",
                                           "--source",
                                           sets.source.uri(),
                                           "--destination",
                                           sets.destination.uri(),
                                           "--spool-dir",
                                           sets.spool.path().string(),
                                           "--port",
                                           "0"};
  const auto end = std::chrono::steady_clock::now() + storm_time(seconds_otherwise);
  for (int life = 0; std::chrono::steady_clock::now() < end || life < 3; ++life) {
    lab::sluice_program run(arguments);
    // It lives for a second, whatever it has come to by then.
    EXPECT_FALSE(run.process().poll_exit(1s)) << "ended by itself: " << run.output();
    run.process().signal(SIGKILL);
    EXPECT_EQ(run.wait(10s).signal, SIGKILL);
  }
  storms.stop();
  auto committing = arguments;
  committing.emplace_back("--commit-when-caught-up");
  lab::sluice_program last(committing);
  EXPECT_TRUE(last.wait(300s).success()) << last.output();
  sets.expect_equal();
}

}  // namespace
}  // namespace sluice::session
