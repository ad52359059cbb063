// A wait that can be cancelled.
#pragma once

#include <chrono>

#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::runtime {

/// False when `scope` was cancelled before the time had passed. On the calling coroutine's lane.
[[nodiscard]] task<bool> sleep_for(std::chrono::steady_clock::duration time, cancel_scope& scope);

}  // namespace sluice::runtime
