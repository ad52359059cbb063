// Builds the destination's secondary indexes after the data: the largest collection first, several at once.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/cluster/catalog.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/cluster/index_spec.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/histogram.hpp"
#include "engine/runtime/result.hpp"
#include "engine/state/write_permission.hpp"

namespace sluice::index {

/// Read by the progress snapshot while the builds run. One per collection, at a fixed address.
struct build_progress {
  std::atomic<std::int32_t> built{0};
  std::atomic<std::int32_t> fraction_permille{0};  // of the build under way, from the server's $currentOp
};
using progress_by_namespace = std::map<cluster::namespace_name, std::unique_ptr<build_progress>>;

struct failed_index {
  std::string ns;
  std::string name;
  std::string message;  // the server's words
};

/// One createIndexes a collection, with all its indexes (or as many as the policy has): the server then reads the data
/// once. Where that fails the indexes are built one by one, so that only the culprit is missing; it is returned by
/// name, the others are there. Elections are survived: the same command finds what is built or joins what is being
/// built. Cancelled by `scope`. Under a policy: what cluster::indexes_for_sync leaves of them. While following
/// (defer_unique_and_ttl) one that the documents do not fit yet is a warning: the commit builds it. `progress` is not
/// added to: what is not in it is built without being shown. `may_write` is asked before each command;
/// `commands` counts how long they took.
[[nodiscard]] task<result<std::vector<failed_index>>> build_indexes(
    cluster::deployment to, std::vector<const cluster::collection_info*> collections, cluster::index_policy policy,
    progress_by_namespace& progress, runtime::cancel_scope& scope, std::chrono::milliseconds patience,
    state::write_permission may_write, runtime::latency_histogram* commands = nullptr);

}  // namespace sluice::index
