// What an earlier process may still have under way on the destination.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::apply {

/// A new connection to the primary, or the mongos, of the destination.
using connect_to_destination = std::function<task<result<std::unique_ptr<wire::connection>>>()>;
/// Connections to every mongos of a sharded destination that answers: one may still be about to pass a command on,
/// which only itself can tell. Of a replica set none.
using connect_to_routers = std::function<task<std::vector<std::unique_ptr<wire::connection>>>()>;

/// Waits until every write and catalog change has ended that a Sluice had under way on the destination when this was
/// called. A server goes on with a command whose client is gone (6.0.27): an insert of a process that was killed could
/// otherwise land behind the delete of the same document. Builds of indexes are not waited for: they change no document
/// and are asked for again. Called before the first write of applying, while none of our own is under way.
/// `$currentOp` with the operations of one's own user needs no privilege.
[[nodiscard]] task<result<>> wait_for_left_writes(connect_to_destination connect, connect_to_routers routers,
                                                  std::chrono::milliseconds patience, runtime::cancel_scope& scope);

}  // namespace sluice::apply
