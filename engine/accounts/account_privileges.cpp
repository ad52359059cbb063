#include "engine/accounts/account_privileges.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/cluster/held_privileges.hpp"
#include "engine/cluster/privileges.hpp"

namespace sluice::accounts {

namespace {

using cluster::role;

// Measured with users of 4.4.2, 5.0.4, 6.0.5 (source) and 6.0.27 (both): `backup` reads both collections, also with the
// credentials; `restore` reads and writes users, and reads roles by rolesInfo only.
constexpr std::array<std::string_view, 3> user_actions{"find", "insert", "update"};
constexpr std::array<std::string_view, 6> database_actions{
    "createRole", "dropUser", "grantRole", "revokeRole", "setAuthenticationRestriction", "viewRole"};

bool holds(bson::document_view privilege, std::string_view action) {
  const auto actions = privilege.find("actions").as_array();
  return actions &&
         std::ranges::any_of(*actions, [action](const bson::element_view& one) { return one.as_string() == action; });
}

/// System collections are meant by a resource that names them, and by anyResource.
bool grants_on_system(bson::document_view privileges, std::string_view action, std::string_view collection) {
  return std::ranges::any_of(privileges, [&](const bson::element_view& each) {
    const auto privilege = each.as_document();
    const auto resource = privilege ? privilege->find("resource").as_document() : std::nullopt;
    if (!resource || !holds(*privilege, action)) return false;
    if (resource->find("anyResource")) return true;
    const auto database = resource->find("db");
    return database && (database.as_string() == "" || database.as_string() == "admin") &&
           resource->find("collection").as_string() == collection;
  });
}

void add(std::string& list, std::string_view separator, std::string_view more) {
  if (!list.empty()) list += separator;
  list += more;
}

}  // namespace

std::string lacking_privileges(bson::document_view privileges, role as) {
  std::string all;
  if (as == role::source) {
    for (const std::string_view collection : {"system.users", "system.roles"}) {
      if (grants_on_system(privileges, "find", collection)) continue;
      add(all, "; ", "find on admin." + std::string(collection) + " (role backup)");
    }
    return all;
  }
  std::string actions;
  for (const auto action : user_actions) {
    if (!grants_on_system(privileges, action, "system.users")) add(actions, ", ", action);
  }
  if (!actions.empty()) add(all, "; ", actions + " on admin.system.users (role restore)");
  actions.clear();
  for (const auto action : database_actions) {
    if (!cluster::grants_on_collection(privileges, action, "", "")) add(actions, ", ", action);
  }
  if (!actions.empty()) add(all, "; ", actions + " on every database (role restore)");
  return all;
}

task<result<>> check_account_privileges(wire::connection& node, role as) {
  SLUICE_CO_TRY(auto privileges, co_await cluster::read_held_privileges(node));
  if (!privileges) co_return ok();
  const std::string lacks = lacking_privileges(*privileges, as);
  if (lacks.empty()) co_return ok();
  bson::document held = *std::move(privileges);
  const bool off = co_await cluster::is_authorization_off(node, std::move(held));
  if (off) co_return ok();
  co_return failure(error_kind::refused, std::string(cluster::to_string(as)) + " " + node.host().to_string() +
                                             ": to migrate users and roles, the user \"" + node.uri().user() +
                                             "\" lacks " + lacks + "; grant it, or leave --users out");
}

}  // namespace sluice::accounts
