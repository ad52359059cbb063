// What is in a deployment: databases, collections with every option, views, indexes.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bson/document.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/cluster/namespace_filter.hpp"
#include "engine/cluster/namespace_map.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::cluster {

enum class collection_kind : std::uint8_t { plain, capped, clustered, timeseries, view };

struct index_spec {
  std::string name;
  bson::document spec;  // as listIndexes gave it: v, key, name and every option
};

struct collection_info {
  namespace_name ns;
  std::optional<namespace_name> renamed_to{};  // its name on the destination, where that is another one
  collection_kind kind = collection_kind::plain;
  std::vector<std::byte> uuid;      // 16 bytes, of the collection at data_ns(): a time-series' is its buckets';
                                    // empty for views
  bson::document options;           // `options` of listCollections, whole
  std::vector<index_spec> indexes;  // without the automatic _id index (and without a clustered index)
  bson::document id_index;          // the _id index's spec; empty for clustered collections and views
  bson::document shard_key{};       // by which the destination is to shard it ({customer: 1}); empty: it is not
  // Sizes, from the server's counters; estimates. Zero for views. Of a time-series: its buckets.
  std::int64_t documents = 0;
  std::int64_t data_bytes = 0;
  std::int64_t average_document_bytes = 0;
  // DDL of this collection (of its indexes) up to this time is contained; what came right after it may be, too.
  bson::timestamp listed_at;
  bson::timestamp indexes_listed_at;

  [[nodiscard]] bool has_collation() const;
  /// Where the data lies: `system.buckets.X` for a time-series collection X, else ns.
  [[nodiscard]] namespace_name data_ns() const;
  [[nodiscard]] const namespace_name& destination_ns() const noexcept { return renamed_to ? *renamed_to : ns; }
  [[nodiscard]] namespace_name destination_data_ns() const;
};

struct catalog {
  std::vector<collection_info>
      collections;  // sorted by namespace; views included; system.buckets.* are not listed apart
};

/// Reads everything the filter covers: one listCollections a database, one listIndexes and one dataSize (through a
/// mongos $collStats) a collection. A collection dropped meanwhile is left out, one renamed meanwhile is there under
/// its old name (mongod; through a mongos, where collections cannot be named by UUID, it is left out too). Indexes that
/// are still being built are left out: their commit is yet to come in the oplog. `with_sizes` false skips dataSize.
/// Errors: refused for what cannot be copied (queryable encryption, geoHaystack indexes), naming the namespace; the
/// server's.
[[nodiscard]] task<result<catalog>> read_catalog(wire::connection& node, const namespace_filter filter,
                                                 bool with_sizes);
/// The same over several connections to the same node, all of the calling lane: as many collections at once. Worth it
/// where the network is slow: without it one collection costs two round trips.
[[nodiscard]] task<result<catalog>> read_catalog(std::vector<wire::connection*> nodes, const namespace_filter filter,
                                                 bool with_sizes);

/// The parts of read_catalog(), for who has no time for all of it. Names, kinds and options: one listCollections a
/// database.
[[nodiscard]] task<result<catalog>> list_catalog(std::vector<wire::connection*> nodes, const namespace_filter filter);
/// Into `info`, which is no view. False: the collection is gone.
[[nodiscard]] task<result<bool>> read_indexes(wire::connection& node, collection_info& info);
/// They stay zero for a collection that is gone or renamed: they are estimates.
[[nodiscard]] task<result<>> read_sizes(wire::connection& node, collection_info& info);

/// The names of all collections and views of users, whatever a filter says: one listCollections a database.
[[nodiscard]] task<result<std::vector<namespace_name>>> read_names(wire::connection& node);

/// The UUIDs of everything in a database that holds documents, whatever its name: one listCollections. What a catalog
/// knew and is not among them has been dropped since; what was renamed inside its database still is.
[[nodiscard]] task<result<std::set<std::vector<std::byte>>>> list_uuids(wire::connection& node, std::string database);

/// Gives each collection and view of the source its name on the destination, and views the definitions that they have
/// under these names. Errors (refused): two that would have one name; a view that cannot be in another database than
/// what it is made of.
[[nodiscard]] result<> rename_for_destination(catalog& of, const namespace_map& map);
/// The same catalog as the destination's own, which a comparison wants: under the names there, in their order.
[[nodiscard]] catalog as_on_destination(catalog of);

/// The source options as a `create` command for the destination, under its name there: every option it understands,
/// views and time-series included. `for_data_phase` replaces a capped collection's bounds by 2^50 bytes without max
/// (correctness: capped) and lets clustered and time-series collections keep what would expire meanwhile.
[[nodiscard]] bson::document create_command(const collection_info& info, bool for_data_phase);

/// What a `create` of the oplog makes: {create: name, <options>, idIndex}, as 4.4 to 6.0 write it. `o` without idIndex
/// means an `_id` index of version 1 (measured on all three; clustered collections have none). Time-series collections
/// come as their buckets and are given under their own name. Its UUID and times are the caller's to fill in.
[[nodiscard]] collection_info collection_of_create(std::string database, bson::document_view o);

/// For the destination, under its name there: the `collMod` that gives a collection made for the data phase its own
/// options back: bounds of a capped collection, expiry of a clustered or time-series one. Nothing where there is
/// nothing to give back.
[[nodiscard]] std::optional<bson::document> restore_command(const collection_info& info);

/// A listIndexes spec as an element of `createIndexes` for a destination of 6.0 or newer. `of` is the collection on the
/// source: an index without a collation in a collection that has one must say so.
[[nodiscard]] bson::document index_for_create(const index_spec& index, const collection_info& of);

/// Why a collection cannot be copied by us, as a sentence; nothing when it can.
[[nodiscard]] std::optional<std::string> reason_not_copyable(const collection_info& info);

}  // namespace sluice::cluster
