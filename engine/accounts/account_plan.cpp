#include "engine/accounts/account_plan.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "bson/extended_json.hpp"

namespace sluice::accounts {

namespace {

bool is_of_servers(const account_name& id) {
  return id.name == "__system" || id.name == "__queryable_backup";
}

result<bool> is_migrated(const account_name& id, const cluster::migration_scope& scope) {
  if (id.database == "admin" || id.database == "$external") return true;
  return scope.filter.may_cover(id.database);
}

/// Roles in an order in which each one's are there before it; those for which there is none come last.
void order_roles(std::vector<account_step>& roles, std::set<account_name> there) {
  std::vector<account_step> ordered;
  while (!roles.empty()) {
    const auto ready = std::stable_partition(roles.begin(), roles.end(), [&there](const account_step& step) {
      return lacking_role(step.what.as, there).has_value();
    });
    if (ready == roles.end()) break;
    for (auto step = ready; step != roles.end(); ++step) {
      there.insert(step->what.as.id);
      ordered.push_back(std::move(*step));
    }
    roles.erase(ready, roles.end());
  }
  std::ranges::move(roles, std::back_inserter(ordered));
  roles = std::move(ordered);
}

}  // namespace

std::string mark_of(const account& of) {
  if (of.kind == account_kind::role) return "role " + of.id.to_string();
  std::string mark = "user " + of.id.to_string();
  if (const auto id = of.stored.view().find("userId")) mark += " " + bson::value_to_json(id);
  return mark;
}

std::optional<std::string> lacking_role(const account& of, const std::set<account_name>& there) {
  for (const auto& role : roles_of(of)) {
    if (!there.contains(role)) return "its role " + role.to_string() + " is not on the destination";
  }
  return {};
}

result<chosen_accounts> choose_accounts(const std::vector<account>& source, const cluster::migration_scope& scope,
                                        const std::set<account_name>& own) {
  chosen_accounts chosen;
  for (const auto& one : source) {
    const auto skip = [&](std::string reason) {
      chosen.skipped.push_back({one.kind, one.id.to_string(), std::move(reason)});
    };
    SLUICE_TRY(const bool migrated, is_migrated(one.id, scope));
    if (is_of_servers(one.id)) {
      skip("it is the server's own");
    } else if (!migrated) {
      skip("its database is not migrated");
    } else if (one.kind == account_kind::user && own.contains(one.id)) {
      skip("Sluice logs in as it on the source");
    } else {
      auto renamed = as_on_destination(one, scope.names);
      if (auto* const refused = std::get_if<std::string>(&renamed)) {
        skip(std::move(*refused));
      } else {
        chosen.wanted.push_back({one.id.to_string(), std::get<account>(std::move(renamed))});
      }
    }
  }
  return chosen;
}

account_plan plan_accounts(const chosen_accounts& chosen, const present_accounts& present) {
  std::map<std::pair<account_kind, account_name>, const account*> there;
  for (const auto* some : {&present.users, &present.roles}) {
    for (const auto& one : *some) there.emplace(std::pair(one.kind, one.id), &one);
  }
  account_plan plan;
  plan.skipped = chosen.skipped;
  std::vector<account_step> roles;
  std::vector<account_step> users;
  std::set<account_name> wanted_users;
  for (const auto& one : chosen.wanted) {
    const auto skip = [&](std::string reason) {
      plan.skipped.push_back({one.as.kind, one.source_name, std::move(reason)});
    };
    const bool is_role = one.as.kind == account_kind::role;
    if (!is_role) wanted_users.insert(one.as.id);
    const auto found = there.find({one.as.kind, one.as.id});
    const bool ours = found != there.end() && present.made_by_this_run.contains(mark_of(*found->second));
    if (!is_role && present.own.contains(one.as.id)) {
      skip("Sluice logs in as it on the destination");
    } else if (found == there.end()) {
      (is_role ? roles : users).push_back({one, account_action::make});
    } else if (!is_same(one.as, *found->second)) {
      if (ours) (is_role ? roles : users).push_back({one, account_action::replace});
      if (!ours) skip("exists, differs");
    } else if (ours) {
      ++(is_role ? plan.roles_done : plan.users_done);
    } else {
      skip("exists, identical");
    }
  }
  order_roles(roles, present.roles_there);
  for (const auto& one : present.users) {
    if (wanted_users.contains(one.id) || !present.made_by_this_run.contains(mark_of(one))) continue;
    plan.steps.push_back({{one.id.to_string(), one}, account_action::drop});
  }
  std::ranges::move(roles, std::back_inserter(plan.steps));
  std::ranges::move(users, std::back_inserter(plan.steps));
  return plan;
}

}  // namespace sluice::accounts
