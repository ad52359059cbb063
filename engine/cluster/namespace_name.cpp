#include "engine/cluster/namespace_name.hpp"

#include <algorithm>
#include <array>

namespace sluice::cluster {

namespace {

constexpr std::array<std::string_view, 3> server_databases{"admin", "local", "config"};
// Metadata of this engine and of mongosync: current ones, and the names up to its 1.19.
constexpr std::array<std::string_view, 3> engine_prefixes{"__mdb_internal", "mongosync_reserved_for_internal_use",
                                                          "mongosync_reserved_for_verification_"};
constexpr std::string_view buckets_prefix = "system.buckets.";
/// MaxDatabaseNameLength.
constexpr std::size_t database_bytes_max = 63;
constexpr std::string_view never_in_database{"/\\. \"$\0", 7};

}  // namespace

std::optional<namespace_name> parse_namespace(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return {};
  return namespace_name{std::string(text.substr(0, dot)), std::string(text.substr(dot + 1))};
}

std::optional<namespace_name> owner_of_buckets(const namespace_name& ns) {
  if (!ns.collection.starts_with(buckets_prefix)) return {};
  return namespace_name{ns.database, ns.collection.substr(buckets_prefix.size())};
}

namespace_name buckets_of(const namespace_name& ns) {
  return {ns.database, std::string(buckets_prefix) + ns.collection};
}

std::optional<std::string> reason_against_name(const namespace_name& ns) {
  if (ns.database.empty()) return "the database's name is empty";
  if (ns.database.size() > database_bytes_max) {
    return "a database's name has at most " + std::to_string(database_bytes_max) + " bytes";
  }
  if (ns.database.find_first_of(never_in_database) != std::string::npos) {
    return "a database's name holds none of /\\. \"$ and no NUL";
  }
  if (ns.collection.empty()) return {};
  if (ns.to_string().size() > namespace_bytes_max) {
    return "database and collection have at most " + std::to_string(namespace_bytes_max) + " bytes";
  }
  if (ns.collection.find('$') != std::string::npos || ns.collection.find('\0') != std::string::npos) {
    return "a collection's name holds neither $ nor NUL";
  }
  if (ns.collection.starts_with('.')) return "a collection's name does not begin with a dot";
  return {};
}

bool is_user_database(std::string_view database) noexcept {
  return std::ranges::find(server_databases, database) == server_databases.end() &&
         std::ranges::none_of(engine_prefixes,
                              [database](std::string_view prefix) { return database.starts_with(prefix); });
}

bool is_user_namespace(const namespace_name& ns) {
  if (!is_user_database(ns.database)) return false;
  return !ns.collection.starts_with("system.") || ns.collection == "system.js";
}

}  // namespace sluice::cluster
