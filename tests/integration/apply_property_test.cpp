// Whatever a source goes through, and wherever the process that follows it dies: the destination comes to the same. A
// storm of every kind of change, lives that end around random checkpoints, and the oracle.
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

#include "tests/integration/applier_between.hpp"
#include "tests/lab/storm.hpp"

namespace sluice::apply {
namespace {

using namespace std::chrono_literals;

/// Of the source, as often as they are applied.
constexpr std::int64_t changes_wanted = 100'000;

/// SLUICE_SEED repeats a run.
std::uint64_t chosen_seed() {
  const char* given = std::getenv("SLUICE_SEED");
  return given != nullptr ? std::stoull(given) : std::random_device{}();
}

TEST(apply_property, any_storm_and_any_deaths_come_to_the_same) {
  const auto seed = chosen_seed();
  std::cout << "SLUICE_SEED=" << seed << "\n";
  SCOPED_TRACE("SLUICE_SEED=" + std::to_string(seed));
  testing::between sets;
  sets.defers_indexes = true;
  sets.checkpoint_every = 3ms;
  std::mt19937_64 random(seed);
  int deaths = 0;
  for (int part = 0; sets.counters.changes < changes_wanted; ++part) {
    ASSERT_LT(part, 100) << "a storm is hardly more than a breeze: " << sets.counters.changes << " changes";
    const auto storm =
        lab::storm_for(sets.source_set.uri(),
                       {.duration = 60s, .commands = 300, .seed = random(), .catalog_every = 20, .bulk_every = 2});
    ASSERT_GT(storm.commands, 100);
    const auto goal = testing::newest(sets.source);
    sets.consistent_from = goal;
    sets.window.changes_max = 1 + random() % 400;
    for (int life = 0; life < 3; ++life) {
      sets.death = {.after_checkpoints = static_cast<int>(random() % 12), .stored = random() % 2 == 0};
      if (sets.live_once(goal)) break;
      ++deaths;
    }
    sets.death.reset();
    EXPECT_EQ(sets.follow(goal), 1);
    sets.compare();
    if (::testing::Test::HasFailure()) break;
  }
  EXPECT_GT(deaths, 0);
  std::cout << sets.counters.changes << " changes applied, " << deaths << " deaths" << std::endl;
}

}  // namespace
}  // namespace sluice::apply
