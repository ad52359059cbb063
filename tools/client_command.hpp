// `sluice status`, `pause`, `resume` and `commit`: what an operator does to a run from another terminal, through the
// HTTP API and nothing else.
#pragma once

#include <functional>
#include <iosfwd>
#include <string_view>

#include "tools/api_client.hpp"
#include "tools/command_line.hpp"
#include "tools/exit_code.hpp"

namespace sluice::tools {

/// What the command needs from outside; tests say both themselves.
struct client_calls {
  std::function<result<api_reply>(std::string_view method, std::string_view path)> call;
  std::function<void()> wait;  // until it is time to ask again
};

/// Over the network, asking twice a second.
[[nodiscard]] client_calls calls_to(const api_address& address);

/// Answers go to `out` (with --json as they came), everything else to `err`. refused: the server does not take the
/// call; failed: there is none, or what is waited for cannot come any more.
[[nodiscard]] exit_code run_client(const client_options& options, const client_calls& server, std::ostream& out,
                                   std::ostream& err);

}  // namespace sluice::tools
