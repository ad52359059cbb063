#include "tools/serve_command.hpp"

#include <chrono>
#include <iostream>
#include <memory>
#include <thread>

#include <unistd.h>

#include "engine/runtime/lane.hpp"
#include "tools/api_server.hpp"
#include "tools/metrics_file.hpp"
#include "tools/progress_log.hpp"
#include "tools/service_notice.hpp"

namespace sluice::tools {
namespace {

using namespace std::chrono_literals;

constexpr auto look_interval = 1s;

/// Until somebody wants the end, or the run has failed and nobody is to see that. Log rotation is done on the way, and
/// the log is told how the run goes.
void watch(const serve_options& options, session::controls& controls, signal_watch& signals, log_output& log_to,
           metrics_file* metrics) {
  progress_log telling("serve");
  for (;;) {
    const auto event = signals.wait(look_interval);
    if (event == signal_watch::event::rotate_log) log_to.rotate();
    if (event == signal_watch::event::interrupt) return;
    const session::progress now = controls.snapshot(false);
    telling.look(now, progress_log::clock::now());
    if (metrics != nullptr) metrics->look(now, metrics_file::clock::now());
    if (options.exit_on_error && now.now == session::state::failed) return;
  }
}

/// The next thing that ends a wait; log rotation is done on the way.
signal_watch::event next_end(signal_watch& signals, log_output& log_to) {
  for (;;) {
    const auto event = signals.wait(look_interval);
    if (event == signal_watch::event::rotate_log) log_to.rotate();
    if (event == signal_watch::event::interrupt || event == signal_watch::event::notified) return event;
  }
}

bool was_started(session::state now) {
  return now != session::state::idle && now != session::state::initializing;
}

/// Stops the run, if there is one, and waits for its end.
void stop_in_order(const serve_calls& calls, signal_watch& signals, log_output& log_to) {
  if (!was_started(calls.controls.snapshot(false).now)) return;
  log(log_level::info, "serve", "Stopping; interrupt again to end at once");
  std::thread waiting([&] {
    calls.stop();
    static_cast<void>(calls.wait());
    signals.notify();
  });
  if (next_end(signals, log_to) == signal_watch::event::interrupt) ::_exit(static_cast<int>(exit_code::interrupted));
  waiting.join();
}

exit_code exit_code_after(const session::progress& before_stop) {
  switch (before_stop.now) {
    case session::state::failed:
      return exit_code::failed;
    case session::state::idle:
    case session::state::initializing:
    case session::state::committed:
      return exit_code::everything_is_there;
    default:
      return before_stop.at == session::phase::copy_completed ? exit_code::everything_is_there : exit_code::interrupted;
  }
}

exit_code cannot_serve(const error& cause, const log_output& log_to) {
  log(log_level::error, "serve", "Cannot serve", {{"cause", cause.message}});
  if (!log_to.wants(log_level::error)) std::cerr << "sluice: " << cause.message << "\n";
  return exit_code::refused;
}

}  // namespace

exit_code run_server(const serve_options& options, const serve_calls& calls, signal_watch& signals,
                     log_output& log_to) {
  std::unique_ptr<metrics_file> metrics;
  if (!options.metrics_folder.empty()) {
    auto opened = metrics_file::open(options.metrics_folder);
    if (!opened) return cannot_serve(opened.error(), log_to);
    metrics = std::move(opened).value();
  }
  runtime::lane lane("sluice-http");
  auto listening = open_api(lane, options.port, options.api, calls.controls, calls.assessing);
  if (!listening) return cannot_serve(listening.error(), log_to);
  auto server = std::move(listening).value();
  lane.start();
  log(log_level::info, "serve", "Waiting for POST /api/v1/start", {{"url", server->url()}});
  service_notice notice(wishes_of_process(), [&calls] { return calls.controls.snapshot(false); });
  watch(options, calls.controls, signals, log_to, metrics.get());
  notice.stopping();
  const session::progress before_stop = calls.controls.snapshot(false);
  stop_in_order(calls, signals, log_to);
  server.reset();
  lane.stop();
  return exit_code_after(before_stop);
}

}  // namespace sluice::tools
