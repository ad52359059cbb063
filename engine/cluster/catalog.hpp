// What is in a deployment: databases, collections with every option, views, indexes.
#pragma once

#include "bson/document.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::cluster {

/// "database.collection"; the collection part may hold dots.
struct namespace_name {
  std::string database;
  std::string collection;
  [[nodiscard]] std::string to_string() const { return database + "." + collection; }
  friend bool operator==(const namespace_name&, const namespace_name&) = default;
  friend auto operator<=>(const namespace_name&, const namespace_name&) = default;
};

enum class collection_kind : std::uint8_t { plain, capped, clustered, timeseries, view };

struct index_spec {
  std::string name;
  bson::document spec;   // as listIndexes gave it: v, key, name and every option
};

struct collection_info {
  namespace_name ns;
  collection_kind kind = collection_kind::plain;
  std::vector<std::byte> uuid;       // 16 bytes; empty for views, time-series (see buckets_uuid) and through old mongos
  bson::document options;            // `options` of listCollections, whole
  std::vector<index_spec> indexes;   // without the automatic _id index (and without a clustered index)
  bson::document id_index;           // the _id index's spec; empty for clustered collections and views
  // Sizes, from $collStats; estimates. Zero for views.
  std::int64_t documents = 0;
  std::int64_t data_bytes = 0;
  std::int64_t average_document_bytes = 0;

  [[nodiscard]] bool has_collation() const;
  /// Where the data lies: `system.buckets.X` for a time-series collection X, else ns.
  [[nodiscard]] namespace_name data_ns() const;
};

struct catalog {
  std::vector<collection_info> collections;  // sorted by namespace; views included; system.buckets.* are not listed apart
};

/// Namespaces to take: filled from --include / --exclude ("db", "db.collection"). Empty include = everything.
struct namespace_filter {
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  [[nodiscard]] bool takes(const namespace_name& ns) const;
};

/// admin, local, config and the engine's own databases, and system.* collections other than system.js, are never taken.
[[nodiscard]] bool is_user_namespace(const namespace_name& ns);

/// Reads everything the filter takes: one listCollections a database, one listIndexes and one $collStats a collection,
/// several at once over `connections`. A collection dropped meanwhile is left out. `with_sizes` false skips $collStats.
[[nodiscard]] task<result<catalog>> read_catalog(wire::connection& node, const namespace_filter filter, bool with_sizes);

/// The source options as a `create` command for the destination: every option it understands, views and time-series
/// included. `for_data_phase` replaces a capped collection's bounds by 2^50 bytes without max (correctness: capped).
[[nodiscard]] bson::document create_command(const collection_info& info, bool for_data_phase);

}  // namespace sluice::cluster
