// What the two ways of reading a source's changes have in common: a position that outlives connections.
#pragma once

#include <chrono>

#include "engine/runtime/limits.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::capture {

/// Lives on the capture lane. After an error of open() or read() the connection is dropped; open() goes on with another
/// one behind what was delivered.
class change_feed {
 public:
  using clock = std::chrono::steady_clock;

  virtual ~change_feed() = default;
  change_feed(const change_feed&) = delete;
  change_feed& operator=(const change_feed&) = delete;

  /// `source` must stay until close(). Errors: refused: what must come next is no longer there (both times named); the
  /// server's, network.
  [[nodiscard]] virtual task<result<>> open(wire::connection& source) = 0;
  /// Waits for one reply and delivers what is in it. Errors: as open(); protocol; cancelled.
  [[nodiscard]] virtual task<result<>> read() = 0;
  virtual void close() noexcept = 0;
  /// Whether the last reply brought all that there was, and that was little: what comes next may as well come together
  /// with what follows it.
  [[nodiscard]] virtual bool caught_up() const noexcept { return false; }
  /// When the source last showed that it goes on (or was opened).
  [[nodiscard]] virtual clock::time_point last_news() const noexcept = 0;

 protected:
  change_feed() = default;
  static constexpr std::size_t little_bytes = 64 * limits::kib;
};

}  // namespace sluice::capture
