// Shard keys: what a key means for who writes, and which collections of a sharded cluster have one.
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "bson/document.hpp"
#include "engine/cluster/catalog.hpp"
#include "engine/cluster/namespace_name.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::cluster {

/// The key is `_id` alone, by value or hashed: then a document's `_id` says on which shard it lies.
[[nodiscard]] bool is_by_id(bson::document_view key);
[[nodiscard]] bool is_hashed_key(bson::document_view key);

/// May a change of this field of the outermost level, whatever it is, be one of the shard key's value?
[[nodiscard]] bool is_part_of_key(bson::document_view key, std::string_view top_level_field);

/// What the document has for the key, as conditions that name its shard: {"a.b": {$eq: 7}, c: {$eq: null}}. A field
/// that it lacks counts as null (4.4 and newer).
[[nodiscard]] bson::document key_conditions(bson::document_view key, bson::document_view document);

/// Can the index carry the key? It begins with the key's fields, knows every document and compares by bytes
/// (shardCollection of 5.0).
[[nodiscard]] bool supports_key(bson::document_view index, bson::document_view key);

/// Error (refused): a collection that cannot be sharded by its key, with the reason. A unique index that begins
/// neither with the key's fields nor with `_id` would have to be unique over all shards, which none of them can tell
/// (5.0: CannotCreateIndex).
/// `may_make_index`: the index that carries a key may be missing on the source. Nothing is asked of what has no key.
[[nodiscard]] result<> check_shardable(const collection_info& info, bool may_make_index);
[[nodiscard]] result<> check_shardable(const catalog& of, bool may_make_index);

/// The keys of all sharded collections, read through a mongos. Needs find on config.collections (role clusterMonitor).
[[nodiscard]] task<result<std::map<namespace_name, bson::document>>> read_shard_keys(wire::connection& mongos);
/// Into `of`, by its namespaces on that cluster.
void take_shard_keys(catalog& of, const std::map<namespace_name, bson::document>& keys);

}  // namespace sluice::cluster
