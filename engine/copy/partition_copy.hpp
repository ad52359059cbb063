// The pipeline: one partition from the source's cursor into the destination's inserts, batch by batch.
//
// The way of a batch: wire::cursor receives it into pool memory → bounded_stream → wire::insert sends the same bytes →
// the memory goes back to the pool, which lets the next one be read.
#pragma once

#include <functional>

#include "engine/copy/ledger.hpp"
#include "engine/copy/partition_reader.hpp"
#include "engine/copy/worker.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::copy {

enum class partition_end : std::uint8_t {
  written,  // every document was acknowledged; the fence is the ledger's business
  torn,     // an election of the destination came between: to be copied again from the durable position
  gone,     // see read_end
  overtaken,
  moved,
};

/// Called for every acknowledged batch with the position behind it.
using on_advance = std::function<void(position, wire::write_term)>;

/// Copies one partition from its position on; `counters` are those of its collection. Runs on the worker's lane.
[[nodiscard]] task<result<partition_end>> copy_partition(worker& w, assignment mine, collection_counters& counters,
                                                         on_advance advanced);

}  // namespace sluice::copy
