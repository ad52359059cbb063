// `sluice run`: a live sync in front of an operator or a script, from its start to its commit, with the HTTP API beside
// it.
#pragma once

#include "tools/command_line.hpp"
#include "tools/exit_code.hpp"
#include "tools/logging.hpp"
#include "tools/onlooker.hpp"
#include "tools/signal_watch.hpp"

namespace sluice::tools {

/// Until the run has ended. A first SIGINT or SIGTERM stops it in order (the same command goes on later), a second one
/// ends the process at once. `controls` are of the session that `run` is about; `sluice status`, `pause`, `resume` and
/// `commit` reach them through the API.
[[nodiscard]] exit_code run_sync(const run_options& options, const session_calls& run, session::controls& controls,
                                 signal_watch& signals, log_output& log_to);

}  // namespace sluice::tools
