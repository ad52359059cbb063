// What of a source is migrated, and to which names: everything that the operator chose about namespaces, in one value
// that is made for a run and handed to whoever asks.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/cluster/document_filter.hpp"
#include "engine/cluster/namespace_filter.hpp"
#include "engine/cluster/namespace_map.hpp"
#include "engine/cluster/sharding_choice.hpp"

namespace sluice::cluster {

struct catalog;

struct migration_scope {
  namespace_filter filter;
  namespace_map names;
  document_filter documents;
  sharding_choice sharding;  // which collections of a replica set are sharded by what; nothing on a replica set
  /// The destination held data of others before, and goes on doing so: views, whose catalog is one for a whole
  /// database, stay behind, and `foreign`, what was there at the beginning, is never touched.
  bool beside_others = false;
  std::set<namespace_name> foreign;

  /// The filter for a reader of the destination: what may have come from the source.
  [[nodiscard]] namespace_filter filter_of_destination() const;
};

/// The remaps, as text, that give none of `names` (of the source) another name, as far as these are migrated.
[[nodiscard]] result<std::vector<std::string>> remaps_without_effect(const migration_scope& scope,
                                                                     const std::vector<namespace_name>& names);

/// Of a catalog of the destination: leaves what is not of this migration out.
void leave_out_others(catalog& of, const migration_scope& scope);

/// Makes of what the filter covers what is migrated, with its names and the chosen shard keys on the destination. To be
/// called once for a catalog. Errors: as rename_for_destination's; refused: a collection whose documents cannot be
/// filtered.
[[nodiscard]] result<> narrow(catalog& of, const migration_scope& to);

}  // namespace sluice::cluster
