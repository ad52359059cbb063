// Which namespaces are the user's, and which of those a filter takes.
#include <algorithm>
#include <array>

#include "engine/cluster/catalog.hpp"

namespace sluice::cluster {

namespace {

constexpr std::array<std::string_view, 3> server_databases{"admin", "local", "config"};
// Metadata of this engine and of mongosync: current ones, and the names up to its 1.19.
constexpr std::array<std::string_view, 3> engine_prefixes{"__mdb_internal", "mongosync_reserved_for_internal_use",
                                                          "mongosync_reserved_for_verification_"};
constexpr std::string_view buckets_prefix = "system.buckets.";

/// `entry` is "db" or "db.collection"; a database's name holds no dot.
bool matches(std::string_view entry, const namespace_name& ns) {
  const auto dot = entry.find('.');
  if (dot == std::string_view::npos) return entry == ns.database;
  return entry.substr(0, dot) == ns.database && entry.substr(dot + 1) == ns.collection;
}

bool any_matches(const std::vector<std::string>& entries, const namespace_name& ns) {
  return std::ranges::any_of(entries, [&ns](const std::string& entry) { return matches(entry, ns); });
}

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

bool namespace_filter::takes(const namespace_name& ns) const {
  return (include.empty() || any_matches(include, ns)) && !any_matches(exclude, ns);
}

bool may_take_from(const namespace_filter& filter, std::string_view database) {
  const auto whole = [database](std::string_view entry) { return entry == database; };
  if (std::ranges::any_of(filter.exclude, whole)) return false;
  return filter.include.empty() || std::ranges::any_of(filter.include, [database](std::string_view entry) {
           return entry.substr(0, entry.find('.')) == database;
         });
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

bool collection_info::has_collation() const {
  return static_cast<bool>(options.view().find("collation"));
}

namespace_name collection_info::data_ns() const {
  if (kind != collection_kind::timeseries) return ns;
  return {ns.database, std::string(buckets_prefix) + ns.collection};
}

}  // namespace sluice::cluster
