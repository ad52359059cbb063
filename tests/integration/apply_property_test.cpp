// Whatever a source goes through, and wherever the process that follows it dies: the destination comes to the same. A
// storm of every kind of change, lives that end around random checkpoints, and the oracle.
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <random>
#include <string>

#include "tests/integration/applier_between.hpp"
#include "tests/lab/storm.hpp"

namespace sluice::apply {
namespace {

using namespace std::chrono_literals;

/// SLUICE_SEED repeats a run.
std::uint64_t chosen_seed() {
  const char* given = std::getenv("SLUICE_SEED");
  return given != nullptr ? std::stoull(given) : std::random_device{}();
}

/// Changes of documents that a run must have brought from one server to the other.
constexpr std::uint64_t changes_least = 100'000;

/// From one at a time, where every order counts, to more than what coalesces.
std::size_t window_size(std::mt19937_64& random) {
  constexpr std::size_t sizes[] = {1, 10, 60, 300, 2000};
  return 1 + random() % sizes[random() % std::size(sizes)];
}

TEST(apply_property, any_storm_and_any_deaths_come_to_the_same) {
  const auto seed = chosen_seed();
  std::cout << "SLUICE_SEED=" << seed << "\n";
  SCOPED_TRACE("SLUICE_SEED=" + std::to_string(seed));
  testing::between sets;
  sets.defers_indexes = true;
  std::mt19937_64 random(seed);
  std::uint64_t changes = 0;
  int deaths = 0;
  int parts = 0;
  for (; (changes < changes_least || parts < 10) && !::testing::Test::HasFailure(); ++parts) {
    const auto storm = lab::storm_for(sets.source_set.uri(), {.duration = 60s,
                                                              .commands = 300,
                                                              .seed = random(),
                                                              .catalog_every = 20,
                                                              .statements_max = parts % 4 == 0 ? 1U : 200U});
    ASSERT_GT(storm.commands, 100);
    changes += storm.changes;
    const auto goal = testing::newest(sets.source);
    sets.consistent_from = goal;
    sets.window.changes_max = window_size(random);
    sets.checkpoint_every = std::chrono::milliseconds(3 + random() % 30);
    for (int life = 0; life < 3; ++life) {
      sets.death = {.after_checkpoints = static_cast<int>(random() % 12), .stored = random() % 2 == 0};
      if (sets.live_once(goal)) break;
      ++deaths;
    }
    sets.death.reset();
    EXPECT_EQ(sets.follow(goal), 1);
    sets.compare();
  }
  std::cout << changes << " changes of the source, " << sets.counters.changes
            << " applied with those that came again, in " << parts << " parts and " << deaths << " deaths\n";
  EXPECT_GT(deaths, 0);
  if (!::testing::Test::HasFailure()) {
    EXPECT_GE(changes, changes_least);
    EXPECT_GE(static_cast<std::uint64_t>(sets.counters.changes), changes_least) << "they did not reach the destination";
  }
}

}  // namespace
}  // namespace sluice::apply
