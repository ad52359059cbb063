// What a user lacks for a migration, and the lines that mend it. Judges what reading.hpp has asked; asks nobody.
#pragma once

#include <string>
#include <vector>

#include "engine/assess/findings.hpp"

namespace sluice::assess {

/// What an action is granted on.
struct resource {
  bool cluster = false;
  std::string database;  // empty with an empty collection: every collection of users
  std::string collection;
  friend bool operator==(const resource&, const resource&) = default;
};

struct lacking_action {
  std::string action;
  resource on;
  std::string lost{};  // what will not be without it; empty: nothing goes at all
};

struct privilege_facts {
  std::string problem;         // why it could not be told; empty: it could
  bool demanded = false;       // the server wants a user, and the URI has none
  bool without_users = false;  // the server asks nobody who he is
  std::string user;            // "sluice"
  std::string user_database;   // "admin": where the user is defined
  bool is_sharded = false;     // of a cluster behind a mongos
  std::vector<lacking_action> lacking;
};

/// `side` is "source" or "destination".
[[nodiscard]] findings judge_privileges(const std::string& side, const privilege_facts& facts);

/// Exactly what lacks: a role with these actions, and its grant. For mongosh; arguments are JSON.
[[nodiscard]] std::vector<std::string> least_grants(const std::string& side, const privilege_facts& facts);
/// The same by the built-in roles that operating.md names.
[[nodiscard]] std::vector<std::string> built_in_grants(const std::string& side, const privilege_facts& facts);

}  // namespace sluice::assess
