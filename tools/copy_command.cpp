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

bool reset_is_confirmed(const session::copy_settings& settings, bool confirmed) {
  if (!settings.reset || confirmed) return true;
  const std::string what = "--reset drops the checkpoint of " + redacted(settings.destination_uri) + " and starts over";
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

exit_code run_copy(const copy_options& options, const session_calls& copy, signal_watch& signals, log_output& log_to) {
  if (!options.summary_json.empty()) {
    // An hour of copying is too late to learn that the folder does not exist.
    if (const result<> writable = write_file(options.summary_json, ""); !writable) {
      log(log_level::error, "copy", "Nothing was done", {{"cause", writable.error().message}});
      return exit_code::refused;
    }
  }
  const auto begin = clock::now();
  const bool live = options.log.format != log_format::json && ::isatty(STDERR_FILENO) == 1;
  const auto [outcome, interrupted] = watch_until_end("copy", copy, signals, log_to, live);
  const session::progress last = copy.snapshot(false);
  if (!outcome) {
    if (!log_to.wants(log_level::error)) std::cerr << "sluice: " << outcome.error().message << "\n";
    return exit_code_of(outcome, interrupted, last.destination_written);
  }
  return report(options, summarize(last, clock::now() - begin), live) ? exit_code::everything_is_there
                                                                      : exit_code::failed;
}

}  // namespace sluice::tools
