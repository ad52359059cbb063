// T0: from when on changes must be captured so that a copy which begins now loses none.
#pragma once

#include "bson/document_view.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"
#include "engine/wire/optime.hpp"

namespace sluice::capture {

/// The source's majority operation time now, or the start of the oldest transaction still open (config.transactions,
/// `prepared` and `inProgress`, startOpTime), whichever is earlier. Ask before the catalog is read.
[[nodiscard]] task<result<bson::timestamp>> read_start_time(wire::connection& source);

/// The majority operation time now: the newest change that a majority read may have seen.
[[nodiscard]] task<result<bson::timestamp>> read_majority_time(wire::connection& source);

/// The first and last entry of the source's oplog: what its window is.
struct oplog_window {
  bson::timestamp first;
  bson::timestamp last;
  [[nodiscard]] std::int64_t seconds() const noexcept {
    return static_cast<std::int64_t>(last.seconds) - static_cast<std::int64_t>(first.seconds);
  }
};
[[nodiscard]] task<result<oplog_window>> read_oplog_window(wire::connection& source);

/// A note in the source's oplog (appendOplogNote), which no change of before can come after; its time. The fence of a
/// commit. Where the server or the user may not write one, the majority time.
[[nodiscard]] task<result<bson::timestamp>> append_fence(wire::connection& source);

}  // namespace sluice::capture
