// `sluice doctor`: everything that a bug report should say, in one file, without secrets. Changes nothing; what cannot
// be had is named in the bundle and never ends it.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include "engine/runtime/result.hpp"
#include "tools/api_client.hpp"
#include "tools/command_line.hpp"
#include "tools/exit_code.hpp"

namespace sluice::tools {

/// What it needs from outside; tests say it themselves.
struct doctor_calls {
  std::function<result<api_reply>(std::string_view path)> get;  // of the running server
  std::string version;                                          // several lines
  std::string backend;
  std::string why_epoll;
};

/// Writes the bundle to a file that was not there before, for its owner only, and says its name on `out`; or, with
/// "-" as its name, the bundle itself. `err` gets what is not in it. refused: there is such a file; failed: it cannot
/// be written.
[[nodiscard]] exit_code run_doctor(const doctor_options& options, const doctor_calls& calls, std::ostream& out,
                                   std::ostream& err);

}  // namespace sluice::tools
