// Boundaries of a natural scan by the numbers of the records.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/cluster/catalog.hpp"
#include "engine/plan/partitioner.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::plan {

/// RecordIds of a plain collection are integers that only grow: while most of the records that were ever written are
/// still there, ranges of as many numbers hold about as many records. Sampling is no such measure: the server's random
/// cursor prefers some branches of a B-tree that was filled recently (6.0: 46 % of a million documents lay behind the
/// last of twelve sampled boundaries). `pieces - 1` boundaries at most, ascending and distinct. Nothing where numbers
/// say little: too many records are gone, or RecordIds are no integers (clustered collections).
[[nodiscard]] task<result<std::optional<std::vector<record_sample>>>> boundaries_by_number(wire::connection& source,
                                                                                           cluster::namespace_name ns,
                                                                                           std::int64_t documents,
                                                                                           std::int32_t pieces);

}  // namespace sluice::plan
