// Capture: follows the source from a given time on and puts its changes into the spool, over elections and lost
// connections, until cancelled. By the raw oplog where it can be read, else by a change stream.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "engine/capture/spool.hpp"
#include "engine/cluster/catalog.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/runtime/buffer_pool.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/histogram.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::capture {

enum class capture_way : std::uint8_t { automatic, oplog, change_stream };
[[nodiscard]] std::string_view to_string(capture_way way) noexcept;  // "auto", "oplog", "change-stream"

/// Read by any thread.
struct capture_counters {
  std::atomic<std::int64_t> entries{0};         // captured
  std::atomic<std::int64_t> filtered{0};        // left out: other namespaces, no-ops
  std::atomic<std::int64_t> bytes{0};           // of captured entries
  std::atomic<std::uint64_t> seen_until{0};     // seconds << 32 | increment: the oplog was read up to here
  std::atomic<std::uint64_t> source_newest{0};  // the newest time the source told (operationTime of replies)
  std::atomic<std::int64_t> reconnects{0};
  runtime::latency_histogram reads;  // of the source; where it has nothing new it lets us wait
};

struct capture_job {
  cluster::deployment source;
  cluster::namespace_filter filter;
  capture_way way = capture_way::automatic;
  /// Entries at or after this time are wanted, and the oplog must reach back to it. If `exact`, the entry of this time
  /// is in the spool already (spool::resume_after()): it must still be there, and capture goes on behind it.
  bson::timestamp from;
  bool exact = false;
  std::chrono::milliseconds patience{};
};

/// Which way is taken: `automatic` tries to read local.oplog.rs and falls back; through a mongos there is the change
/// stream only. Errors: refused: `oplog` asked for and not allowed, with the role that lacks; no change stream that
/// tells everything (a server before 6.0, no privilege).
[[nodiscard]] task<result<capture_way>> choose_way(wire::connection& source, capture_way wanted);

/// Runs on the spool's lane until cancelled or an error that no retry helps; never returns without an error. `pool` is
/// of the same lane. Errors: refused: the oplog has rolled over (both times named); network after `patience` without a
/// reply; protocol; cancelled. Storage errors are none: each chunk is offered to the spool until it takes it, and
/// spool::current() shows why it does not.
[[nodiscard]] task<result<>> follow(capture_job job, spool& into, runtime::buffer_pool& pool,
                                    capture_counters& counters, runtime::cancel_scope& scope);

}  // namespace sluice::capture
