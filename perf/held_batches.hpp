// A collection as the batches that a source hands out, in memory: what is replayed into a destination.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "perf/blocking_client.hpp"

namespace sluice::perf {

struct held_batch {
  message reply;  // owns the memory
  bson::bytes_view array;
};

struct amount {
  std::uint64_t batches = 0;
  std::uint64_t documents = 0;
  std::uint64_t bytes = 0;  // of BSON documents, without the arrays' keys
};
[[nodiscard]] amount amount_of(const std::vector<held_batch>& batches);

struct what_to_read {
  std::string database;
  std::string collection;
  std::int32_t batch_documents = 0;  // at most; a reply ends at 16 MiB in any case
  bool exhaust = true;               // streamed, else asked for one by one
};

/// Hands every batch out, in natural order. Throws as `source` does.
void read_batches(blocking_client& source, const what_to_read& what, const std::function<void(held_batch)>& each);

}  // namespace sluice::perf
