// Asked before each command that writes to the destination: a process that was frozen for longer than its lease must
// not write when it wakes up.
#pragma once

#include <functional>

#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::state {

/// From any thread, without waiting (checkpoint::lease_is_fresh()). Empty: nobody else could write.
using write_permission = std::function<bool()>;

/// Returns once writing is permitted (the lease was renewed). Error (cancelled): whoever found the lease lost has ended
/// the run.
[[nodiscard]] task<result<>> wait_until_permitted(write_permission may, runtime::cancel_scope& scope);

}  // namespace sluice::state
