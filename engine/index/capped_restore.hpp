// A capped collection loses on the destination what it has lost on the source. Must never empty one because the source
// has gone on without us.
#pragma once

#include "engine/cluster/migration_scope.hpp"
#include "engine/index/cutover_side.hpp"

namespace sluice::index {

/// Deletes the oldest documents up to the one that is the source's oldest: 4.4 does not tell of truncation in its
/// oplog, and collMod truncates at the next insert only. Where the source's oldest is not on the destination (it was
/// written to since the fence) nothing is deleted. `ns` is the destination's. Called again it goes on.
[[nodiscard]] task<result<>> delete_overwritten(cutover_side& source, cutover_side& destination,
                                                cluster::namespace_name ns, const cluster::migration_scope& scope);

}  // namespace sluice::index
