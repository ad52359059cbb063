// `sluice copy`: runs one copy to its end in front of an operator or a script. Knows the session only by its calls.
#pragma once

#include "tools/command_line.hpp"
#include "tools/exit_code.hpp"
#include "tools/logging.hpp"
#include "tools/onlooker.hpp"
#include "tools/signal_watch.hpp"

namespace sluice::tools {

/// Asks on the terminal whether --reset is meant, unless --yes was given. False (and why, on standard error) if not, or
/// if there is nobody to ask. Before signals are blocked, so that Ctrl-C works at the question.
[[nodiscard]] bool reset_is_confirmed(const session::copy_settings& settings, bool confirmed);

/// Until the run has ended. A first SIGINT or SIGTERM stops it in order, a second one ends the process at once.
[[nodiscard]] exit_code run_copy(const copy_options& options, const session_calls& copy, signal_watch& signals,
                                 log_output& log_to);

/// What the shell is told.
[[nodiscard]] exit_code exit_code_of(const result<>& outcome, bool interrupted, bool destination_written);

}  // namespace sluice::tools
