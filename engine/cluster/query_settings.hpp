// Persistent query settings: hints and rejections that a cluster keeps for shapes of queries (servers from 8.0 on, of
// wire version 25; setQuerySettings). They belong to the cluster and not to its data, and are not migrated.
#pragma once

#include <cstdint>
#include <string>

#include "engine/runtime/result.hpp"

namespace sluice::wire {
class connection;
}

namespace sluice::cluster {

/// How many it keeps; 0 of older servers, which are not asked. Errors are the server's: it wants the privilege
/// querySettings on the cluster, and hosted clusters may not know the stage.
[[nodiscard]] task<result<std::int64_t>> count_query_settings(wire::connection& node);

/// A sentence without its full stop, for one who would miss them, and what to do.
[[nodiscard]] std::string tell_query_settings_stay(std::int64_t count);
inline constexpr const char* keep_query_settings =
    "note them with db.getSiblingDB('admin').aggregate([{$querySettings: {}}]), and make them on the destination with "
    "setQuerySettings once it has the indexes that they name";

}  // namespace sluice::cluster
