#include "engine/cluster/privileges.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "engine/cluster/held_privileges.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::cluster {

namespace {

enum class reach { user_collections, cluster, oplog, sharding, shard_keys, balancer };

struct need {
  std::string_view action;
  reach on;
  std::string_view roles;
};

// The built-in roles as 6.0.27 expands them. Lists that only read sizes or offer another way (local.oplog.rs or change
// streams; replSetGetConfig or a stand-in for the identity) are not demanded.
constexpr std::array<need, 6> source_needs{{
    {"find", reach::user_collections, "backup or readAnyDatabase"},
    {"listCollections", reach::user_collections, "backup or readAnyDatabase"},
    {"listIndexes", reach::user_collections, "backup or readAnyDatabase"},
    {"collStats", reach::user_collections, "backup, clusterMonitor or readAnyDatabase"},
    {"listDatabases", reach::cluster, "backup, clusterMonitor or readAnyDatabase"},
    {"find", reach::oplog, "backup or clusterMonitor (or changeStream everywhere: readAnyDatabase)"},
}};
constexpr std::array<need, 14> destination_needs{{
    {"insert", reach::user_collections, "restore"},
    {"createCollection", reach::user_collections, "restore"},
    {"createIndex", reach::user_collections, "restore"},
    {"collMod", reach::user_collections, "restore"},
    {"dropCollection", reach::user_collections, "restore"},
    {"bypassDocumentValidation", reach::user_collections, "restore"},
    {"find", reach::user_collections, "readWriteAnyDatabase"},
    {"update", reach::user_collections, "readWriteAnyDatabase"},
    {"remove", reach::user_collections, "readWriteAnyDatabase"},
    {"dropIndex", reach::user_collections, "readWriteAnyDatabase"},
    {"listCollections", reach::user_collections, "restore or readWriteAnyDatabase"},
    {"listIndexes", reach::user_collections, "readWriteAnyDatabase"},
    {"collStats", reach::user_collections, "clusterMonitor or readWriteAnyDatabase"},
    {"listDatabases", reach::cluster, "clusterMonitor or readWriteAnyDatabase"},
}};
/// Of a sharded source beside its own, where the destination is to be sharded as it is.
constexpr std::array<need, 1> shard_key_needs{{
    {"find", reach::shard_keys, "clusterManager or clusterMonitor"},
}};
/// Of a sharded destination beside its own. Who may not move chunks would have all of a copy on one shard.
constexpr std::array<need, 5> sharded_destination_needs{{
    {"enableSharding", reach::user_collections, "clusterManager"},
    {"moveChunk", reach::user_collections, "clusterManager"},
    {"splitChunk", reach::user_collections, "clusterManager"},
    {"find", reach::sharding, "clusterManager or clusterMonitor"},
    {"update", reach::balancer, "clusterManager"},  // balancerStop and balancerStart ask for it
}};

/// What is read of it: where databases, collections and chunks lie, and (balancerStatus) whether they may move.
constexpr std::array<std::string_view, 5> sharding_collections{"shards", "databases", "collections", "chunks",
                                                               "settings"};

std::string_view words_of(reach on) {
  switch (on) {
    case reach::user_collections:
      return "every user collection";
    case reach::cluster:
      return "the cluster";
    case reach::oplog:
      return "local.oplog.rs";
    case reach::sharding:
      return "the database config";
    case reach::shard_keys:
      return "config.collections";
    case reach::balancer:
      return "config.settings";
  }
  return {};
}

bool holds_action(bson::document_view privilege, std::string_view action) {
  const auto field = privilege.find("actions");
  const auto actions = field ? field.as_array() : std::nullopt;
  return actions &&
         std::ranges::any_of(*actions, [action](const bson::element_view& each) { return each.as_string() == action; });
}

/// A resource names a database or a collection, or says "any" with an empty string.
bool names(bson::document_view resource, std::string_view key, std::string_view wanted) {
  const auto field = resource.find(key);
  const auto named = field ? field.as_string() : std::nullopt;
  return named && (named->empty() || *named == wanted);
}

bool covers_collection(bson::document_view resource, std::string_view database, std::string_view collection) {
  if (resource.find("anyResource")) return true;
  const auto db = resource.find("db");
  // "" for the database means every one but local and config: those are always named.
  if (db && db.as_string() == "" && (database == "local" || database == "config")) return false;
  return names(resource, "db", database) && names(resource, "collection", collection);
}

template <class Covers>
bool any_grants(bson::document_view privileges, std::string_view action, Covers covers) {
  return std::ranges::any_of(privileges, [&](const bson::element_view& each) {
    const auto privilege = each.as_document();
    const auto field = privilege ? privilege->find("resource") : bson::element_view{};
    const auto resource = field ? field.as_document() : std::nullopt;
    return resource && covers(*resource) && holds_action(*privilege, action);
  });
}

bool satisfied(bson::document_view privileges, const need& wanted, bool is_mongos) {
  switch (wanted.on) {
    case reach::user_collections:
      return grants_on_collection(privileges, wanted.action, "", "");
    case reach::cluster:
      return grants_on_cluster(privileges, wanted.action);
    case reach::oplog:
      // A mongos has no oplog to show; change streams are the only way there, and another way elsewhere.
      return (!is_mongos && grants_on_collection(privileges, wanted.action, "local", "oplog.rs")) ||
             grants_on_collection(privileges, "changeStream", "", "");
    case reach::sharding:
      return std::ranges::all_of(sharding_collections, [&](std::string_view collection) {
        return grants_on_collection(privileges, wanted.action, "config", collection);
      });
    case reach::shard_keys:
      return grants_on_collection(privileges, wanted.action, "config", "collections");
    case reach::balancer:
      return grants_on_collection(privileges, wanted.action, "config", "settings");
  }
  return false;
}

}  // namespace

