// Names of collections, and whose they are. Plain functions; never ask a server.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::cluster {

/// "database.collection"; the collection part may hold dots.
struct namespace_name {
  std::string database;
  std::string collection;
  [[nodiscard]] std::string to_string() const { return database + "." + collection; }
  friend bool operator==(const namespace_name&, const namespace_name&) = default;
  friend auto operator<=>(const namespace_name&, const namespace_name&) = default;
};

/// "database.collection" taken apart at the first dot (a database's name holds none); nothing when there is no dot.
[[nodiscard]] std::optional<namespace_name> parse_namespace(std::string_view text);
/// X for `system.buckets.X`: the time-series collection whose data it holds. Nothing for any other name.
[[nodiscard]] std::optional<namespace_name> owner_of_buckets(const namespace_name& ns);
/// The reverse: where the documents of the time-series collection `ns` lie.
[[nodiscard]] namespace_name buckets_of(const namespace_name& ns);

/// The length of "database.collection" since 4.4.
inline constexpr std::size_t namespace_bytes_max = 255;
/// Why no server takes this name, as a sentence; nothing: servers do. Without a collection it is one of a database.
[[nodiscard]] std::optional<std::string> reason_against_name(const namespace_name& ns);

/// admin, local, config and the engine's own databases, and system.* collections other than system.js, are never taken.
[[nodiscard]] bool is_user_namespace(const namespace_name& ns);
[[nodiscard]] bool is_user_database(std::string_view database) noexcept;

}  // namespace sluice::cluster
