// How long a scenario under load goes on: seconds in every run of the tests, minutes under `tools/test --long`.
#pragma once

#include <chrono>

namespace sluice::lab {

/// SLUICE_LONG_SECONDS, or the few seconds that are enough for each kind of change and fault to occur.
[[nodiscard]] std::chrono::seconds scenario_time();

/// How long to wait for a run to catch up with what was done to it in that time, before it counts as stuck.
[[nodiscard]] std::chrono::seconds catch_up_time();

/// How often a process is killed at a random moment: a few times in every run of the tests, more with
/// SLUICE_LONG_SECONDS.
[[nodiscard]] int random_kills();

}  // namespace sluice::lab
