// The opposite of the cutover: a destination whose catalog is final is made fit for being followed again. Unique
// indexes enforce nothing, TTL sleeps, capped collections have room: what the next commit gives back.
#pragma once

#include <chrono>
#include <vector>

#include "engine/cluster/catalog.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/index/cutover_plan.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/state/write_permission.hpp"

namespace sluice::index {

/// What has to be done; none for a catalog that was made so before. Changes of the catalog only, none reads a document:
/// collMod takes a unique index its uniqueness (`forceNonUnique`, 6.0.5 and newer). Of {b: 1} and {b: 1, unique: true}
/// side by side the unique one is dropped, since the two would become one.
[[nodiscard]] std::vector<cutover_step> plan_loosening(const cluster::catalog& of);

struct loosen_job {
  cluster::deployment destination;
  cluster::namespace_filter filter;
  std::chrono::milliseconds patience{};
  state::write_permission may_write{};
};
/// Reads the catalog and does it; may be repeated. Errors: what the server says to a step, with the step.
[[nodiscard]] task<result<>> loosen(loosen_job job, runtime::cancel_scope& scope);

}  // namespace sluice::index
