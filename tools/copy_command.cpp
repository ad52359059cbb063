#include "tools/copy_command.hpp"

#include <chrono>
#include <cstdio>
#include <iostream>
#include <optional>
#include <thread>

#include <unistd.h>

#include "tools/progress_view.hpp"
#include "tools/redaction.hpp"
#include "tools/summary.hpp"
#include "tools/terminal_display.hpp"

namespace sluice::tools {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto redraw_interval = 200ms;  // quick enough for a bar, a thousandth of a core
constexpr auto line_interval = 5s;

void log_progress(const session::progress& now) {
  log(log_level::info, "copy", "Progress",
      {{"phase", to_string(now.at)},
       {"copiedBytes", now.bytes_copied},
       {"totalBytes", std::max(now.bytes_total, now.bytes_copied)},
       {"copiedDocuments", now.documents_copied},
       {"copiedCollections", now.collections_copied},
       {"totalCollections", now.collections_total},
       {"builtIndexes", now.indexes_built},
       {"totalIndexes", now.indexes_total},
       {"bytesPerSecond", now.copy_bytes_per_second},
       {"secondsToComplete", now.seconds_to_complete.value_or(-1)}});
}

/// Shows a run until it ends; asks it to stop when told to.
class onlooker {
 public:
  onlooker(const copy_calls& copy, signal_watch& signals, log_output& log_to, bool live)
      : copy_(copy), signals_(signals), log_to_(log_to) {
    if (live) {
      display_.emplace(STDERR_FILENO);
      log_to_.write_lines_through([this](std::string_view line) { display_->print_above(line); });
    }
  }
  ~onlooker() {
    if (!display_) return;
    log_to_.write_lines_through(nullptr);
    display_->clear();
  }
  onlooker(const onlooker&) = delete;
  onlooker& operator=(const onlooker&) = delete;

  /// Until notified that the run has ended.
  void watch() {
    for (;;) {
      const auto until_next = std::chrono::ceil<std::chrono::milliseconds>(next_ - clock::now());
      switch (signals_.wait(std::max(until_next, 0ms))) {
        case signal_watch::event::notified:
          return;
        case signal_watch::event::interrupt:
          interrupt();
          break;
        case signal_watch::event::resize:
          next_ = clock::now();
          break;
        case signal_watch::event::rotate_log:
          log_to_.rotate();
          break;
        case signal_watch::event::timeout:
          break;
      }
      if (clock::now() >= next_) tell();
    }
  }

  [[nodiscard]] bool interrupted() const { return interrupted_; }

 private:
  void tell() {
    const clock::time_point now = clock::now();
    if (display_) {
      const auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(now - begin_);
      display_->show(progress_lines(copy_.snapshot(true), elapsed, display_->size()));
      next_ = now + redraw_interval;
    } else {
      if (now > begin_ + line_interval / 2) log_progress(copy_.snapshot(false));
      next_ = now + line_interval;
    }
  }

  void interrupt() {
    if (interrupted_) {
      if (display_) display_->clear();
      ::_exit(static_cast<int>(exit_code::interrupted));
    }
    interrupted_ = true;
    log(log_level::warn, "copy", "Stopping; what is copied is kept for the next run. Interrupt again to end at once");
    copy_.stop();
  }

  const copy_calls& copy_;
  signal_watch& signals_;
  log_output& log_to_;
  std::optional<terminal_display> display_;
  const clock::time_point begin_ = clock::now();
  clock::time_point next_ = begin_;
  bool interrupted_ = false;
};

void log_summary(const copy_summary& summary) {
  log(log_level::info, "copy", "Summary",
      {{"documents", summary.documents},
       {"bytes", summary.bytes},
       {"seconds", summary.seconds},
       {"cpuUserSeconds", summary.cpu_user_seconds},
       {"cpuSystemSeconds", summary.cpu_system_seconds},
       {"peakMemoryBytes", summary.peak_memory_bytes},
       {"collections", summary.collections},
       {"indexes", summary.indexes},
       {"duplicatesSkipped", summary.duplicates_skipped}});
}

/// Everything is there; false if the summary could not be left where it was asked for.
bool report(const copy_options& options, const copy_summary& summary, bool live) {
  if (!live) log_summary(summary);
  std::fputs(summary_table(summary).c_str(), stdout);
  std::fflush(stdout);
  if (options.summary_json.empty()) return true;
  const result<> written = write_file(options.summary_json, summary_json(summary));
  if (!written)
    log(log_level::error, "copy", "The copy is complete, its summary is not", {{"cause", written.error().message}});
  return written.has_value();
}

}  // namespace

bool reset_is_confirmed(const copy_options& options) {
  if (!options.settings.reset || options.confirmed) return true;
  const std::string what =
      "--reset drops the checkpoint of " + redacted(options.settings.destination_uri) + " and starts over";
  if (::isatty(STDIN_FILENO) == 0) {
    std::cerr << "sluice: " << what << "; there is no terminal to ask on: confirm with --yes\n";
    return false;
  }
  std::cerr << what << "; type yes: " << std::flush;
  std::string answer;
  if (std::getline(std::cin, answer) && answer == "yes") return true;
  std::cerr << "sluice: not confirmed, nothing was done\n";
  return false;
}

exit_code exit_code_of(const result<>& outcome, bool interrupted, bool destination_written) {
  if (outcome) return exit_code::everything_is_there;
  if (interrupted) return exit_code::interrupted;
  switch (outcome.error().kind) {
    case error_kind::refused:
    case error_kind::configuration:
    case error_kind::authentication:
      return destination_written ? exit_code::failed : exit_code::refused;
    default:
      return exit_code::failed;
  }
}

exit_code run_copy(const copy_options& options, const copy_calls& copy, signal_watch& signals, log_output& log_to) {
  if (!options.summary_json.empty()) {
    // An hour of copying is too late to learn that the folder does not exist.
    if (const result<> writable = write_file(options.summary_json, ""); !writable) {
      log(log_level::error, "copy", "Nothing was done", {{"cause", writable.error().message}});
      return exit_code::refused;
    }
  }
  const auto begin = clock::now();
  result<> outcome = copy.start();
  bool interrupted = false;
  const bool live = options.log.format != log_format::json && ::isatty(STDERR_FILENO) == 1;
  if (outcome) {
    onlooker eyes(copy, signals, log_to, live);
    std::thread waiting([&] {
      outcome = copy.wait();
      signals.notify();
    });
    eyes.watch();
    waiting.join();
    interrupted = eyes.interrupted();
  }
  const session::progress last = copy.snapshot(false);
  if (!outcome) {
    if (!log_to.wants(log_level::error)) std::cerr << "sluice: " << outcome.error().message << "\n";
    return exit_code_of(outcome, interrupted, last.destination_written);
  }
  return report(options, summarize(last, clock::now() - begin), live) ? exit_code::everything_is_there
                                                                      : exit_code::failed;
}

}  // namespace sluice::tools
