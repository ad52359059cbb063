// Index specs of the source as the destination gets them while the two are kept in step: weaker than they will be.
// Decides only; who builds them is engine/index (at first) and engine/apply (later).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "bson/document.hpp"
#include "engine/cluster/catalog.hpp"

namespace sluice::cluster {

/// What to do about indexes; as `buildIndexes` of the start request.
struct index_policy {
  bool never = false;  // no index but `_id`
  bool exclude_hashed = false;
  /// Unique indexes are made non-unique, and TTL indexes asleep, until commit (correctness: applying).
  bool defer_unique_and_ttl = true;
  /// Indexes of one createIndexes, at most; 0: all of a collection, which read its documents once.
  std::uint32_t per_command = 0;
};

/// The expiry of a TTL index that is to delete nothing yet.
inline constexpr std::int32_t index_asleep_seconds = std::numeric_limits<std::int32_t>::max();

/// `spec` as listIndexes gives it, or as createIndexes and commitIndexBuild hold it in the oplog. `collated`: of its
/// collection; an index without a collation must say so there.
[[nodiscard]] bson::document index_for_create(bson::document_view spec, bool collated);

/// The same under a policy; nothing for an index that is not to be built.
[[nodiscard]] std::optional<bson::document> index_for_sync(bson::document_view spec, bool collated,
                                                           const index_policy& policy);

/// All of a collection's indexes under a policy. A source may hold {b: 1} and {b: 1, unique: true} side by side, which
/// are one when neither is unique: the unique one is then left out. The commit builds it.
[[nodiscard]] std::vector<index_spec> indexes_for_sync(const collection_info& info, const index_policy& policy);

/// A server takes the two, when neither is unique, for one index under two names (IndexOptionsConflict, 6.0). `_id` and
/// names aside; both as createIndexes or listIndexes have them.
[[nodiscard]] bool indexes_collide(bson::document_view a, bson::document_view b);

}  // namespace sluice::cluster
