// What a lane's copying is measured by. Read by any thread.
#pragma once

#include "engine/runtime/histogram.hpp"

namespace sluice::copy {

struct measurements {
  runtime::latency_histogram reads;       // the source's: how long a batch was waited for
  runtime::latency_histogram writes;      // the destination's: a batch, from its first byte to the last answer
  runtime::latency_histogram partitions;  // whole ones, each with its retries
  runtime::size_histogram batch_documents;
  runtime::size_histogram batch_bytes;
  runtime::size_histogram partition_bytes;  // as planned
};
using measurements_by_lane = runtime::by_lane<measurements>;

/// The same, of all lanes, up to a moment.
struct measured {
  runtime::latency_counts reads, writes, partitions;
  runtime::size_counts batch_documents, batch_bytes, partition_bytes;
};
[[nodiscard]] inline measured add_up(const measurements_by_lane& of) noexcept {
  using runtime::latency_counts;
  using runtime::size_counts;
  return {of.counts<latency_counts>(&measurements::reads),      of.counts<latency_counts>(&measurements::writes),
          of.counts<latency_counts>(&measurements::partitions), of.counts<size_counts>(&measurements::batch_documents),
          of.counts<size_counts>(&measurements::batch_bytes),   of.counts<size_counts>(&measurements::partition_bytes)};
}

}  // namespace sluice::copy
