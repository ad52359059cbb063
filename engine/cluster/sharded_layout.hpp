// How a copy is laid out on a sharded cluster, before its documents come: which shard a database lives on, which
// collections are sharded, and where the chunks of a range key begin. All of it can be done twice.
#pragma once

#include <cstddef>
#include <set>
#include <vector>

#include "bson/document.hpp"
#include "engine/cluster/catalog.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::cluster {

/// Gives each database of the destination that is not there yet a shard to live on, so that what is not sharded is
/// spread evenly: a mongos would put all of them where the least data is, which is the same one for all as long as
/// there is none. Needs enableSharding and find on config.shards (role clusterManager).
[[nodiscard]] task<result<>> place_databases(wire::connection& mongos, const catalog& catalog);

/// The namespaces that zones are set for, whether they exist or not. Needs find on config.tags (role clusterMonitor).
[[nodiscard]] task<result<std::set<namespace_name>>> read_zoned(wire::connection& mongos);

/// Shards a collection that is there and empty by info.shard_key, on the source's own index for the key where there is
/// one. Nothing to do where the key is empty.
[[nodiscard]] task<result<>> shard_collection(wire::connection& mongos, const collection_info& info);

/// Cuts a collection that is sharded by ranges and still empty at values that the source holds, and gives each shard
/// its share: in one chunk all of a copy would go to one shard. Only speed hangs on it: what a server refuses is
/// logged.
[[nodiscard]] task<result<>> spread_chunks(wire::connection& source, wire::connection& mongos,
                                           const collection_info& info);

/// Chunks must not move while it is written to through this connection's mongos: a delete or an update that is sent to
/// every shard, since its document's shard is not known, misses what is between two of them. Stopped once more, it
/// answers when nothing moves any longer. Needs the role clusterManager.
[[nodiscard]] task<result<bool>> is_balancer_on(wire::connection& mongos);
[[nodiscard]] task<result<>> stop_balancer(wire::connection& mongos);
[[nodiscard]] task<result<>> start_balancer(wire::connection& mongos);

// For its tests.
/// How many chunks a collection of so many bytes gets on so many shards; 1: it is not cut.
[[nodiscard]] std::size_t chunks_for(std::int64_t data_bytes, std::size_t shards);
/// Where the second, third, … of `chunks` chunks begin: values of `key` among `samples`, that ascend; fewer where the
/// samples hold no more. Hashed parts begin at their lowest value.
[[nodiscard]] std::vector<bson::document> split_points(const std::vector<bson::document>& samples,
                                                       bson::document_view key, std::size_t chunks);

}  // namespace sluice::cluster
