// `sluice assess`: looks at both deployments and this machine in front of an operator or a script, and reports.
#pragma once

#include "tools/command_line.hpp"
#include "tools/exit_code.hpp"
#include "tools/logging.hpp"
#include "tools/signal_watch.hpp"

namespace sluice::tools {

/// `failed` when something would make a migration fail; warnings alone are `everything_is_there`. SIGINT or SIGTERM
/// ends it: nothing has to be cleaned up.
[[nodiscard]] exit_code run_assess(const assess_options& options, signal_watch& signals, log_output& log_to);

}  // namespace sluice::tools
