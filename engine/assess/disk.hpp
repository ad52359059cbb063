// Whether the data fits on the destination's disk. Judges; asks nobody. Ready for a start to refuse by, too.
#pragma once

#include <optional>
#include <string>

#include "engine/assess/findings.hpp"

namespace sluice::assess {

struct disk_facts {
  std::string problem;                    // why the destination's disk is not known; empty: it is
  std::optional<double> free_bytes;       // of the destination's
  std::optional<double> total_bytes;      //
  std::optional<double> storage_bytes;    // of what is migrated, as it lies compressed on the source
  std::optional<double> index_bytes;      // the same
  std::optional<double> oplog_bytes_max;  // of the destination's oplog, as configured
  std::optional<double> oplog_bytes;      // and what it takes now
};

/// Of what is needed: what a storage engine keeps of old blocks until its next checkpoints, and indexes being sorted.
inline constexpr double disk_margin = 1.25;

/// What the destination will take: storage and indexes as on the source, and the oplog, which gets each inserted
/// document and grows until it is full (compressed about as the data is).
[[nodiscard]] std::optional<double> disk_needed_bytes(const disk_facts& facts);

[[nodiscard]] findings judge_disk(const disk_facts& facts);

}  // namespace sluice::assess
