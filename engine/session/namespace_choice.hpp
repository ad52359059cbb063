// Which namespaces a run migrates, as the operator chose it: checked, and compiled for those who ask about names.
#pragma once

#include <string>
#include <vector>

#include "engine/cluster/migration_scope.hpp"
#include "engine/session/settings.hpp"

namespace sluice::wire {
class connection;
}

namespace sluice::session {

/// Errors (configuration): what is wrong with a rule, or what it cannot be combined with.
[[nodiscard]] result<cluster::migration_scope> choose_namespaces(const copy_settings& settings);
/// Of a live sync: it may be combined with less.
[[nodiscard]] result<cluster::migration_scope> choose_namespaces(const sync_settings& settings);

/// A sentence for each rule that covers nothing of what the source holds now; none where everything is migrated.
[[nodiscard]] task<result<std::vector<std::string>>> find_idle_rules(wire::connection& source,
                                                                     cluster::migration_scope chosen);

}  // namespace sluice::session
