// What an operator should know as a run begins, beside what would refuse it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/session/namespace_choice.hpp"

namespace sluice::session {

/// Sentences, each with what to do: rules and shard keys that mean nothing (find_idle_rules()), and what of the source
/// stays behind without being a namespace. Whether there is something of the latter may be withheld: that is logged.
[[nodiscard]] task<result<std::vector<std::string>>> find_start_warnings(
    wire::connection& source, cluster::migration_scope chosen, std::optional<cluster::sharding_choice> sharding);

}  // namespace sluice::session
