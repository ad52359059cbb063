// The last step of capture: a chunk goes into the spool, and is counted. Never gives a chunk up: when the disk refuses
// it, it is offered again until the disk takes it or the end is asked for.
#pragma once

#include "engine/capture/capture.hpp"

namespace sluice::capture {

class delivery {
 public:
  delivery(spool& into, capture_counters& counters, runtime::cancel_scope& scope)
      : into_(into), counters_(counters), scope_(scope) {}

  /// Waits until the spool has it. Errors: cancelled; what the spool says that is no storage error.
  [[nodiscard]] task<result<>> push(change_chunk chunk);
  /// The source told of this time.
  void newest(bson::timestamp told) noexcept;
  void left_out(std::int64_t entries) noexcept;
  /// Something of the source was asked for then, and has just come.
  void asked_at(std::chrono::steady_clock::time_point then) noexcept { counters_.reads.add_since(then); }

 private:
  [[nodiscard]] task<result<>> offer(shared_chunk chunk);

  spool& into_;
  capture_counters& counters_;
  runtime::cancel_scope& scope_;
};

/// Seconds << 32 | increment: a time as one number, in the order of times.
[[nodiscard]] constexpr std::uint64_t as_number(bson::timestamp at) noexcept {
  return std::uint64_t{at.seconds} << 32U | at.increment;
}

}  // namespace sluice::capture
