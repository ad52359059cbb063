// Where the changes of one source collection go, and what must be minded there.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "engine/cluster/catalog.hpp"

namespace sluice::apply {

/// Immutable; shared by the changes of a window. A rename makes a new one.
struct target {
  cluster::namespace_name ns;  // on the destination: where the data lies (`system.buckets.X` for a time-series X)
  /// Capped: every change in order, one at a time. Anything else may be regrouped by document.
  bool in_order = false;
  /// The collection has a collation: `_id`s that hold strings cannot be told apart by bytes, so such changes keep their
  /// order.
  bool collated = false;
  /// The data is ordered by `_id` and has no index beside it (buckets of a time-series too).
  bool clustered = false;
  bson::document shard_key{};  // by which a sharded destination keeps it; empty: in one place
  /// The key is another than `_id` alone: an `_id` does not say on which shard its document lies, and only that shard
  /// keeps it single.
  bool scattered = false;
  std::vector<std::byte> source_uuid{};  // of the collection that its changes come from; empty where nobody knows
};
using shared_target = std::shared_ptr<const target>;

}  // namespace sluice::apply
