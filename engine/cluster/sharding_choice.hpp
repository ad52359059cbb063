// Which collections are sharded on a sharded destination, where the source is a replica set, as the operator chose it:
// `sharding` of the start request. Of a sharded source the destination takes the shard keys over, and nothing is
// chosen. Plain functions; never asks a server.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bson/document.hpp"
#include "engine/cluster/namespace_name.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::cluster {

struct sharding_entry {
  namespace_name ns;   // of the source
  bson::document key;  // as shardCollection takes it: {customer: 1, _id: "hashed"}
};

struct sharding_choice {
  bool create_supporting_indexes = false;  // make the index that a shard key needs where the source has none
  bool ignore_unused = false;              // entries of collections that the source does not hold are not warned of
  std::vector<sharding_entry> entries;

  /// {createSupportingIndexes: false, ignoreUnusedShardingEntries: false, shardingEntries: [{database, collection,
  /// shardCollection: {key: [{customer: 1}, {_id: "hashed"}]}}]}; without `shardingEntries` nothing says what is meant.
  /// Errors (configuration): a field that is missing, unknown or of another type, a key that no server takes, a
  /// collection named twice, a namespace of the servers; each begins with its place, "sharding.shardingEntries[2]...".
  [[nodiscard]] static result<sharding_choice> of(bson::document_view given);
  /// The same as a document, for the checkpoint and for whoever shows it; never empty.
  [[nodiscard]] bson::document given() const;

  /// Nothing: not sharded.
  [[nodiscard]] const bson::document* key_of(const namespace_name& source) const noexcept {
    for (const auto& entry : entries)
      if (entry.ns == source) return &entry.key;
    return nullptr;
  }
};

}  // namespace sluice::cluster
