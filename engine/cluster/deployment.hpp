// What a deployment is: a replica set or a sharded cluster, its members, version and feature compatibility version;
// and how to get a connection to the right node of it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/cluster/capabilities.hpp"
#include "engine/cluster/outage.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"
#include "engine/wire/connection_string.hpp"

namespace sluice::cluster {

enum class deployment_kind : std::uint8_t { replica_set, sharded };
enum class role : std::uint8_t { source, destination };
[[nodiscard]] std::string_view to_string(role r) noexcept;

/// What discovery found. A value: lanes get copies and open their own connections from it.
struct deployment {
  role as = role::source;
  wire::connection_string uri;  // hosts are the members found (SRV resolved)
  deployment_kind kind = deployment_kind::replica_set;
  std::string set_name;  // empty for a sharded cluster
  std::string identity;  // hex of replSetConfig settings.replicaSetId, or of config.version clusterId
  server_version version;
  std::string fcv;            // "6.0"
  bool fcv_changing = false;  // setFeatureCompatibilityVersion is under way: check_pair() refuses
  capabilities can;
  wire::host_port primary;                         // as found; for a sharded cluster one mongos that answered
  std::optional<bson::object_id> newest_election;  // of the newest primary seen: an older one is not taken for it
  std::shared_ptr<outage> unreached = std::make_shared<outage>();  // shared by the copies
  [[nodiscard]] std::string name() const;                          // "rs0 (db1:27017)" for messages
  /// For the nth of many connections that share the work: of a sharded cluster with several mongos in its URI one after
  /// the other, so that no host that runs one has to carry all of it.
  [[nodiscard]] deployment through(std::size_t nth) const;
  /// Data is written with w: majority, since replies tell no term by which a later write could fence it.
  [[nodiscard]] bool is_written_by_majority() const noexcept { return !can.write_replies_carry_term; }
};

/// Asks the seeds (SRV through libmongoc) until one leads to the primary, within the URI's server selection timeout.
/// Errors name every host tried with its cause: network, timeout, authentication (at once, no waiting), configuration
/// (wrong replica set name, standalone server, TLS), server (missing privilege: which action or role).
/// Runs on the calling lane; cancelled by `scope`.
[[nodiscard]] task<result<deployment>> discover(wire::connection_string uri, role as, runtime::cancel_scope& scope);

/// A connection to the current primary (or a mongos): asks the members again when the one known is no longer it.
/// Waits with backoff for as long as `patience`; zero tries each member once. On success `known.primary` is updated.
/// Who waits says so in `known.unreached`. A node whose set name or identity differs is refused.
[[nodiscard]] task<result<std::unique_ptr<wire::connection>>> connect_primary(deployment& known,
                                                                              runtime::cancel_scope& scope,
                                                                              std::chrono::milliseconds patience);

/// A connection to exactly this member (a natural-order plan is bound to its node), with the same patience.
[[nodiscard]] task<result<std::unique_ptr<wire::connection>>> connect_member(const deployment& known,
                                                                             wire::host_port member,
                                                                             runtime::cancel_scope& scope,
                                                                             std::chrono::milliseconds patience);

/// What the data files of the node at the other end are known by, as hex: natural-order plans are bound to it, since
/// RecordIds differ between members and after a resync. `local.replset.initialSyncId._id` where that may be read (with
/// authentication no built-in role may, not even root), else "oplog-" and the UUID of local.oplog.rs, which each node
/// makes for itself. Empty where neither can be read (mongos): natural-order plans are then impossible.
[[nodiscard]] task<result<std::string>> read_data_identity(wire::connection& node);

/// Whether the pair can be copied: source 4.4 or newer, destination 6.0 or newer and not older than the source (FCV
/// counts), not the same deployment. A sharded destination may be 4.4 or newer where the source is sharded, too, or of
/// 4.4. Error kind: refused.
[[nodiscard]] result<> check_pair(const deployment& source, const deployment& destination);

/// Privileges the copy needs, read from connectionStatus. Error: refused, listing what lacks and which built-in role
/// holds it. Deployments without authentication pass. `gives_shard_keys`: a source whose shard keys a destination takes
/// over, if it has any.
[[nodiscard]] task<result<>> check_privileges(wire::connection& node, role as, bool gives_shard_keys = false);

/// How long an answer takes: one `ping`, rounded up to a millisecond.
[[nodiscard]] task<result<std::chrono::milliseconds>> ping(wire::connection& node);

}  // namespace sluice::cluster
