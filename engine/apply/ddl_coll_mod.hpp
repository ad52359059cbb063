// A collMod of the source as the destination gets it before the commit: without what would delete, refuse or shrink
// there too early. Decides only.
#pragma once

#include <optional>

#include "bson/document.hpp"
#include "engine/apply/ddl_entry.hpp"
#include "engine/cluster/index_spec.hpp"

namespace sluice::apply {

struct coll_mod_plan {
  std::optional<bson::document> options;  // the `collMod` for everything but an index; nothing: nothing to do
  std::optional<bson::document> index;    // the `collMod` for an index
};

/// `on` is the collection's name on the destination (a time-series' own: only there does collMod update its view too).
/// Left out until the commit, which compares the catalogs: expiry of clustered and time-series collections, bounds of
/// capped ones, `unique` and `prepareUnique` of an index; a TTL index stays asleep. `recordPreImages` (4.4, 5.0)
/// becomes changeStreamPreAndPostImages. Error (protocol): a field that is not known.
[[nodiscard]] result<coll_mod_plan> plan_coll_mod(const capture::change& from, const ddl_entry& entry,
                                                  std::string_view on, const cluster::index_policy& policy);

}  // namespace sluice::apply
