// Whether the data fits on the destination's disk. Judges; asks nobody (engine/cluster/disk_space.hpp does).
#pragma once

#include <optional>
#include <string>

#include "engine/assess/findings.hpp"
#include "engine/cluster/disk_space.hpp"

namespace sluice::assess {

struct disk_facts {
  std::string problem;                            // why the destination's disk is not known; empty: it is
  cluster::disk_space there;                      // of the destination's primary
  std::optional<cluster::stored_sizes> to_store;  // nothing: not known
};

/// Of what is needed: what a storage engine keeps of old blocks until its next checkpoints, and indexes being sorted.
inline constexpr double disk_margin = 1.25;

[[nodiscard]] findings judge_disk(const disk_facts& facts);

}  // namespace sluice::assess
