// Before the catalogs are compared: collections that a sharded source does not tell of, since nothing was ever written
// to them, and its system.js. Must never make a collection empty that holds documents on the source.
#pragma once

#include "engine/cluster/catalog.hpp"
#include "engine/cluster/migration_scope.hpp"
#include "engine/index/cutover_side.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::index {

/// Makes what is empty on the source and missing on the destination, as for the copy: the steps of the plan give it its
/// bounds and indexes. May be repeated. How many there were.
[[nodiscard]] task<result<std::size_t>> make_unwritten(cutover_side& source, cutover_side& destination,
                                                       const cluster::catalog& wanted, const cluster::catalog& present,
                                                       const cluster::migration_scope& migrated);

}  // namespace sluice::index
