// Which namespaces a run migrates, as the operator chose it: checked, and compiled for those who ask about names.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/cluster/migration_scope.hpp"
#include "engine/session/settings.hpp"

// The command line includes this, and not what connections are made of.
namespace sluice::wire {
class connection;
}
namespace sluice::cluster {
struct deployment;
}

namespace sluice::session {

/// Errors (configuration): what is wrong with a rule, or what it cannot be combined with.
[[nodiscard]] result<cluster::migration_scope> choose_namespaces(const copy_settings& settings);
/// Of a live sync: it may be combined with less.
[[nodiscard]] result<cluster::migration_scope> choose_namespaces(const sync_settings& settings);

/// Whether shard keys are said where they are wanted, and only there: between a replica set and a sharded cluster.
/// Errors (configuration): what to say, or to leave out.
[[nodiscard]] result<> check_sharding(const cluster::deployment& source, const cluster::deployment& destination,
                                      const std::optional<cluster::sharding_choice>& sharding);

/// A sentence for each rule and each shard key that means nothing of what the source holds now.
[[nodiscard]] task<result<std::vector<std::string>>> find_idle_rules(wire::connection& source,
                                                                     cluster::migration_scope chosen,
                                                                     std::optional<cluster::sharding_choice> sharding);
/// Of the shard keys alone: those of collections that are not among `names` (of the source), or are not migrated.
/// Errors as namespace_filter's.
[[nodiscard]] result<std::vector<std::string>> find_idle_shard_keys(const cluster::sharding_choice& sharding,
                                                                    const cluster::namespace_filter& filter,
                                                                    const std::vector<cluster::namespace_name>& names);

}  // namespace sluice::session
