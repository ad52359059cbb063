// What a command in the oplog asks for: its shapes of all versions made into one. Reads bytes; asks nobody and decides
// nothing.
//
// Shapes, as 4.4.2, 5.0.4 and 6.0.27 write them ({op: "c", ns: "<db>.$cmd", ui: <UUID>, o: ..., o2: ...}):
//   {create: c, <options>, idIndex: {...}}          idIndex is missing: an _id index of version 1, or clustered
//   {create: "system.buckets.x", validator, clusteredIndex: true, timeseries: {...}}   5.0; then system.views gets x
//   {drop: c}                                       of a time-series: its buckets, after x left system.views
//   {dropDatabase: 1}                               no ui; each collection was dropped by its own entry before
//   {renameCollection: "d.a", to: "d.b", stayTemp: false, dropTarget: <UUID>}          dropTarget may be missing
//   {collMod: c, ...}                               o2 holds what was there before
//   {createIndexes: c, v, key, name, ...}           one index, on an empty collection or in a transaction
//   {startIndexBuild | commitIndexBuild | abortIndexBuild: c, indexBuildUUID, indexes: [{v, key, name, ...}]}
//   {dropIndexes: c, index: name}                   one entry each, also for "*" and lists
//   {emptycapped: c}                                (test commands only)
// convertToCapped, cloneCollectionAsCapped, $out, mapReduce and a rename into another database are `create` of a
// temporary collection, inserts, renameCollection (and `drop` of the old one in the other database).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/capture/change.hpp"
#include "engine/cluster/catalog.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::apply {

enum class ddl_verb : std::uint8_t {
  nothing,  // has no effect on the catalog: index builds that begin or fail, dbCheck
  create,
  drop,
  drop_views,  // of `<db>.system.views`, all at once
  drop_database,
  rename,
  coll_mod,
  create_indexes,
  drop_indexes,
  empty,
};

/// Views point into the change that it was read from.
struct ddl_entry {
  ddl_verb verb = ddl_verb::nothing;
  bson::timestamp at;
  bson::bytes_view uuid;       // empty where the entry has none
  cluster::namespace_name ns;  // the source's; of dropDatabase without a collection
  cluster::namespace_name to;  // rename
  bson::bytes_view drop_target;
  std::vector<bson::document_view> indexes;  // create_indexes
  std::vector<std::string> index_names;      // drop_indexes; "*" for all
  bson::document_view o;
};

/// Error (protocol): a command that is not known, or one without what it must have; the entry is in the message.
[[nodiscard]] result<ddl_entry> read_ddl_entry(const capture::change& from);

/// A view's definition as `<db>.system.views` holds it: {_id: "db.view", viewOn, pipeline, collation}. That of a
/// time-series collection has viewOn "system.buckets.X"; it comes and goes with its buckets.
struct view_entry {
  cluster::namespace_name ns;
  bool removed = false;
  bool of_timeseries = false;
  /// The options of `create` ({viewOn, pipeline, collation}). Empty when removed, or when the entry holds a part only
  /// (somebody updated system.views by hand): the definition must be read at the source.
  bson::document options;
};
[[nodiscard]] result<view_entry> read_view_entry(const capture::change& from);

/// "<what is wrong>: <the entry as extended JSON>", as an error of kind protocol.
[[nodiscard]] error unknown_entry(const capture::change& from, std::string_view what);

}  // namespace sluice::apply
