// Users and custom roles brought over: read, planned and made, one by one. It may die anywhere: called again with the
// same checkpoint it goes on, and what the run has made before becomes what the source has by now. What others have
// made on the destination is never changed.
#pragma once

#include <chrono>

#include "engine/accounts/account_plan.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/state/checkpoint.hpp"

namespace sluice::accounts {

struct account_job {
  cluster::deployment source;
  cluster::deployment destination;
  cluster::migration_scope scope;
  std::chrono::milliseconds patience{};
};

/// What a copy would do now. Changes nothing. Errors: as the servers'; refused: a privilege lacks.
[[nodiscard]] task<result<account_plan>> preview_accounts(wire::connection& source, wire::connection& destination,
                                                          cluster::migration_scope scope);

/// Makes what is missing on the destination. An account that the destination does not take is one of those skipped.
/// Elections and lost connections are survived for as long as `patience`. Cancelled by `scope`. `notes` is the run's,
/// and opened.
[[nodiscard]] task<result<account_report>> copy_accounts(account_job job, state::checkpoint& notes,
                                                         runtime::cancel_scope& scope);

}  // namespace sluice::accounts
