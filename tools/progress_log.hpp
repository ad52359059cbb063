// A run's progress as lines of the log, under the messages and names that dashboards for the original read.
#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "engine/session/progress.hpp"

namespace sluice::tools {

/// One line: while it copies what is copied, afterwards how changes are followed.
void log_progress(const char* component, const session::progress& now);

/// Those lines for a process that nobody watches: every half minute while a run is under way, and whenever its state or
/// phase is another one. One thread.
class progress_log {
 public:
  using clock = std::chrono::steady_clock;

  explicit progress_log(const char* component) : component_(component) {}
  /// Called about once a second.
  void look(const session::progress& now, clock::time_point at);

 private:
  struct stand {
    session::state now;
    session::phase at;
    bool operator==(const stand&) const = default;
  };

  void log_durations(const session::progress& now);
  void log_source_rate(const session::progress& now, clock::time_point at);

  const char* component_;
  std::optional<stand> told_;
  clock::time_point told_at_{};
  runtime::latency_counts copy_reads_, copy_writes_, reads_, writes_;   // as of the last line
  std::optional<std::pair<clock::time_point, std::int64_t>> captured_;  // entries, as of the last line
};

}  // namespace sluice::tools
