// Which namespaces a run migrates, as the operator chose it: checked, and compiled for those who ask about names.
#pragma once

#include <string>
#include <vector>

#include "engine/cluster/namespace_filter.hpp"
#include "engine/session/settings.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::session {

struct namespace_choice {
  cluster::namespace_filter filter;
};

/// Errors (configuration): what is wrong with a rule, or what it cannot be combined with.
[[nodiscard]] result<namespace_choice> choose_namespaces(const copy_settings& settings);
/// Of a live sync: it may be combined with less.
[[nodiscard]] result<namespace_choice> choose_namespaces(const sync_settings& settings);

/// A sentence for each rule that covers nothing of what the source holds now; none where everything is migrated.
[[nodiscard]] task<result<std::vector<std::string>>> find_idle_rules(wire::connection& source, namespace_choice choice);

}  // namespace sluice::session
