#include "engine/capture/chunk_builder.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sluice::capture {

void chunk_builder::add(bson::bytes_view entry, wire::optime at) {
  assert(at.at >= last_ && "entries come in their order");
  if (chunk_.count == 0) {
    chunk_.first = at;
    chunk_.entries.reserve(std::max(entry.size(), std::min(expected_bytes_, bytes_target_)));
  }
  chunk_.last = at;
  ++chunk_.count;
  chunk_.entries.insert(chunk_.entries.end(), entry.begin(), entry.end());
  last_ = at.at;
}

void chunk_builder::seen(bson::timestamp until) noexcept {
  chunk_.seen_until = std::max(chunk_.seen_until, until);
}

change_chunk chunk_builder::take(std::chrono::steady_clock::time_point now) {
  taken_until_ = chunk_.seen_until;
  chunk_.arrived = now;
  // Chunks may wait for long, and what they weigh is counted by their entries.
  if (chunk_.entries.capacity() > 2 * chunk_.entries.size()) chunk_.entries.shrink_to_fit();
  change_chunk taken = std::exchange(chunk_, {});
  chunk_.seen_until = taken_until_;
  return taken;
}

}  // namespace sluice::capture
