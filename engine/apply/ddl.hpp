// Catalog changes of the source, applied to the destination by UUID: create, drop, rename, collMod, indexes, views,
// dropDatabase. Each may be applied twice, since a restart begins with the last one again. Writes with majority.
#pragma once

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "engine/apply/collection_map.hpp"
#include "engine/capture/change.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::apply {

/// How a change is treated: data is written by windows, the rest is a barrier that DDL applies alone.
[[nodiscard]] bool is_data(const capture::change& one);  // false: a command, or a change of <db>.system.views

/// What to do about indexes; as `buildIndexes` of the start request.
struct index_policy {
  bool never = false;  // no index but `_id`
  bool exclude_hashed = false;
  /// Unique indexes are made non-unique, and TTL indexes asleep, until commit (correctness: applying).
  bool defer_unique_and_ttl = true;
};

/// What the commit must still give back: indexes that were made weaker than the source's. Kept by DDL as it goes.
struct ddl_effects {
  std::vector<std::vector<std::byte>> changed;  // UUIDs whose map entry is new or different
  std::vector<std::vector<std::byte>> erased;
  bool rebuild_plan = false;  // the indexes or options of a mapped collection changed
};

class ddl {
 public:
  ddl(cluster::deployment source, cluster::deployment destination, cluster::namespace_filter filter,
      index_policy indexes, collection_map& map, std::chrono::milliseconds patience, runtime::cancel_scope& scope)
      : source_(std::move(source)),
        destination_(std::move(destination)),
        filter_(std::move(filter)),
        indexes_(indexes),
        map_(map),
        patience_(patience),
        scope_(scope) {}

  /// Applies one command or view change and updates the map. Skips what has already happened (listed_at), and what
  /// concerns collections that are gone. Errors: protocol: an unknown command, with the entry; server: what the
  /// destination said to it, with the command.
  [[nodiscard]] task<result<ddl_effects>> apply(capture::change what);

 private:
  [[nodiscard]] task<result<wire::reply>> run(std::string database, bson::document command);

  cluster::deployment source_;
  cluster::deployment destination_;
  cluster::namespace_filter filter_;
  index_policy indexes_;
  collection_map& map_;
  std::chrono::milliseconds patience_;
  runtime::cancel_scope& scope_;
  std::unique_ptr<wire::connection> connection_{};
};

}  // namespace sluice::apply
