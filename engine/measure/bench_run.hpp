// The sequence of one bench, from the first hello to the databases being dropped again, whatever happens in between.
// Runs on the control lane.
#pragma once

#include <functional>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "engine/measure/figures.hpp"
#include "engine/measure/settings.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::measure {

/// What the bench is doing: "writing to the destination", the how-manieth step of how many, and bytes so far where
/// there are some. Called on any thread.
struct bench_news {
  std::string what;
  int step = 0;
  int steps = 0;
  std::int64_t bytes = 0;
};
using on_news = std::function<void(const bench_news&)>;

/// Everything measured, or the first error. The databases are dropped in both cases; what could not be dropped is in
/// the log, with what to do. Cancelled by `scope`. Errors: refused: the two do not go together, the database exists,
/// not enough disk, another bench or a run of Sluice is under way there; the servers'.
[[nodiscard]] task<result<figures>> run_bench(boost::asio::any_io_executor control, bench_settings settings,
                                              on_news tell, runtime::cancel_scope& scope);

/// Drops what killed benches have left on both sides, and does nothing else. What was dropped, as "host: database".
[[nodiscard]] task<result<std::vector<std::string>>> clean_up(bench_settings settings, runtime::cancel_scope& scope);

}  // namespace sluice::measure