bool grants_on_collection(bson::document_view privileges, std::string_view action, std::string_view database,
                          std::string_view collection) {
  return any_grants(privileges, action,
                    [&](bson::document_view resource) { return covers_collection(resource, database, collection); });
}

bool grants_on_cluster(bson::document_view privileges, std::string_view action) {
  return any_grants(privileges, action, [](bson::document_view resource) {
    return resource.find("anyResource") || resource.find("cluster");
  });
}

std::vector<missing_privilege> find_missing_privileges(bson::document_view privileges, role as, bool is_mongos,
                                                       bool gives_shard_keys) {
  const std::span<const need> own = as == role::source ? std::span<const need>(source_needs) : destination_needs;
  std::vector<need> needs(own.begin(), own.end());
  const auto add = [&needs](std::span<const need> more) { needs.insert(needs.end(), more.begin(), more.end()); };
  if (is_mongos && as == role::destination) add(sharded_destination_needs);
  if (is_mongos && as == role::source && gives_shard_keys) add(shard_key_needs);
  std::vector<missing_privilege> missing;
  for (const auto& wanted : needs) {
    if (satisfied(privileges, wanted, is_mongos)) continue;
    const auto where = words_of(wanted.on);
    const auto same = std::ranges::find_if(missing, [&](const missing_privilege& listed) {
      return listed.where == where && listed.roles == wanted.roles;
    });
    if (same != missing.end()) {
      same->actions += ", " + std::string(wanted.action);
    } else {
      missing.push_back({std::string(wanted.action), std::string(where), std::string(wanted.roles)});
    }
  }
  return missing;
}

task<bool> is_authorization_off(wire::connection& node, bson::document privileges) {
  if (node.hello().is_mongos || grants_on_collection(privileges, "find", "local", "replset.initialSyncId"))
    co_return false;
  bson::builder command;
  command.append("find", "replset.initialSyncId").append("limit", 1).append("singleBatch", true);
  bson::document find = command.finish();
  const auto answer = co_await node.run("local", std::move(find));
  co_return answer.has_value();
}

namespace {

/// Without a user: either nobody needs one here, or we came without ours.
task<result<>> check_anonymous(wire::connection& node, role as) {
  bson::builder command;
  command.append("listDatabases", 1).append("nameOnly", true);
  bson::document list = command.finish();
  const auto answer = co_await node.run("admin", std::move(list));
  if (answer) co_return ok();
  if (answer.error().server_code != wire::unauthorized) co_return answer.error();
  co_return failure(error_kind::refused, std::string(to_string(as)) + " " + node.host().to_string() +
                                             " demands authentication, and its URI holds no user: use mongodb://"
                                             "USER:PASSWORD@HOST/?authSource=admin");
}

error lacking(const wire::connection& node, role as, const std::vector<missing_privilege>& missing) {
  std::string message =
      std::string(to_string(as)) + " " + node.host().to_string() + ": the user \"" + node.uri().user() + "\" lacks ";
  for (const auto& each : missing) {
    if (&each != &missing.front()) message += "; ";
    message += each.actions + " on " + each.where + " (role " + each.roles + ")";
  }
  if (as == role::source) {
    message += ". The roles backup, clusterMonitor and readAnyDatabase hold all that is needed";
  } else if (node.hello().is_mongos) {
    message += ". The roles restore, clusterManager, clusterMonitor and readWriteAnyDatabase hold all that is needed";
  } else {
    message += ". The roles restore, clusterMonitor and readWriteAnyDatabase hold all that is needed";
  }
  return failure(error_kind::refused, std::move(message));
}

}  // namespace

task<result<>> check_privileges(wire::connection& node, role as, bool gives_shard_keys) {
  SLUICE_CO_TRY(auto privileges, co_await read_held_privileges(node));
  if (!privileges) {
    auto anonymous = co_await check_anonymous(node, as);
    co_return anonymous;
  }
  const auto missing = find_missing_privileges(*privileges, as, node.hello().is_mongos, gives_shard_keys);
  if (missing.empty()) co_return ok();
  bson::document held = *std::move(privileges);
  const bool off = co_await is_authorization_off(node, std::move(held));
  if (off) co_return ok();
  co_return lacking(node, as, missing);
}

}  // namespace sluice::cluster
