// A user or a custom role as a server stores it. Its bytes hold credentials: they are handed from server to server, and
// never to a log, a message or a file.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "bson/document.hpp"
#include "engine/accounts/account_report.hpp"
#include "engine/cluster/namespace_map.hpp"

namespace sluice::accounts {

struct account_name {
  std::string database;
  std::string name;
  [[nodiscard]] std::string to_string() const { return database + "." + name; }
  friend auto operator<=>(const account_name&, const account_name&) = default;
};

struct account {
  account_kind kind = account_kind::user;
  account_name id;
  bson::document stored;  // of admin.system.users, admin.system.roles, or what rolesInfo says of a role
};

/// Nothing: the document has no name or database.
[[nodiscard]] std::optional<account> account_from(account_kind kind, bson::document_view stored);

/// The roles that it has been granted.
[[nodiscard]] std::vector<account_name> roles_of(const account& of);

/// Whether two of one kind may do the same and, for users, know the same passwords. The order of roles, privileges and
/// actions means nothing, and neither does the `userId`.
[[nodiscard]] bool is_same(const account& a, const account& b);

/// The account under the names of the destination's databases; or, as a sentence, why it cannot be: a database that it
/// names would be another one's data there.
[[nodiscard]] std::variant<account, std::string> as_on_destination(const account& of,
                                                                   const cluster::namespace_map& names);

}  // namespace sluice::accounts
