// What a deployment is: a replica set or a sharded cluster, its members, version and feature compatibility version;
// and how to get a connection to the right node of it.
#pragma once

#include "engine/cluster/capabilities.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"
#include "engine/wire/connection_string.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace sluice::cluster {

enum class deployment_kind : std::uint8_t { replica_set, sharded };
enum class role : std::uint8_t { source, destination };
[[nodiscard]] std::string_view to_string(role r) noexcept;

/// What discovery found. A value: lanes get copies and open their own connections from it.
struct deployment {
  role as = role::source;
  wire::connection_string uri;               // hosts are the members found (SRV resolved)
  deployment_kind kind = deployment_kind::replica_set;
  std::string set_name;                      // empty for a sharded cluster
  std::string identity;                      // hex of replSetConfig settings.replicaSetId, or of config.version clusterId
  server_version version;
  std::string fcv;                           // "6.0"
  capabilities can;
  wire::host_port primary;                   // as found; for a sharded cluster one mongos that answered
  [[nodiscard]] std::string name() const;    // "rs0 (db1:27017)" for messages
};

/// Asks the seeds (SRV through libmongoc) until one leads to the primary, within the URI's server selection timeout.
/// Errors name every host tried with its cause: network, timeout, authentication (at once, no waiting), configuration
/// (wrong replica set name, standalone server, TLS), server (missing privilege: which action or role).
/// Runs on the calling lane; cancelled by `scope`.
[[nodiscard]] task<result<deployment>> discover(wire::connection_string uri, role as, runtime::cancel_scope& scope);

/// A connection to the current primary (or a mongos): asks the members again when the one known is no longer it.
/// Waits with backoff for as long as `patience`; zero tries each member once. On success `known.primary` is updated.
/// A node whose set name or identity differs is refused.
[[nodiscard]] task<result<std::unique_ptr<wire::connection>>> connect_primary(deployment& known,
                                                                              runtime::cancel_scope& scope,
                                                                              std::chrono::milliseconds patience);

/// A connection to exactly this member (a natural-order plan is bound to its node), with the same patience.
[[nodiscard]] task<result<std::unique_ptr<wire::connection>>> connect_member(const deployment& known,
                                                                             wire::host_port member,
                                                                             runtime::cancel_scope& scope,
                                                                             std::chrono::milliseconds patience);

/// `local.replset.initialSyncId._id` of the node at the other end, as hex; empty where it cannot be read (mongos, no
/// privilege on local): natural-order plans are then impossible. Identifies the node's data: changes on resync.
[[nodiscard]] task<result<std::string>> read_data_identity(wire::connection& node);

/// Whether the pair can be copied: source 4.4 or newer, destination 6.0 or newer and not older than the source (FCV
/// counts), not the same deployment. Error kind: refused.
[[nodiscard]] result<> check_pair(const deployment& source, const deployment& destination);

/// Privileges the copy needs, read from connectionStatus. Error: refused, listing what lacks and which built-in role
/// holds it. Deployments without authentication pass.
[[nodiscard]] task<result<>> check_privileges(wire::connection& node, role as);

}  // namespace sluice::cluster
