// Reads one partition from the source as a stream of batches, whatever happens to the connection.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/copy/ledger.hpp"
#include "engine/copy/worker.hpp"
#include "engine/plan/partition.hpp"
#include "engine/runtime/bounded_stream.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/cursor.hpp"

namespace sluice::copy {

/// A batch and where the copy stands when it is written.
struct positioned_batch {
  wire::batch data;
  std::optional<bson::document> behind;
};

/// How reading ended, when it was no error.
enum class read_end : std::uint8_t {
  whole,      // everything up to the partition's end was handed over
  gone,       // the collection was dropped on the source
  overtaken,  // a capped collection was truncated past the place where we stood: begin again with an empty copy
  moved,      // the node that the natural order is bound to is gone or holds other data: plan the collection again
  given_up,   // nobody takes batches any more
};

/// Runs on the worker's lane. Reconnects and goes on behind the last batch handed over, for as long as the worker is
/// patient. Cancelled by the worker's scope; ends with `given_up` when `out` is abandoned. Closes `out` at its end.
[[nodiscard]] task<result<read_end>> read_partition(worker& w, const plan::partition& what,
                                                    std::optional<bson::document> behind,
                                                    runtime::bounded_stream<positioned_batch>& out);

/// The find for a partition from `behind` on. `from_start`: the record to resume behind is gone, so scan from the
/// collection's beginning (and drop what was read before). A plain function for tests.
[[nodiscard]] bson::document find_command(const plan::partition& what, const std::optional<bson::document>& behind,
                                          bool from_start, bool is_mongos);

}  // namespace sluice::copy
