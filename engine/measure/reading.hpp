// The copy's own reader with something else behind it than a writer.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "engine/copy/worker.hpp"
#include "engine/plan/partition.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::measure {

/// A batch's array, which may be changed and is gone afterwards. False: no more are wanted.
using on_batch = std::function<task<result<bool>>(std::span<std::byte> array)>;

/// One partition, batch by batch, while the next one is being read. True: to its end. `each` outlives the call. Errors:
/// those of copy::read_partition; refused: the collection went away meanwhile.
[[nodiscard]] task<result<bool>> read_batches(copy::worker& w, const plan::partition& what, const on_batch& each);

/// Where the element after the first `count` documents begins.
[[nodiscard]] std::size_t walk_offset(std::span<const std::byte> array, std::int64_t count);

}  // namespace sluice::measure
