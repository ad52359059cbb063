// The questions of an assessment to servers: each reads the facts of one group of checks. None writes anything, each is
// bounded in what it makes a server do, and none fails: what cannot be read is said in the facts.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "engine/assess/catalog.hpp"
#include "engine/assess/data.hpp"
#include "engine/assess/disk.hpp"
#include "engine/assess/hosts.hpp"
#include "engine/assess/oplog.hpp"
#include "engine/assess/privileges.hpp"
#include "engine/assess/topology.hpp"
#include "engine/cluster/catalog.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/cluster/migration_scope.hpp"
#include "engine/cluster/sharding_choice.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::assess {

/// How long a server may work on a single question (maxTimeMS), and how long we wait for its answer.
inline constexpr auto question_time_max = std::chrono::milliseconds(2'000);
inline constexpr auto answer_time_max = std::chrono::milliseconds(8'000);
/// How long a member may take to let us in.
inline constexpr auto host_time_max = std::chrono::milliseconds(3'000);

/// A command with both bounds.
[[nodiscard]] task<result<wire::reply>> ask(wire::connection& node, std::string database, bson::builder command);
/// Any number, as servers answer them; 0 where there is none.
[[nodiscard]] double number_of(bson::element_view element) noexcept;

/// A member as the set's configuration has it, or a host of the URI.
struct known_host {
  std::string address;
  bool arbiter = false;
  bool hidden = false;
  bool delayed = false;
  bool in_set = true;
};
/// By replSetGetConfig, or, where that is not allowed, by hello (which does not tell hidden members). Of a mongos:
/// nothing.
[[nodiscard]] task<std::vector<known_host>> read_members(wire::connection& node);
[[nodiscard]] member_kinds kinds_of(const std::vector<known_host>& members);

/// Each is connected to and pinged, all at once.
[[nodiscard]] task<std::vector<host_facts>> read_hosts(wire::connection_string uri, std::vector<known_host> hosts,
                                                       std::string primary, runtime::cancel_scope& scope);

[[nodiscard]] task<privilege_facts> read_privileges(wire::connection& node, cluster::role as);
[[nodiscard]] task<side_settings> read_settings(wire::connection& node, cluster::deployment of,
                                                std::vector<std::string> databases);
[[nodiscard]] task<oplog_facts> read_oplog(wire::connection& source);
/// Of the destination; what is to be stored is the source's to tell.
[[nodiscard]] task<disk_facts> read_disk(wire::connection& destination);

/// What a migration would take, with as many details as there is time for: sizes first, then indexes, of the largest
/// collections first. The catalog is as on the source; `sharding` is asked only for what of it means nothing.
struct read_of_catalog {
  cluster::catalog catalog;
  catalog_facts facts;
};
[[nodiscard]] task<read_of_catalog> read_source_catalog(const cluster::deployment source, wire::connection& node,
                                                        const cluster::migration_scope chosen,
                                                        const std::optional<cluster::sharding_choice> sharding,
                                                        runtime::cancel_scope& scope);
/// What becomes of shard keys on a destination that is a sharded cluster: those that were chosen, or of a sharded
/// source its own. `coming` is as on the source.
[[nodiscard]] task<sharding_facts> read_sharding(wire::connection& source, const cluster::deployment of,
                                                 cluster::catalog coming, const cluster::migration_scope chosen);
/// What is on the destination of that already; `migration_name`: whose checkpoint is looked for.
[[nodiscard]] task<destination_facts> read_destination(wire::connection& node, const cluster::catalog& coming,
                                                       const cluster::migration_scope& chosen,
                                                       std::string migration_name);

/// Whether _ids of the largest collections are random: a hundred documents of each are looked at.
[[nodiscard]] task<data_facts> read_data(wire::connection& source, const cluster::deployment of,
                                         const cluster::catalog& catalog);
/// How fast a cursor reads the largest collection, over a connection of its own, for a moment.
[[nodiscard]] task<std::optional<double>> probe_reading(boost::asio::any_io_executor lane,
                                                        const cluster::deployment source,
                                                        const cluster::catalog& catalog, runtime::cancel_scope& scope);

}  // namespace sluice::assess
