// T0: from when on changes must be captured so that a copy which begins now loses none; and the other moments of the
// source's oplog that a migration begins and ends by. Asks the node it is given, which should be the primary: on a
// secondary config.transactions leaves out states that followed each other quickly.
#pragma once

#include "bson/document_view.hpp"
#include "engine/capture/capture.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"
#include "engine/wire/optime.hpp"

namespace sluice::capture {

/// Where a migration begins. A transaction's entries may lie on both sides of any moment, and no server tells which
/// transactions are open at exactly this one (snapshot reads of config.transactions are refused, 5.0 and 6.0). So, as
/// in a replica's initial sync, there are two: every transaction that commits after `contained` began at or after
/// `capture_from`.
struct start_time {
  /// Capture begins here: capture_job::from.
  bson::timestamp capture_from;
  /// A majority read of this node that begins now sees everything up to here: changes at or before it need not be
  /// applied (reader_options::applied), those behind it must.
  bson::timestamp contained;
};

/// Asks for both; the copy, and the reading of the catalog, begin afterwards. By a change stream, where transactions
/// come out whole, both are the time now; through a mongos one that the majority of every shard has passed. Errors:
/// refused: config.transactions may not be read, with the roles that allow it; the server's.
[[nodiscard]] task<result<start_time>> read_start_time(wire::connection& source, capture_way way = capture_way::oplog);

/// The majority operation time now: no majority read that has ended saw a newer change. Of a sharded cluster: no change
/// of before, on any shard, is newer. Errors: as read_start_time().
[[nodiscard]] task<result<bson::timestamp>> read_majority_time(wire::connection& source);

/// The first and last entry of the source's oplog: what its window is.
struct oplog_window {
  bson::timestamp first;
  bson::timestamp last;
  [[nodiscard]] std::int64_t seconds() const noexcept {
    return static_cast<std::int64_t>(last.seconds) - static_cast<std::int64_t>(first.seconds);
  }
};
/// Errors: the server's (13 Unauthorized where local.oplog.rs may not be read); protocol: the oplog is empty.
[[nodiscard]] task<result<oplog_window>> read_oplog_window(wire::connection& source);

/// A note in the source's oplog (appendOplogNote, w: majority: waits as long as that takes), which no change of before
/// can come after; its time. The fence of a commit. Where the user may not write one: the time of the
/// newest change of the primary, committed by a majority or not; of a sharded cluster the time that every shard was
/// asked for. All that was acknowledged before is at or before it.
[[nodiscard]] task<result<bson::timestamp>> append_fence(wire::connection& source);

}  // namespace sluice::capture
