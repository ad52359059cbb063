#include "engine/accounts/account_reading.hpp"

#include <utility>

#include "engine/cluster/command_cursor.hpp"

namespace sluice::accounts {

namespace {

task<result<std::vector<account>>> read_all(wire::connection& node, account_kind kind) {
  bson::builder command;
  command.append("find", kind == account_kind::user ? "system.users" : "system.roles");
  command.open_document("sort").append("_id", 1).close();
  command.open_document("readConcern").append("level", "majority").close();
  bson::document find = command.finish();
  SLUICE_CO_TRY(const auto listed, co_await cluster::run_cursor(node, "admin", std::move(find)));
  std::vector<account> found;
  for (const auto& document : listed.documents) {
    if (auto one = account_from(kind, document)) found.push_back(*std::move(one));
  }
  co_return found;
}

}  // namespace

task<result<std::set<account_name>>> read_own_logins(wire::connection& node) {
  bson::builder command;
  command.append("connectionStatus", 1);
  bson::document status = command.finish();
  SLUICE_CO_TRY(const auto answer, co_await node.run("admin", std::move(status)));
  std::set<account_name> own;
  const auto field = answer.body.at("authInfo", "authenticatedUsers");
  const auto users = field ? field.as_array() : std::nullopt;
  if (!users) co_return own;
  for (const auto each : *users) {
    const auto user = each.as_document();
    if (!user) continue;
    own.insert({std::string(user->find("db").as_string().value_or("")),
                std::string(user->find("user").as_string().value_or(""))});
  }
  co_return own;
}

task<result<std::vector<account>>> read_source_accounts(wire::connection& node) {
  SLUICE_CO_TRY(auto all, co_await read_all(node, account_kind::role));
  SLUICE_CO_TRY(auto users, co_await read_all(node, account_kind::user));
  for (auto& one : users) all.push_back(std::move(one));
  co_return all;
}

// The role restore may not read admin.system.roles, but ask about each role by its name.
task<result<present_accounts>> read_destination_accounts(wire::connection& node, chosen_accounts chosen) {
  present_accounts present;
  SLUICE_CO_TRY(present.own, co_await read_own_logins(node));
  SLUICE_CO_TRY(present.users, co_await read_all(node, account_kind::user));
  std::set<account_name> names;
  for (const auto& one : chosen.wanted) {
    if (one.as.kind == account_kind::role) names.insert(one.as.id);
    for (auto& role : roles_of(one.as)) names.insert(std::move(role));
  }
  if (names.empty()) co_return present;
  bson::builder command;
  command.open_array("rolesInfo");
  for (const auto& id : names) {
    command.open_document(command.next_index()).append("role", id.name).append("db", id.database).close();
  }
  command.close().append("showPrivileges", true).append("showAuthenticationRestrictions", true);
  bson::document ask = command.finish();
  SLUICE_CO_TRY(const auto answer, co_await node.run("admin", std::move(ask)));
  const auto field = answer.body.find("roles");
  const auto roles = field ? field.as_array() : std::nullopt;
  if (!roles) co_return failure(error_kind::protocol, node.host().to_string() + ": rolesInfo tells no roles");
  for (const auto each : *roles) {
    const auto document = each.as_document();
    auto one = document ? account_from(account_kind::role, *document) : std::nullopt;
    if (!one) continue;
    present.roles_there.insert(one->id);
    if (document->find("isBuiltin").to_bool().value_or(false)) continue;
    present.roles.push_back(*std::move(one));
  }
  co_return present;
}

}  // namespace sluice::accounts
