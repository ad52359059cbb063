#include "engine/measure/crew.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <string>

#include "engine/copy/data_lane.hpp"
#include "engine/runtime/task_group.hpp"

namespace sluice::measure {

task<result<>> run_crew(boost::asio::any_io_executor control, crew_options options, cluster::deployment source,
                        cluster::deployment destination, runtime::cancel_scope& scope, crew_work work) {
  copy::refused_list refused;  // raw inserts count their own
  std::atomic<std::size_t> numbers = 0;
  const std::uint32_t lanes_used = std::max(1U, std::min(options.lanes, options.workers));
  std::deque<copy::data_lane> lanes;
  for (std::uint32_t i = 0; i < lanes_used; ++i) {
    lanes.emplace_back(i, "sluice-bench-" + std::to_string(i), options.memory_bytes / lanes_used);
  }
  // A scope of its own: that a step has failed is not yet the end of the bench.
  runtime::cancel_scope here;
  auto with_the_bench = scope.on_cancel([&here] { here.cancel(); });
  auto stop_lanes = here.on_cancel([&lanes] {
    for (copy::data_lane& lane : lanes) lane.cancel();
  });
  runtime::task_group group(control, here);
  for (std::uint32_t i = 0; i < lanes_used; ++i) {
    const std::uint32_t count = options.workers / lanes_used + (i < options.workers % lanes_used ? 1 : 0);
    group.spawn(lanes[i].run(count, source, destination, refused, options.patience,
                             [&work, &numbers](copy::worker& w) { return work(w, numbers++); }));
  }
  auto outcome = co_await group.join();
  co_return outcome;
}

}  // namespace sluice::measure
