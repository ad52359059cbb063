// Whole migrations under load, one a shape of deployment: every operator, transactions and changes of the catalog from
// before the copy to the commit, for lab::scenario_time(), whatever happens to the servers and to Sluice meanwhile;
// then the oracle. Seconds in every run of the tests, minutes under `tools/test --long`. A new shape is a test here, or
// in another file of this program.
#include <algorithm>
#include <csignal>

#include <unistd.h>

#include "tests/integration/sync_program.hpp"
#include "tests/lab/certificates.hpp"
#include "tests/lab/scenario_time.hpp"

namespace sluice::session {
namespace {

using namespace testing;
using clock = std::chrono::steady_clock;

/// Of a storm, until it has come to every kind of change.
constexpr std::uint64_t steps_min = 2000;

/// Everything that clients do to a source, until it is stopped.
class traffic {
 public:
  traffic(const pair_of_sets& sets, std::uint64_t seed)
      : storm_(sets.source.uri(), seed), writer_(sets.source.uri(), "app", seed, true) {}

  [[nodiscard]] std::uint64_t steps() const { return storm_.steps; }
  /// Fails unless it came to every kind of change.
  void stop() {
    storm_.stop();
    writer_.stop();
    EXPECT_GT(storm_.done.catalog_changes, 20U);
    EXPECT_GT(storm_.done.transactions, 50U);
    EXPECT_GT(writer_.written, 100U);
  }

 private:
  everything storm_;
  application writer_;
};

/// A source with data and a past, to which clients come back.
std::unique_ptr<traffic> load(const pair_of_sets& sets) {
  const auto seed = test_seed();
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  lab::storm_for(sets.source.uri(), {.commands = 500, .seed = seed});
  return std::make_unique<traffic>(sets, seed + 1);
}

/// `disturb` is called again and again while the traffic goes on, from when the copy is done until the time is over.
void migrate(const pair_of_sets& sets, const sync_settings& settings,
             const std::function<void(const sync_session&)>& disturb = {}) {
  const auto clients = load(sets);
  sync_session run(settings, {});
  ASSERT_TRUE(run.start_now());
  ASSERT_TRUE(wait_until(
      run, [](const progress& now) { return now.at == phase::change_application; }, lab::catch_up_time()));
  const auto end = clock::now() + lab::scenario_time();
  const auto enough = clients->steps() + steps_min;
  while (disturb && !::testing::Test::HasFailure()) {
    disturb(run);
    if (clock::now() > end) break;
  }
  ASSERT_TRUE(wait_until(
      run, [&](const progress&) { return clock::now() > end && clients->steps() > enough; }, lab::catch_up_time()));
  clients->stop();
  commit(run, lab::catch_up_time());
  sets.expect_equal();
  EXPECT_EQ(run.snapshot(false).follow.violations, 0);
}

/// From each major version into the newest.
class sync_versions : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(from, sync_versions, ::testing::Values("4.4.2", "5.0.4", "6.0.27"), [](const auto& one) {
  std::string name = one.param;
  std::ranges::replace(name, '.', '_');
  return name;
});

TEST_P(sync_versions, takes_everything_that_a_source_does) {
  auto from = set_of("src", GetParam());
  from.server.cache_gb = 1;  // 4.4 waits forever when a transaction fills a tenth of its cache
  const pair_of_sets sets(from, set_of("dst", "6.0.27"));
  migrate(sets, sets.settings());
}

/// Fails only where no step-down is taken for long: a set refuses one before a secondary has caught up.
void step_down(lab::replica_set& set) {
  std::string refusal;
  const bool done = lab::eventually(
      [&] {
        try {
          set.step_down();
          return true;
        } catch (const lab::failure& why) {
          refusal = why.what();
          return false;
        }
      },
      60s);
  EXPECT_TRUE(done) << refusal;
}

TEST(sync_shapes, three_nodes_with_step_downs_and_deaths_on_both_sides) {
  pair_of_sets sets("6.0.27", 3);
  migrate(sets, sets.settings(), [&](const sync_session& run) {
    for (lab::replica_set* set : {&sets.destination, &sets.source}) {
      step_down(*set);
      auto& dead = set->primary();
      dead.kill();
      (void)set->primary();  // another one
      const auto then = run.snapshot(false).follow.events_applied;
      ASSERT_TRUE(wait_until(
          run, [&](const progress& now) { return now.follow.events_applied > then + 100 && now.can_commit; },
          lab::catch_up_time()));
      dead.restart();
    }
  });
}

/// With the roles that docs/operating.md asks for and no more.
TEST(sync_shapes, users_and_tls_on_both_sides) {
  const auto folder = lab::lab_directory() / ("sync-shapes-" + std::to_string(::getpid()));
  const auto guarded = [&](const char* name) {
    auto options = set_of(name);
    options.server.root = lab::credentials{"root", "r00t"};
    options.server.tls = lab::make_certificates(folder);
    return options;
  };
  pair_of_sets sets(guarded("src"), guarded("dst"));
  const lab::credentials reader{"reader", "p@ss:w/rd"};  // characters that a URI must escape
  const lab::credentials writer{"writer", "also%this"};
  sets.source.add_user(reader, R"(["backup", "clusterMonitor", "readAnyDatabase"])");
  sets.destination.add_user(writer, R"(["readWriteAnyDatabase", "dbAdminAnyDatabase", "clusterMonitor", "restore"])");
  auto settings = sets.settings();
  settings.copy.source_uri = sets.source.uri_as(reader);
  settings.copy.destination_uri = sets.destination.uri_as(writer);
  migrate(sets, settings);
  std::filesystem::remove_all(folder);
}

TEST(sync_shapes, killed_about_every_second) {
  const auto seed = test_seed();
  std::mt19937_64 random(seed);
  const pair_of_sets sets;
  lab::load_lim(sets.source.uri(), {.documents = 60'000});
  const auto clients = load(sets);
  const operated sluice(sets);
  const auto end = clock::now() + lab::scenario_time();
  for (int life = 0; life < 12 || clock::now() < end || clients->steps() < steps_min; ++life) {
    const auto run = sluice.start(false);
    std::this_thread::sleep_for(std::chrono::milliseconds(50 + random() % 1900));
    ASSERT_TRUE(run->process().running()) << run->output();
    run->process().signal(SIGKILL);
    EXPECT_EQ(run->wait(10s).signal, SIGKILL);
  }
  clients->stop();
  const auto last = sluice.start(true);
  EXPECT_TRUE(last->wait(lab::catch_up_time()).success()) << last->output();
  sets.expect_equal();
}

}  // namespace
}  // namespace sluice::session
