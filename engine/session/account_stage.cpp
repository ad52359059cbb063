#include "engine/session/account_stage.hpp"

#include <utility>

#include "engine/accounts/account_copy.hpp"
#include "engine/runtime/failure_point.hpp"
#include "engine/runtime/log.hpp"

namespace sluice::session {

task<result<>> look_at_accounts(sides& between, cluster::migration_scope scope) {
  SLUICE_CO_TRY(const auto plan,
                co_await accounts::preview_accounts(*between.to_source, *between.to_destination, std::move(scope)));
  log(log_level::info, "session", "Users and roles come over at the end",
      {{"toCopy", static_cast<std::int64_t>(plan.steps.size())},
       {"skipped", static_cast<std::int64_t>(plan.skipped.size())}});
  co_return ok();
}

task<result<>> bring_accounts(sides& between, const copy_settings& settings, cluster::migration_scope scope,
                              sluice::state::checkpoint& notes, copy_board& board, runtime::cancel_scope& until) {
  accounts::account_job job{between.source, between.destination, std::move(scope), settings.retry_time};
  SLUICE_CO_TRY(auto report, co_await accounts::copy_accounts(std::move(job), notes, until));
  for (const auto& one : report.skipped) {
    const bool is_role = one.kind == accounts::account_kind::role;
    log(log_level::warn, "session", is_role ? "A role was skipped" : "A user was skipped",
        {{is_role ? "role" : "user", one.name}, {"reason", one.reason}});
  }
  log(log_level::info, "session", "Users and roles are on the destination",
      {{"users", report.users_copied},
       {"roles", report.roles_copied},
       {"skipped", static_cast<std::int64_t>(report.skipped.size())}});
  board.set_accounts(std::move(report));
  runtime::failure_point("accounts_made");
  co_return ok();
}

}  // namespace sluice::session
