// Catalog changes of the source, applied to the destination by UUID: create, drop, rename, collMod, indexes, views,
// dropDatabase. Each may be applied twice, since a restart begins with the last one again. Writes with majority.
//
// What an entry says was true at its time; the destination may already be further (the catalog was read after the
// oplog's first entry). What had happened by then is skipped; where a name is taken by something of later, later
// entries put it right, and what cannot be made now (an index that its documents do not fit yet, a view on a view that
// has changed since) is left out: the commit compares the catalogs and repairs the difference.
//
// Entries of a sharded cluster have no UUIDs, and of the catalog tell only drops and renames: ddl_by_name.cpp.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/apply/collection_map.hpp"
#include "engine/apply/ddl_entry.hpp"
#include "engine/capture/change.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/cluster/index_spec.hpp"
#include "engine/cluster/migration_scope.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/state/write_permission.hpp"
#include "engine/wire/bulk_write.hpp"

namespace sluice::apply {

/// How a change is treated: data is written by windows, the rest is a barrier that DDL applies alone.
[[nodiscard]] bool is_data(const capture::change& one);  // false: a command, or a change of <db>.system.views

using index_policy = cluster::index_policy;

/// What an applied change did to the map and to the destination.
struct ddl_effects {
  std::vector<std::vector<std::byte>> changed;  // UUIDs whose map entry is new or different
  std::vector<std::vector<std::byte>> erased;
  bool rebuild_plan = false;  // the indexes or options of a mapped collection changed
  /// A collection was copied from the source as it is now: changes up to here are applied to it once more, so that the
  /// destination is consistent (and the free check means something) only behind this time. {0, 0}: nothing was copied.
  bson::timestamp replays_until;
};

class ddl {
 public:
  ddl(cluster::deployment source, cluster::deployment destination, cluster::migration_scope migrated,
      index_policy indexes, collection_map& map, std::chrono::milliseconds patience, runtime::cancel_scope& scope,
      state::write_permission may_write = {})
      : source_{std::move(source), {}},
        destination_{std::move(destination), {}},
        migrated_(std::move(migrated)),
        indexes_(indexes),
        map_(map),
        patience_(patience),
        scope_(scope),
        may_write_(std::move(may_write)) {}

  /// Applies one command or view change and updates the map. Skips what has already happened (listed_at), and what
  /// concerns collections that are gone. A collection that enters the filter by a rename is copied here. Of a change of
  /// a document for which appears() is true the collection is made, and the rest is left to the caller. Errors:
  /// protocol: an unknown command, with the entry; server: what the destination said to it, with the entry; refused:
  /// a collection that cannot be copied.
  [[nodiscard]] task<result<ddl_effects>> apply(capture::change what);

  /// A change of a document by which it may come into the document filter or leave it: apply() does the whole of it.
  [[nodiscard]] bool reads_again(const capture::change& what) const;

  /// A change of a document, told by name, whose collection is not mapped: nobody said that it was made.
  [[nodiscard]] bool appears(const capture::change& what) const;

 private:
  struct side {
    cluster::deployment of;
    std::unique_ptr<wire::connection> connection;
  };
  using on_connection = std::function<task<result<>>(wire::connection&)>;

  // ddl_connection.cpp
  [[nodiscard]] task<result<>> open(side& where);
  /// `attempt` on the primary, again after elections and lost connections.
  [[nodiscard]] task<result<>> at(side& where, on_connection attempt);
  /// A command of the destination, with majority.
  [[nodiscard]] task<result<>> run(std::string database, bson::document command);
  /// `name` as listCollections of the destination describes it.
  [[nodiscard]] task<result<std::optional<bson::document>>> described(cluster::namespace_name ns);
  /// The source's current description of a collection, by UUID or, where that is empty, by `ns`; nothing: it is gone.
  [[nodiscard]] task<result<std::optional<cluster::collection_info>>> read_source(cluster::namespace_name ns,
                                                                                  std::vector<std::byte> uuid);

