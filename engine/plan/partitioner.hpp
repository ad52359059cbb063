// Cuts collections into partitions: in natural order bound to a node and its data, or by `_id` where that is
// impossible.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/cluster/catalog.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/plan/partition.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::plan {

struct partitioning {
  /// The node that natural scans are bound to, and its data; an empty identity means `_id` order for everything.
  wire::host_port node;
  std::string data_identity;
  /// How large a partition may be: the whole copy is cut so that every worker has several.
  std::size_t partition_bytes = 0;
  std::size_t batch_bytes = limits::batch_bytes_target;
  /// Which documents are copied; {}: all. Of a filtered collection there is one partition: a cursor gives a batch when
  /// it is full, and with few documents in it a scan would not see that it has passed its end.
  bson::document filter;
};

/// The size at which `total_bytes` make some partitions for each of `workers`, within limits.hpp's bounds.
[[nodiscard]] std::size_t partition_bytes_for(std::int64_t total_bytes, std::uint32_t workers);

/// What a batch should weigh to a destination that answers within `round_trip`.
[[nodiscard]] std::size_t batch_bytes_for(std::chrono::milliseconds round_trip);

/// Partitions of one collection; one for small and capped ones, none for views. `source` is connected to
/// `how.node`. Errors: what the server says to sampling.
[[nodiscard]] task<result<std::vector<partition>>> cut(wire::connection& source, const cluster::collection_info& info,
                                                       const partitioning& how, cluster::capabilities can);

/// Where a document lies, and which one it is.
struct record_sample {
  bson::document token;  // {$recordId: ...}
  bson::document id;     // {_id: ...}
};
/// Of a collection with more than 21 documents for each that is wanted: of fewer the server reads all.
[[nodiscard]] task<result<std::vector<record_sample>>> sample_records(wire::connection& source,
                                                                      cluster::namespace_name ns, std::int32_t size);
/// The boundary records of a natural scan where numbers say little (record_numbers.hpp), from sampled (RecordId, `_id`)
/// pairs: `pieces - 1` of them at most, evenly spread, ascending and distinct. A plain function for tests.
[[nodiscard]] std::vector<record_sample> choose_boundaries(std::vector<record_sample> samples, std::int32_t pieces);

}  // namespace sluice::plan
