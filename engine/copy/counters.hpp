// What the lanes have copied, counted while they copy: relaxed atomics that the progress snapshot reads.
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::copy {

/// One per collection, at a fixed address for the whole run. Written by any lane, once a batch.
struct collection_counters {
  std::atomic<std::int64_t> documents{0};  // read and acknowledged, duplicates included
  std::atomic<std::int64_t> bytes{0};
  std::atomic<std::int64_t> duplicates{0};  // were there already
  std::atomic<std::int64_t> refused{0};
  std::atomic<std::int32_t> partitions_left{0};
  std::atomic<bool> gone{false};  // dropped on the source meanwhile
};

}  // namespace sluice::copy
