#include "tools/run_command.hpp"

#include <chrono>
#include <cstdio>
#include <iostream>
#include <thread>

#include <unistd.h>

#include "engine/runtime/lane.hpp"
#include "tools/api_server.hpp"
#include "tools/copy_command.hpp"
#include "tools/service_notice.hpp"
#include "tools/summary.hpp"

namespace sluice::tools {
namespace {

/// After the commit, so that a `sluice commit --wait` which asks again sees it.
constexpr auto linger = std::chrono::milliseconds(1500);

/// On the log, and on standard error if the log would not take it.
exit_code complain(exit_code code, const std::string& what, const error& why, const log_output& log_to) {
  log(log_level::error, "run", what, {{"cause", why.message}});
  if (!log_to.wants(log_level::error)) std::cerr << "sluice: " << why.message << "\n";
  return code;
}

}  // namespace

exit_code run_sync(const run_options& options, const session_calls& run, session::controls& controls,
                   signal_watch& signals, log_output& log_to) {
  if (!options.summary_json.empty()) {
    if (const result<> writable = write_file(options.summary_json, ""); !writable) {
      return complain(exit_code::refused, "Nothing was done", writable.error(), log_to);
    }
  }
  runtime::lane lane("sluice-http");
  auto listening = open_api(lane, options.port, options.api, controls);
  if (!listening) return complain(exit_code::refused, "Cannot serve", listening.error(), log_to);
  auto server = std::move(listening).value();
  lane.start();
  log(log_level::info, "run", "sluice status, pause, resume and commit reach this run", {{"url", server->url()}});

  service_notice notice(wishes_of_process(), [&run] { return run.snapshot(false); });
  session_calls watched = run;
  watched.stop = [&] {
    notice.stopping();
    run.stop();
  };

  const auto begin = std::chrono::steady_clock::now();
  const bool live = options.log.format != log_format::json && ::isatty(STDERR_FILENO) == 1;
  const auto [outcome, interrupted] = watch_until_end("run", watched, signals, log_to, live);
  notice.stopping();
  const session::progress last = run.snapshot(false);
  if (outcome && !options.settings.commit_when_caught_up) std::this_thread::sleep_for(linger);
  server.reset();
  lane.stop();
  if (!outcome) {
    if (!log_to.wants(log_level::error)) std::cerr << "sluice: " << outcome.error().message << "\n";
    return exit_code_of(outcome, interrupted, last.destination_written);
  }
  const copy_summary summary = summarize(last, std::chrono::steady_clock::now() - begin);
  std::fputs(summary_table(summary).c_str(), stdout);
  std::fflush(stdout);
  if (options.summary_json.empty()) return exit_code::everything_is_there;
  if (const result<> written = write_file(options.summary_json, summary_json(summary)); !written) {
    return complain(exit_code::failed, "The run is committed, its summary is not written", written.error(), log_to);
  }
  return exit_code::everything_is_there;
}

}  // namespace sluice::tools
