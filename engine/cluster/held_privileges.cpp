#include "engine/cluster/held_privileges.hpp"

#include <utility>

namespace sluice::cluster {

task<result<std::optional<bson::document>>> read_held_privileges(wire::connection& node) {
  bson::builder command;
  command.append("connectionStatus", 1).append("showPrivileges", true);
  bson::document status = command.finish();
  SLUICE_CO_TRY(const auto answer, co_await node.run("admin", std::move(status)));
  const auto users = answer.body.at("authInfo", "authenticatedUsers");
  const auto listed = answer.body.at("authInfo", "authenticatedUserPrivileges");
  const auto user_list = users ? users.as_array() : std::nullopt;
  const auto privileges = listed ? listed.as_array() : std::nullopt;
  if (!user_list || !privileges) {
    co_return failure(error_kind::protocol, node.host().to_string() + ": connectionStatus shows no privileges");
  }
  if (user_list->empty()) co_return std::optional<bson::document>();
  co_return std::optional(bson::document(*privileges));
}

}  // namespace sluice::cluster
