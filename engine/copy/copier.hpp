// Copies the data of a whole plan: lanes with their workers, the ledger between them, the checkpoint behind it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "engine/cluster/catalog.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/copy/counters.hpp"
#include "engine/copy/ledger.hpp"
#include "engine/copy/measurements.hpp"
#include "engine/copy/refused.hpp"
#include "engine/plan/partitioner.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/state/checkpoint.hpp"

namespace sluice::copy {

struct copier_options {
  std::uint32_t lanes = 1;
  std::uint32_t workers_per_lane = 4;
  std::size_t memory_bytes = 0;  // for the buffers of all lanes together
  std::chrono::milliseconds patience{};
};

/// Counters of every collection, at fixed addresses.
using counters_by_namespace = std::map<cluster::namespace_name, std::unique_ptr<collection_counters>>;

/// Runs on the control lane, whose executor it is given; starts data lanes of its own and ends them before run()
/// returns.
class copier {
 public:
  struct job {
    cluster::deployment source;
    cluster::deployment destination;
    const cluster::catalog& catalog;  // outlives the copier
    plan::partitioning partitioning;  // for collections that must be planned again
    std::vector<ledger::entry> partitions;
    counters_by_namespace& counters;
    refused_list& refused_documents;
    measurements_by_lane& measured;
    state::checkpoint& checkpoint;
    std::int64_t confirmed_flush = 0;  // of the checkpoint; flushes are numbered on from there
  };

  copier(boost::asio::any_io_executor control, copier_options options, job work, runtime::cancel_scope& scope);
  ~copier();

  /// Until every partition is written and fenced, or the first error. Cancelled by `scope`.
  [[nodiscard]] task<result<>> run();

 private:
  class shared;
  std::unique_ptr<shared> shared_;
};

}  // namespace sluice::copy
