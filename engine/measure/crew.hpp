// Workers on data lanes, as a copy has them: the same threads, memory and connections, for whatever is to be measured.
#pragma once

#include <functional>

#include <boost/asio/any_io_executor.hpp>

#include "engine/copy/worker.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::measure {

struct crew_options {
  std::uint32_t lanes = 1;
  std::uint32_t workers = 1;     // of all lanes together
  std::size_t memory_bytes = 0;  // of all lanes together
  std::chrono::milliseconds patience{};
};

/// Called once a worker, on its lane; `number` counts from 0 over all lanes.
using crew_work = std::function<task<result<>>(copy::worker&, std::size_t number)>;

/// Until every worker has ended; the first error ends the others. Cancelled by `scope`. On the control lane.
[[nodiscard]] task<result<>> run_crew(boost::asio::any_io_executor control, crew_options options,
                                      cluster::deployment source, cluster::deployment destination,
                                      runtime::cancel_scope& scope, crew_work work);

}  // namespace sluice::measure