  // ddl.cpp
  [[nodiscard]] task<result<>> apply_command(const capture::change& what, ddl_effects& effects);
  [[nodiscard]] task<result<>> create(const ddl_entry& entry, ddl_effects& effects);
  [[nodiscard]] task<result<>> drop(const mapped_collection& one, ddl_effects& effects);
  [[nodiscard]] task<result<>> drop_database(const ddl_entry& entry, ddl_effects& effects);
  /// A database of the destination, if nothing is in it any more.
  [[nodiscard]] task<result<>> drop_if_bare(std::string database);
  [[nodiscard]] task<result<>> rename(const ddl_entry& entry, ddl_effects& effects);
  [[nodiscard]] task<result<>> move(mapped_collection one, cluster::namespace_name onto, cluster::namespace_name source,
                                    ddl_effects& effects);
  [[nodiscard]] task<result<>> coll_mod(const capture::change& what, const ddl_entry& entry, ddl_effects& effects);
  [[nodiscard]] task<result<>> empty(const cluster::namespace_name& ns);
  /// Makes a collection on the destination, in the place of whatever is there.
  [[nodiscard]] task<result<>> make(const cluster::collection_info& info, ddl_effects& effects);
  [[nodiscard]] task<result<>> shard(const cluster::collection_info& info);
  /// The name is free afterwards. `ns` is where data lies: of a time-series the buckets.
  [[nodiscard]] task<result<>> clear(cluster::namespace_name ns);
  void put(const cluster::collection_info& info, bson::timestamp at, ddl_effects& effects);
  void forget(bson::bytes_view uuid, ddl_effects& effects);
  [[nodiscard]] const mapped_collection* find(const ddl_entry& entry) const;
  [[nodiscard]] const mapped_collection* occupant(const cluster::namespace_name& destination) const;
  /// Error (refused): it was on the destination before this run, and is not ours to touch.
  [[nodiscard]] result<> check_ours(const cluster::namespace_name& destination) const;
  /// Error (refused): what is called so on the source cannot go where that leads to: somebody else is there, from
  /// before this run or by another name's rule.
  [[nodiscard]] result<> check_place_of(const cluster::namespace_name& source) const;
  /// Gives it its name on the destination, and the shard key that was chosen for it, if one was.
  void set_destination(cluster::collection_info& info) const;
  /// Of a sharded destination: servers refuse the rename.
  [[nodiscard]] bool cannot_be_renamed(const mapped_collection& one, const cluster::namespace_name& onto,
                                       const cluster::namespace_name& source) const;
  [[nodiscard]] result<bool> takes(const cluster::namespace_name& ns) const;
  /// The catalog of a later time did not show the (unknown) collection of this entry.
  [[nodiscard]] bool gone_by_now(const ddl_entry& entry, std::string_view database) const;
  /// The same, told by a database whose name differs in case only: servers do not let two of them exist.
  [[nodiscard]] bool database_gone_by_now(const ddl_entry& entry) const;

  // ddl_by_name.cpp
  /// What is called `ns` on the destination becomes what is called so on the source now.
  [[nodiscard]] task<result<>> settle(cluster::namespace_name ns, bson::timestamp since, ddl_effects& effects);
  [[nodiscard]] task<result<>> rename_by_name(const ddl_entry& entry, ddl_effects& effects);

  // ddl_read_again.cpp
  [[nodiscard]] task<result<>> read_again(const capture::change& what, ddl_effects& effects);

  // ddl_index.cpp
  [[nodiscard]] task<result<>> create_indexes(const ddl_entry& entry, const mapped_collection& one);
  [[nodiscard]] task<result<>> create_index(const mapped_collection& one, bson::document_view spec);
  [[nodiscard]] task<result<>> build(cluster::namespace_name on, bson::document index);
  /// Drops what keeps `index` from being made; false: it `may_wait`, and another one has its place.
  [[nodiscard]] task<result<bool>> make_room_for(cluster::namespace_name on, const bson::document& index,
                                                 bool may_wait);
  [[nodiscard]] task<result<>> drop_index(cluster::namespace_name on, std::string name);

  // ddl_enter.cpp
  /// `uuid` is empty where only the name is known.
  /// `key`: by which it is sharded, unless something else says.
  [[nodiscard]] task<result<>> enter(cluster::namespace_name ns, std::vector<std::byte> uuid, bson::document key,
                                     bson::timestamp since, ddl_effects& effects);
  /// False: it is gone meanwhile. `from`: what it is on the source now. Without patience: what is half written must be
  /// made afresh.
  [[nodiscard]] task<result<bool>> copy_documents(const cluster::collection_info& info,
                                                  const cluster::collection_info& from, bson::timestamp since);

  // ddl_view.cpp
  [[nodiscard]] task<result<>> apply_view(const capture::change& what, ddl_effects& effects);
  /// `view` and `options` are the source's.
  [[nodiscard]] task<result<>> make_view(cluster::namespace_name view, bson::document options, ddl_effects& effects);
  [[nodiscard]] task<result<>> drop_views(std::string database);
  /// `database` is the destination's, and `of` the source's.
  [[nodiscard]] task<result<>> drop_views_in(std::string database, std::string of);

  side source_;
  side destination_;
  cluster::migration_scope migrated_;
  index_policy indexes_;
  collection_map& map_;
  std::chrono::milliseconds patience_;
  runtime::cancel_scope& scope_;
  state::write_permission may_write_;
  /// Of names that nothing was found under: when the source was asked. Changes up to then belong to what is gone.
  std::map<cluster::namespace_name, bson::timestamp> absent_at_;
};

/// Where servers do not tell a collection's UUID: one of our own for what is called so from then on, the same each
/// time.
[[nodiscard]] std::vector<std::byte> stand_in_uuid(const cluster::namespace_name& ns, bson::timestamp at);

}  // namespace sluice::apply
