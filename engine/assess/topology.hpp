// What kind of deployments these are, which members they have, and how they are set. Judges; asks nobody.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/assess/findings.hpp"

namespace sluice::assess {

/// Members of a replica set by what is unusual about them.
struct member_kinds {
  std::size_t data = 0;  // that hold data and vote or may become primary
  std::vector<std::string> arbiters;
  std::vector<std::string> hidden;
  std::vector<std::string> delayed;
};

struct side_settings {
  std::optional<bool> no_table_scan;            // notablescan
  bool chooses_documents = false;               // --document-filter: of the source
  std::vector<std::string> profiled_databases;  // with profiling level 2: every operation
  std::optional<bool> balancer_on;              // of a sharded cluster
  std::optional<bool> writes_blocked;           // somebody has set user write blocking
  bool may_bypass_block = false;
  std::optional<double> open_files_max;  // of the server's process
  double open_files_wanted = 0;          // of the destination: each collection is two files, each index one
};

[[nodiscard]] findings judge_members(const std::string& side, const member_kinds& members);
[[nodiscard]] findings judge_settings(const std::string& side, const side_settings& settings);
/// As engine/cluster/table_scans.hpp has it.
[[nodiscard]] std::optional<finding> judge_table_scans(const std::string& side, const side_settings& settings);

}  // namespace sluice::assess
