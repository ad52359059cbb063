// What following has come to, as numbers for an operator: made of counters that are looked at a few times a second.
// Never asks a server or a clock.
#pragma once

#include <chrono>
#include <deque>
#include <optional>

#include "bson/document_view.hpp"
#include "engine/session/progress.hpp"

namespace sluice::session {

/// One look.
struct follow_sample {
  std::chrono::steady_clock::time_point at;
  bson::timestamp seen_until;              // the source's changes are captured up to here
  bson::timestamp source_newest;           // the newest time the source told
  std::optional<bson::timestamp> applied;  // nothing before applying has begun
  std::int64_t changes = 0, commands = 0;
  std::optional<bson::timestamp> oplog_first;  // the oldest entry of the source's oplog, where that may be read
};

class follow_figures {
 public:
  /// The figures that depend on time, set in `told`; the counters in it are the caller's.
  void add(const follow_sample& sample, follow_progress& told);

 private:
  struct point {
    std::chrono::steady_clock::time_point at;
    std::int64_t changes;
    std::int64_t lag_seconds;
  };
  std::deque<point> points_;
  std::int64_t commands_ = 0;
  std::optional<std::int64_t> ddl_lag_seconds_;
};

/// How many seconds a commit may be behind (as the original, 1.21).
inline constexpr std::int64_t commit_lag_seconds_max = 30;

/// Why a commit would not work now, as a sentence's end; empty when it would.
[[nodiscard]] std::string commit_obstacle(const progress& now);

/// For how long the source's oplog will do, as the original words it.
[[nodiscard]] std::string oplog_time_text(const std::optional<std::int64_t>& seconds);

}  // namespace sluice::session
