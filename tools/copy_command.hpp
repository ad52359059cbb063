// `sluice copy`: runs one copy to its end in front of an operator or a script. Knows the session only by its calls.
#pragma once

#include <functional>

#include "engine/session/progress.hpp"
#include "tools/command_line.hpp"
#include "tools/exit_code.hpp"
#include "tools/logging.hpp"
#include "tools/signal_watch.hpp"

namespace sluice::tools {

/// What the command does with a session; each may be called from any thread, `wait` blocks until the run has ended.
struct copy_calls {
  std::function<session::progress(bool with_collections)> snapshot;
  std::function<result<>()> start;
  std::function<result<>()> wait;
  std::function<void()> stop;
};

/// Asks on the terminal whether --reset is meant, unless --yes was given. False (and why, on standard error) if not, or
/// if there is nobody to ask. Before signals are blocked, so that Ctrl-C works at the question.
[[nodiscard]] bool reset_is_confirmed(const copy_options& options);

/// Until the run has ended. A first SIGINT or SIGTERM stops it in order, a second one ends the process at once.
[[nodiscard]] exit_code run_copy(const copy_options& options, const copy_calls& copy, signal_watch& signals,
                                 log_output& log_to);

/// What the shell is told.
[[nodiscard]] exit_code exit_code_of(const result<>& outcome, bool interrupted, bool destination_written);

}  // namespace sluice::tools
