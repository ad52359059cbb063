// The commit's work on the destination's catalog: unique indexes made unique, TTL woken, capped collections cut down to
// their bounds, and whatever following left out, until the catalog is what the source's is.
//
// Runs after everything up to the fence is applied. It may die anywhere: called again it compares again and goes on.
// Must never make one index unique while another one cannot be: the destination has to stay repairable.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bson/document.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/cluster/migration_scope.hpp"
#include "engine/index/cutover_plan.hpp"
#include "engine/index/index_builder.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/state/write_permission.hpp"

namespace sluice::index {

/// A unique index of the source whose documents on the destination are not unique.
struct unique_violation {
  cluster::namespace_name ns;
  std::string index;
  std::string message;  // the server's words and the first `_id`s that share a key; the server finds up to 8 MB of them
};

struct cutover_report {
  std::vector<unique_violation> violations;  // nothing is unique that was not before; no TTL index is awake
  std::vector<std::string> obstacles;        // as cutover_plan::obstacles: nothing was done
  std::vector<std::string> left;             // steps that did not lead to the same catalog, with their cause if known
  std::size_t steps_done = 0;
  [[nodiscard]] bool complete() const noexcept { return violations.empty() && obstacles.empty() && left.empty(); }
};

/// Read by the progress snapshot while it runs; at a fixed address.
struct cutover_progress {
  std::atomic<std::int32_t> steps{0};
  std::atomic<std::int32_t> done{0};
};

struct cutover_job {
  cluster::deployment source;
  cluster::deployment destination;
  cluster::migration_scope scope;
  cluster::index_policy policy;
  /// The source (a sharded cluster) did not tell of everything that its catalog holds: see unwritten.hpp.
  bool tells_by_name = false;
  std::chrono::milliseconds patience{};
  state::write_permission may_write{};  // asked before each command that changes the destination
  /// After each step, on the calling lane.
  std::function<void(const cutover_step&)> after_step{};
};

/// Compares, carries the plan out, compares again. A report that is not complete() is for the operator, who repairs and
/// commits again. Elections and lost connections are survived for as long as `patience`. Cancelled by `scope`.
/// Errors: what the servers say to a command that must not fail; refused: a catalog that cannot be read.
[[nodiscard]] task<result<cutover_report>> cut_over(cutover_job job, progress_by_namespace& builds,
                                                    cutover_progress& progress, runtime::cancel_scope& scope);

}  // namespace sluice::index
