// Which of the source's users and custom roles are made on the destination, in which order, and why the others are not.
// Decides only: never asks a server, and never lets an account of the destination be changed that the run has not made.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/accounts/account.hpp"
#include "engine/cluster/migration_scope.hpp"

namespace sluice::accounts {

/// An account of the source that is to be on the destination, with its names there.
struct wanted_account {
  std::string source_name;  // for messages
  account as;
};

struct chosen_accounts {
  std::vector<wanted_account> wanted;
  std::vector<skipped_account> skipped;
};

/// Of the source's accounts those that are migrated: of `admin`, of `$external`, and of each database of which the
/// filter takes something. `own`: as whom Sluice is logged in there. Errors: as the filter's.
[[nodiscard]] result<chosen_accounts> choose_accounts(const std::vector<account>& source,
                                                      const cluster::migration_scope& scope,
                                                      const std::set<account_name>& own);

/// What the destination holds, as far as it matters.
struct present_accounts {
  std::vector<account> users;
  std::vector<account> roles;              // custom ones among those that were asked about
  std::set<account_name> roles_there;      // the same, and built-in ones
  std::set<account_name> own;              // as whom Sluice is logged in there
  std::set<std::string> made_by_this_run;  // mark_of() each
};

enum class account_action : std::uint8_t {
  make,
  replace,  // made by this run, and changed on the source since
  drop,     // a user; made by this run, and gone from the source since
};

struct account_step {
  wanted_account what;
  account_action action = account_action::make;
};

struct account_plan {
  std::vector<account_step> steps;  // users to drop; roles before those that inherit from them; users
  std::vector<skipped_account> skipped;
  std::int64_t roles_done = 0;  // made by this run before, as they should be
  std::int64_t users_done = 0;
};

[[nodiscard]] account_plan plan_accounts(const chosen_accounts& chosen, const present_accounts& present);

/// The first role that it has been granted and that is not `there`, as a reason to skip it.
[[nodiscard]] std::optional<std::string> lacking_role(const account& of, const std::set<account_name>& there);

/// What the run notes before it makes an account, so that another process of the same run knows it for its own. A user
/// is told from one that somebody has made under the same name by the `userId`, which comes over with it.
[[nodiscard]] std::string mark_of(const account& of);

}  // namespace sluice::accounts
