// `sluice bench`: measures in front of an operator or a script, and reports. Knows the engine by bench_session alone.
#pragma once

#include "tools/command_line.hpp"
#include "tools/exit_code.hpp"
#include "tools/logging.hpp"
#include "tools/signal_watch.hpp"

namespace sluice::tools {

/// Until everything is measured, reported and cleaned up. A first SIGINT or SIGTERM ends it in order, a second one the
/// process at once (and a later bench cleans up).
[[nodiscard]] exit_code run_bench(const bench_options& options, signal_watch& signals, log_output& log_to);

}  // namespace sluice::tools
