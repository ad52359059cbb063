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
