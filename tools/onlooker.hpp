// Shows a run until it ends, on a terminal or in the log, and hands the operator's interrupts to it. Knows the session
// only by its calls.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "engine/session/progress.hpp"
#include "tools/logging.hpp"
#include "tools/signal_watch.hpp"
#include "tools/terminal_display.hpp"

namespace sluice::tools {

/// What a command does with a session; each may be called from any thread, `wait` blocks until the run has ended.
struct session_calls {
  std::function<session::progress(bool with_collections)> snapshot;
  std::function<result<>()> start;
  std::function<result<>()> wait;
  std::function<void()> stop;
};

class onlooker {
 public:
  /// `component` is what its log lines go by; `live`: draws on the terminal behind standard error.
  onlooker(const char* component, const session_calls& run, signal_watch& signals, log_output& log_to, bool live);
  ~onlooker();
  onlooker(const onlooker&) = delete;
  onlooker& operator=(const onlooker&) = delete;

  /// Until notified that the run has ended. A first SIGINT or SIGTERM stops it in order, a second one ends the process
  /// at once.
  void watch();

  [[nodiscard]] bool interrupted() const { return interrupted_; }

 private:
  using clock = std::chrono::steady_clock;
  void tell();
  void interrupt();

  const char* component_;
  const session_calls& run_;
  signal_watch& signals_;
  log_output& log_to_;
  std::optional<terminal_display> display_;
  const clock::time_point begin_ = clock::now();
  clock::time_point next_ = begin_;
  bool interrupted_ = false;
};

/// Runs to the end in front of an onlooker; how it ended.
struct watched_end {
  result<> outcome = ok();
  bool interrupted = false;
};
[[nodiscard]] watched_end watch_until_end(const char* component, const session_calls& run, signal_watch& signals,
                                          log_output& log_to, bool live);

}  // namespace sluice::tools
