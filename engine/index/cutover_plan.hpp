// What the commit has left to do to the destination's catalog: two catalogs compared, and the steps that make the one
// the other. Decides only; cutover.hpp carries it out. Must never read a server: it is planned anew after every crash.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bson/document.hpp"
#include "engine/cluster/catalog.hpp"
#include "engine/cluster/index_spec.hpp"

namespace sluice::index {

/// In the order in which they are done.
enum class cutover_action : std::uint8_t {
  drop_view,       // one that the source lacks, or defines otherwise
  drop_index,      // one that the source lacks, or that is another under the same name
  build_index,     // in the weaker form: not unique, asleep
  convert_unique,  // prepareUnique, then unique
  build_late,      // {b: 1} and {b: 1, unique: true} are one index until one of them is unique
  change_index,    // hidden, prepareUnique
  change_options,  // validator, pre-images, granularity
  restore_capped,  // bounds, once the destination holds no more than the source
  create_view,
  wake_ttl,  // last: from here on the destination deletes by itself
};
[[nodiscard]] std::string_view to_string(cutover_action action) noexcept;

struct cutover_step {
  cutover_action action{};
  cluster::namespace_name ns;
  std::string index;       // its name, where the step is about one
  bson::document command;  // for ns.database; of build_index the index's spec
  /// "drop_index shop.orders, index total_1": for the log and for reports.
  [[nodiscard]] std::string to_string() const;
};

struct cutover_plan {
  std::vector<cutover_step> steps;  // none: the catalogs are the same
  /// What no step can repair, a sentence each: collections that are missing or too many, of another kind or collation.
  std::vector<std::string> obstacles;
};

/// Namespaces are matched by name: the destination's UUIDs are its own. Both catalogs come through the same filter, at
/// a time when everything is applied. `policy` is what following was told; indexes that it excludes are left alone on
/// both sides.
[[nodiscard]] cutover_plan plan_cutover(const cluster::catalog& source, const cluster::catalog& destination,
                                        const cluster::index_policy& policy);

// Parts of it, apart for their tests.
void plan_indexes(const cluster::collection_info& source, const cluster::collection_info& destination,
                  const cluster::index_policy& policy, cutover_plan& into);
void plan_options(const cluster::collection_info& source, const cluster::collection_info& destination,
                  cutover_plan& into);

}  // namespace sluice::index
