// Which privileges a copy needs, compared with what connectionStatus says that we hold. Asks nobody (check_privileges
// in deployment.hpp does).
#pragma once

#include <string>
#include <vector>

#include "bson/document_view.hpp"
#include "engine/cluster/deployment.hpp"

namespace sluice::cluster {

struct missing_privilege {
  std::string actions;  // "find, listIndexes"
  std::string where;    // "every user collection", "the cluster", "local.oplog.rs", "the database config"
  std::string roles;    // the built-in roles that hold all of them
};

/// `authenticatedUserPrivileges` of connectionStatus with showPrivileges: built-in and custom roles arrive expanded.
/// `gives_shard_keys`: of a sharded source, whose destination is sharded, too.
[[nodiscard]] std::vector<missing_privilege> find_missing_privileges(bson::document_view privileges, role as,
                                                                     bool is_mongos, bool gives_shard_keys);

/// The expanded privileges grant `action` on exactly the kind of thing asked for: an empty database and collection
/// stand for "every user collection"; grants on single databases do not add up to it.
[[nodiscard]] bool grants_on_collection(bson::document_view privileges, std::string_view action,
                                        std::string_view database, std::string_view collection);
[[nodiscard]] bool grants_on_cluster(bson::document_view privileges, std::string_view action);

/// True when the server carries out what nobody but an unauthenticated server's visitor may: even root has no `find`
/// on local.replset.initialSyncId.
[[nodiscard]] task<bool> is_authorization_off(wire::connection& node, bson::document privileges);

}  // namespace sluice::cluster
