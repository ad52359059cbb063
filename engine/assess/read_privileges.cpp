// Beside what engine/cluster demands at every start (find_missing_privileges) there are actions without which something
// else happens than an operator would want: those are asked for here.
#include <algorithm>
#include <utility>

#include "engine/assess/reading.hpp"
#include "engine/cluster/privileges.hpp"

namespace sluice::assess {

namespace {

/// What is lost without an action; empty: a migration does not begin.
struct wish {
  cluster::role whose;
  const char* action;
  resource on;
  const char* lost;
  bool through_mongos = false;  // lost there, too
};

std::vector<wish> wishes() {
  using cluster::role;
  const resource cluster_wide{.cluster = true, .database = {}, .collection = {}};
  const resource everywhere{};
  const auto of = [](const char* database, const char* collection) { return resource{false, database, collection}; };
  return {
      {role::source, "find", of("local", "oplog.rs"),
       "changes are captured by a change stream, which costs the source more"},
      {role::source, "find", of("config", "transactions"), ""},
      // Collections are asked for by UUID, so that a rename does not lose them (seen on 6.0.27).
      {role::source, "useUUID", cluster_wide, ""},
      {role::source, "listCollections", of("local", ""),
       "collections are read in _id order, which costs the source more"},
      {role::source, "replSetGetConfig", cluster_wide,
       "the deployment is known by its members only, and another member looks like another deployment"},
      {role::source, "appendOplogNote", cluster_wide,
       "the commit goes by the newest change instead of by a note of its own"},
      {role::destination, "setUserWriteBlockMode", cluster_wide, "other writers are not refused", true},
      {role::destination, "bypassWriteBlockingMode", cluster_wide, "other writers are not refused", true},
      {role::destination, "dropDatabase", everywhere, "a database that is dropped on the source ends the run", true},
      {role::destination, "inprog", cluster_wide, "how far an index build is cannot be shown", true},
      {role::destination, "replSetGetConfig", cluster_wide,
       "the deployment is known by its members only, and another member looks like another deployment"},
  };
}

resource resource_of(const cluster::missing_privilege& missing) {
  resource on;
  on.cluster = missing.where == "the cluster";
  if (missing.where == "local.oplog.rs") on = {false, "local", "oplog.rs"};
  if (missing.where == "the database config") on = {false, "config", ""};
  if (missing.where == "config.settings") on = {false, "config", "settings"};
  return on;
}

std::vector<std::string> split(const std::string& actions) {
  std::vector<std::string> found;
  for (std::size_t at = 0; at < actions.size();) {
    const std::size_t end = std::min(actions.find(", ", at), actions.size());
    found.push_back(actions.substr(at, end - at));
    at = end + 2;
  }
  return found;
}

bool holds(bson::document_view privileges, const char* action, const resource& on) {
  return on.cluster ? cluster::grants_on_cluster(privileges, action)
                    : cluster::grants_on_collection(privileges, action, on.database, on.collection);
}

/// The feature compatibility version is read by either; the first is what a role is asked for.
bool reads_compatibility(bson::document_view privileges) {
  return cluster::grants_on_cluster(privileges, "getParameter") ||
         cluster::grants_on_collection(privileges, "find", "admin", "system.version");
}

void compare(bson::document_view privileges, cluster::role as, bool is_mongos, privilege_facts& into) {
  for (const auto& missing : cluster::find_missing_privileges(privileges, as, is_mongos, false)) {
    for (std::string& action : split(missing.actions)) {
      into.lacking.push_back({.action = std::move(action), .on = resource_of(missing)});
    }
  }
  if (!reads_compatibility(privileges)) {
    into.lacking.push_back({.action = "getParameter", .on = {.cluster = true, .database = {}, .collection = {}}});
  }
  for (const wish& one : wishes()) {
    // A mongos has no local database, and its users no say in what the shards' members do.
    if (is_mongos && !one.through_mongos) continue;
    if (one.whose != as || holds(privileges, one.action, one.on)) continue;
    const bool is_must_already = std::ranges::any_of(into.lacking, [&one](const lacking_action& listed) {
      return listed.action == one.action && listed.on == one.on;
    });
    if (!is_must_already) into.lacking.push_back({.action = one.action, .on = one.on, .lost = one.lost});
  }
}

}  // namespace

task<privilege_facts> read_privileges(wire::connection& node, cluster::role as) {
  privilege_facts facts;
  bson::builder command;
  command.append("connectionStatus", 1).append("showPrivileges", true);
  const auto answer = co_await ask(node, "admin", std::move(command));
  if (!answer) {
    facts.problem = answer.error().message;
    co_return facts;
  }
  const auto user = answer.value().body.at("authInfo", "authenticatedUsers", "0");
  const auto named = user ? user.as_document() : std::nullopt;
  const auto held = answer.value().body.at("authInfo", "authenticatedUserPrivileges");
  const auto privileges = held ? held.as_array() : std::nullopt;
  // What a start demands, and whether anybody is asked who he is.
  const auto demanded = co_await cluster::check_privileges(node, as);
  if (!named || !privileges) {
    facts.demanded = !demanded;
    facts.without_users = !facts.demanded;
    co_return facts;
  }
  facts.user = named->find("user").as_string().value_or("");
  facts.user_database = named->find("db").as_string().value_or("");
  facts.is_sharded = node.hello().is_mongos;
  compare(*privileges, as, facts.is_sharded, facts);
  const bool lacks = std::ranges::any_of(facts.lacking, [](const lacking_action& one) { return one.lost.empty(); });
  if (lacks && demanded && !cluster::find_missing_privileges(*privileges, as, node.hello().is_mongos, false).empty()) {
    // The server knows users and refuses nothing.
    facts.lacking.clear();
    facts.without_users = true;
  }
  co_return facts;
}

}  // namespace sluice::assess
