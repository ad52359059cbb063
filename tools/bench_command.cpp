#include "tools/bench_command.hpp"

#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/measure/bench_database.hpp"
#include "engine/measure/bench_session.hpp"
#include "engine/runtime/log.hpp"
#include "tests/loopback/server.hpp"
#include "tools/bench_report.hpp"
#include "tools/copy_command.hpp"
#include "tools/summary.hpp"
#include "tools/terminal_display.hpp"
#include "tools/terminal_text.hpp"
#include "tools/version.hpp"

namespace sluice::tools {
namespace {

using namespace std::chrono_literals;
using measure::bench_news;

constexpr auto look_interval = 200ms;
constexpr std::size_t columns_without_terminal = 100;

exit_code complain(exit_code code, const error& why, const log_output& log_to) {
  log(log_level::error, "bench", "The bench failed", {{"cause", why.message}});
  if (!log_to.wants(log_level::error)) std::cerr << "sluice: " << why.message << "\n";
  return code;
}

/// Servers of this process, in the place of a side; each lives as long as this.
struct loopbacks {
  std::unique_ptr<loopback::server> source;
  std::unique_ptr<loopback::server> destination;
};

loopbacks start_loopbacks(measure::bench_settings& settings) {
  loopbacks started;
  if (settings.database.empty()) settings.database = measure::new_database_name(state::this_process());
  if (settings.source_is_loopback) {
    loopback::server_options options;
    options.set_name = "loopback-source";
    options.data.database = settings.database;
    options.data.collections = 1;
    options.data.documents = static_cast<std::uint64_t>(settings.data.documents);
    options.data.document_bytes = static_cast<std::uint32_t>(settings.data.document_bytes);
    options.data.seed = settings.data.seed;
    started.source = std::make_unique<loopback::server>(options);
    settings.source_uri = started.source->uri();
  }
  if (settings.destination_is_loopback) {
    started.destination = std::make_unique<loopback::server>(loopback::server_options{.set_name = "loopback-sink"});
    settings.destination_uri = started.destination->uri();
  }
  return started;
}

/// Shows what the bench does, and hands the operator's interrupts to it.
class bench_watch {
 public:
  bench_watch(measure::bench_session& run, signal_watch& signals, log_output& log_to, bool live)
      : run_(run), signals_(signals), log_to_(log_to) {
    if (!live) return;
    display_.emplace(STDERR_FILENO);
    log_to_.write_lines_through([this](std::string_view line) { display_->print_above(line); });
  }
  ~bench_watch() {
    if (!display_) return;
    log_to_.write_lines_through(nullptr);
    display_->clear();
  }
  bench_watch(const bench_watch&) = delete;
  bench_watch& operator=(const bench_watch&) = delete;

  void watch() {
    for (;;) {
      switch (signals_.wait(look_interval)) {
        case signal_watch::event::notified:
          return;
        case signal_watch::event::interrupt:
          interrupt();
          break;
        case signal_watch::event::rotate_log:
          log_to_.rotate();
          break;
        case signal_watch::event::resize:
        case signal_watch::event::timeout:
          break;
      }
      tell();
    }
  }
  [[nodiscard]] bool interrupted() const { return interrupted_; }

 private:
  void tell() {
    const bench_news now = run_.news();
    if (now.what.empty()) return;
    if (display_) {
      std::string line = fmt::format("{}/{}  {}", now.step, now.steps, now.what);
      if (now.bytes > 0) line += "  " + bytes_text(static_cast<double>(now.bytes));
      display_->show({line});
    } else if (now.what != told_) {
      log(log_level::info, "bench", "Progress", {{"step", now.step}, {"steps", now.steps}, {"what", now.what}});
    }
    told_ = now.what;
  }
  void interrupt() {
    if (interrupted_) {
      if (display_) display_->clear();
      ::_exit(static_cast<int>(exit_code::interrupted));
    }
    interrupted_ = true;
    log(log_level::warn, "bench",
        "Stopping and cleaning up; interrupt again to end at once (the next bench cleans up)");
    run_.stop();
  }

