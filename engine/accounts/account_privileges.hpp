// Whether our users may read accounts on the source and make them on the destination: asked before anything is copied,
// so that nobody learns at the commit that they may not.
#pragma once

#include <string>

#include "bson/document_view.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::accounts {

/// "find on admin.system.users (role backup)", of `authenticatedUserPrivileges`; empty: nothing lacks.
[[nodiscard]] std::string lacking_privileges(bson::document_view privileges, cluster::role as);

/// Error (refused): what our user lacks at this node, with the built-in role that holds it. Deployments without
/// authentication pass.
[[nodiscard]] task<result<>> check_account_privileges(wire::connection& node, cluster::role as);

}  // namespace sluice::accounts
