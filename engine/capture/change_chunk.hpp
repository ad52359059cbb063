// A run of oplog entries in their order: what the tail hands on, what the spool stores, what the applier reads. Both
// ways of capture produce it (a change stream's events are written as the oplog entries that they stand for), so that
// everything behind it knows one form only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/wire/optime.hpp"

namespace sluice::capture {

/// Owns its bytes; may be handed from lane to lane.
struct change_chunk {
  /// Entries back to back, each a whole BSON document: {ts, t, op, ns, ui, o, o2, ...} as in local.oplog.rs. Framed
  /// when captured; each is validated by whoever looks into it (change_reader).
  std::vector<std::byte> entries;
  std::uint32_t count = 0;
  /// Of the first and last entry in it; meaningless when count is 0.
  wire::optime first;
  wire::optime last;
  /// Nothing at or before this time is still to come: the newest time the source's oplog was read up to when the chunk
  /// was closed, filtered entries and idle periods included. Never below last.
  bson::timestamp seen_until;
  /// When its last entry arrived here: what the lag of a chunk is counted from.
  std::chrono::steady_clock::time_point arrived{};
};

using shared_chunk = std::shared_ptr<const change_chunk>;

}  // namespace sluice::capture
