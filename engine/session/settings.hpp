// What the operator chose: flags, configuration file, environment, in one checked value.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/cluster/document_filter.hpp"
#include "engine/cluster/namespace_map.hpp"
#include "engine/cluster/sharding_choice.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/session/progress.hpp"

namespace sluice::session {

/// Parameters of one copy. Which of them may change between restarts of one run is said at each.
struct copy_settings {
  std::string source_uri;  // credentials may change, the deployment may not
  std::string destination_uri;
  std::vector<std::string> include;                  // fixed for a run: rules as text (cluster::parse_rule)
  std::vector<std::string> exclude;                  // fixed for a run
  std::vector<cluster::remap> remaps;                // fixed for a run
  cluster::document_filter documents;                // fixed for a run
  std::optional<cluster::sharding_choice> sharding;  // fixed for a run; nothing: not said
  std::string migration_name;  // fixed for a run: which of several into one destination it is; empty: the only one
  bool users = false;          // users and custom roles come over, too; remembered once it was said
  bool skip_disk_space_check = false;  // begin even if the destination's disk seems too small
  bool drop = false;                   // drop the destination's namespaces that are to be copied, first
  bool drop_gone = false;              // with drop: and those that the filter covers and the source does not hold
  bool reset = false;                  // forget a leftover checkpoint and start over
  std::size_t memory_bytes = limits::memory_default_bytes;  // may change
  std::uint32_t lanes = 0;                                  // may change; 0: chosen from the number of cores
  std::uint32_t connections = 0;                            // may change; readers and writers per lane, 0: default
  std::uint32_t indexes_per_command = 0;                    // may change; of one createIndexes, 0: all of a collection
  std::chrono::milliseconds retry_time = limits::retry_time_default;  // may change
};

/// How much of the source's changes may wait on disk until they are applied, unless the operator says otherwise.
inline constexpr std::uint64_t spool_bytes_default = 64ULL << 30U;

/// Parameters of a copy that is then kept in step with its source until the commit.
struct sync_settings {
  copy_settings copy;                                   // drop is not offered here
  std::string capture = "auto";                         // "auto", "oplog" or "change-stream"; what came of it
                                                        // is fixed for a run
  std::filesystem::path spool_dir;                      // may change: what it held is captured again
  std::uint64_t spool_bytes_max = spool_bytes_default;  // may change
  index_building build_indexes = index_building::after_data_copy;  // fixed for a run
  std::optional<write_blocking> block_writes;                      // nothing: as in start_request
  bool beside_others = false;                                      // fixed for a run: preExistingDestinationData
  bool verify = true;                  // both sides are compared before a commit; may be given up for good by a restart
  bool reversible = false;             // fixed for a run: after the commit the direction may be turned around
  bool reversed = false;               // goes on from where the commit of the other direction was, and copies nothing
  bool commit_when_caught_up = false;  // may change: commits as soon as can_commit is true
};

}  // namespace sluice::session
