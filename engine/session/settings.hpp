// What the operator chose: flags, configuration file, environment, in one checked value.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/runtime/limits.hpp"

namespace sluice::session {

/// Parameters of one copy. Which of them may change between restarts of one run is said at each.
struct copy_settings {
  std::string source_uri;  // credentials may change, the deployment may not
  std::string destination_uri;
  std::vector<std::string> include;  // fixed for a run: "db" or "db.collection"
  std::vector<std::string> exclude;  // fixed for a run
  bool drop = false;                 // drop the destination's namespaces that are to be copied, first
  bool reset = false;                // forget a leftover checkpoint and start over
  std::size_t memory_bytes = limits::memory_default_bytes;  // may change
  std::uint32_t lanes = 0;                                  // may change; 0: chosen from the number of cores
  std::uint32_t connections = 0;                            // may change; readers and writers per lane, 0: default
  std::chrono::milliseconds retry_time = limits::retry_time_default;  // may change
};

}  // namespace sluice::session
