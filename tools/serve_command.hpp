// Without a subcommand: the HTTP API over a session that waits to be started.
#pragma once

#include <functional>

#include "engine/assess/service.hpp"
#include "engine/session/progress.hpp"
#include "tools/command_line.hpp"
#include "tools/exit_code.hpp"
#include "tools/logging.hpp"
#include "tools/signal_watch.hpp"

namespace sluice::tools {

/// What is done with a session beside what the HTTP API does.
struct serve_calls {
  session::controls& controls;
  std::function<result<>()> wait;  // blocks until a started run has ended
  std::function<void()> stop;
  assess::service* assessing = nullptr;
};

/// Until SIGINT or SIGTERM, which stop a run in order (a second one ends the process at once). A failed run stays
/// visible in progress until then, unless `exit_on_error`.
[[nodiscard]] exit_code run_server(const serve_options& options, const serve_calls& calls, signal_watch& signals,
                                   log_output& log_to);

}  // namespace sluice::tools
