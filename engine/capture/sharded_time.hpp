// The times of a sharded cluster, asked through a mongos. Each shard has a clock of its own, which others' messages set
// forward; a mongos knows what it has heard. What a time means has to be asked of every shard.
#pragma once

#include "bson/document_view.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::capture {

/// The newest time that the mongos has heard of.
[[nodiscard]] task<result<bson::timestamp>> read_cluster_time(wire::connection& mongos);

/// Opens a change stream on every shard that must have got to `after` (a time that read_cluster_time() gave) with a
/// majority, and ends it; writes a no-op where a shard has not. So:
///  - a majority read of the primaries that begins afterwards sees everything up to `after`;
///  - the time returned is that of every write that was acknowledged before the call, by whatever mongos, or a later
///  one.
/// Errors: the server's (13 Unauthorized without changeStream and find on all databases); network.
[[nodiscard]] task<result<bson::timestamp>> visit_all_shards(wire::connection& mongos, bson::timestamp after);

/// No shard's clock stays behind `time`: those that are idle write a no-op. Without it what the others wrote waits for
/// them, up to ten seconds. Cheap.
[[nodiscard]] task<result<>> wake_idle_shards(wire::connection& mongos, bson::timestamp time);

}  // namespace sluice::capture
