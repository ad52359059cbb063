// What a worker of a lane works with: both deployments, its two connections, its lane's memory.
#pragma once

#include <chrono>
#include <memory>

#include "engine/cluster/deployment.hpp"
#include "engine/copy/counters.hpp"
#include "engine/copy/measurements.hpp"
#include "engine/copy/refused.hpp"
#include "engine/runtime/buffer_pool.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/state/write_permission.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::copy {

/// One of several on a lane; each copies one partition at a time. Lives on the lane, is touched there only.
struct worker {
  cluster::deployment source;
  cluster::deployment destination;
  runtime::buffer_pool& pool;
  runtime::cancel_scope& scope;
  refused_list& refused_documents;
  std::chrono::milliseconds patience;  // how long a deployment may be out of reach
  std::unique_ptr<wire::connection> from{};
  std::unique_ptr<wire::connection> to{};
  state::write_permission may_write{};
  /// Of its lane. Nobody counts where there are none.
  measurements* measured = nullptr;
  /// The source's node that was waited for in vain: collections bound to it do not wait once more each.
  wire::host_port lost_node{};
};

}  // namespace sluice::copy