  measure::bench_session& run_;
  signal_watch& signals_;
  log_output& log_to_;
  std::optional<terminal_display> display_;
  std::string told_;
  bool interrupted_ = false;
};

exit_code clean(const bench_options& options, const log_output& log_to) {
  const auto dropped = measure::clean_up_now(options.settings);
  if (!dropped) return complain(exit_code::failed, dropped.error(), log_to);
  for (const std::string& one : dropped.value()) std::cout << "dropped " << printable(one) << "\n";
  if (dropped.value().empty()) std::cout << "nothing to clean up\n";
  return exit_code::everything_is_there;
}

/// Everything that can be found wrong before a server is asked.
result<std::optional<earlier_bench>> check_files(const bench_report_options& wanted) {
  std::optional<earlier_bench> earlier;
  if (!wanted.compare.empty()) {
    SLUICE_TRY(earlier, read_earlier_bench(wanted.compare));
  }
  if (!wanted.html.empty()) {
    // A minute of measuring is too late to learn that the folder does not exist; an old report stays until then.
    const bool was_there = ::access(wanted.html.c_str(), F_OK) == 0;
    if (was_there && ::access(wanted.html.c_str(), W_OK) != 0) {
      return failure(error_kind::storage, "cannot write " + wanted.html + ": no permission");
    }
    if (!was_there) {
      SLUICE_TRYV(write_file(wanted.html, ""));
      ::unlink(wanted.html.c_str());
    }
  }
  return earlier;
}

std::size_t output_columns() {
  winsize size{};
  const bool known = ::isatty(STDOUT_FILENO) == 1 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : columns_without_terminal;
}

exit_code report_on(const bench_report& report, const bench_report_options& wanted, const log_output& log_to) {
  std::fputs((wanted.json ? bench_json(report) : "\n" + bench_text(report, output_columns())).c_str(), stdout);
  std::fflush(stdout);
  if (!wanted.html.empty()) {
    if (const result<> written = write_file(wanted.html, bench_html(report)); !written) {
      return complain(exit_code::failed, written.error(), log_to);
    }
  }
  exit_code code = exit_code::everything_is_there;
  for (const bench_condition& condition : wanted.fail_if) {
    const auto judged = judge(condition, report.figures, report.verdict);
    if (!judged) return complain(exit_code::failed, judged.error(), log_to);
    if (!judged.value().holds) continue;
    std::cerr << "sluice: --fail-if " << condition.text << ": " << judged.value().sentence << "\n";
    code = exit_code::condition_holds;
  }
  return code;
}

}  // namespace

exit_code run_bench(const bench_options& options, signal_watch& signals, log_output& log_to) {
  if (options.clean) return clean(options, log_to);
  auto earlier = check_files(options.report);
  if (!earlier) {
    const bool usage = earlier.error().kind == error_kind::configuration;
    return complain(usage ? exit_code::usage : exit_code::refused, earlier.error(), log_to);
  }
  measure::bench_settings settings = options.settings;
  const loopbacks servers = start_loopbacks(settings);
  measure::bench_session run(settings);
  run.start();
  std::optional<result<measure::figures>> outcome;
  bool interrupted = false;
  {
    const bool live = options.log.format != log_format::json && ::isatty(STDERR_FILENO) == 1;
    bench_watch eyes(run, signals, log_to, live);
    std::thread waiting([&] {
      outcome = run.wait();
      signals.notify();
    });
    eyes.watch();
    waiting.join();
    interrupted = eyes.interrupted();
  }
  if (outcome->has_error()) {
    if (interrupted) return exit_code::interrupted;
    return complain(exit_code_of(outcome->error(), false, false), outcome->error(), log_to);
  }
  bench_report report;
  report.figures = std::move(outcome->value());
  report.verdict = measure::judge(report.figures, options.report.estimate_bytes);
  report.sluice_version = version_number();
  report.earlier = std::move(earlier.value());
  return report_on(report, options.report, log_to);
}

}  // namespace sluice::tools
