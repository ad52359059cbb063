// The users and custom roles of a deployment, read from its primary with what is needed to make them elsewhere.
#pragma once

#include <set>
#include <vector>

#include "engine/accounts/account_plan.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::accounts {

/// As whom this connection is logged in; nobody where nobody needs to be.
[[nodiscard]] task<result<std::set<account_name>>> read_own_logins(wire::connection& node);

/// All of them, roles first, by name.
[[nodiscard]] task<result<std::vector<account>>> read_source_accounts(wire::connection& node);

/// All users, and of the roles those that `chosen` would make or name. `made_by_this_run` stays empty.
[[nodiscard]] task<result<present_accounts>> read_destination_accounts(wire::connection& node, chosen_accounts chosen);

}  // namespace sluice::accounts
