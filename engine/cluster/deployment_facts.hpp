// What one node can be asked about its deployment: version, feature compatibility version, identity, abilities.
#pragma once

#include <string>
#include <string_view>

#include "engine/cluster/capabilities.hpp"
#include "engine/cluster/hello_reply.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::cluster {

[[nodiscard]] task<result<server_version>> read_server_version(wire::connection& node);

struct feature_compatibility {
  std::string version;    // "6.0"
  bool changing = false;  // setFeatureCompatibilityVersion is under way, or was interrupted
};
/// `getParameter` (roles clusterMonitor, backup, restore) or, where that is refused or there is no such parameter
/// (mongos), the document in admin.system.version (backup, restore). Error (refused): which action or role lacks.
[[nodiscard]] task<result<feature_compatibility>> read_feature_compatibility(wire::connection& node, bool is_mongos);

/// What stays the same for as long as the deployment lives: hex of `settings.replicaSetId` (clusterMonitor), or of
/// config.version's clusterId through a mongos. Where that may not be read, a stand-in made of the set's name and
/// members, which tells two deployments apart but changes with the member list: see is_stand_in().
[[nodiscard]] task<result<std::string>> read_deployment_identity(wire::connection& node, hello_reply said);
[[nodiscard]] bool is_stand_in(std::string_view identity) noexcept;
[[nodiscard]] std::string stand_in_identity(const hello_reply& said);

/// Bytes as lower-case hexadecimal digits.
[[nodiscard]] std::string hex_of(bson::bytes_view bytes);

/// Whether `insert` and `update` know bypassEmptyTsReplacement: it came with a patch release of each version.
[[nodiscard]] task<result<bool>> probe_bypass_empty_timestamp(wire::connection& node);

}  // namespace sluice::cluster
