// Signals and the end of work as things to wait for together, so that no code runs inside a signal handler.
#pragma once

#include <chrono>
#include <cstdint>

namespace sluice::tools {

/// Make one before any thread is started: threads inherit the blocked signals, which then come to wait() alone.
class signal_watch {
 public:
  enum class event : std::uint8_t { timeout, interrupt, resize, rotate_log, notified };

  signal_watch();
  ~signal_watch();
  signal_watch(const signal_watch&) = delete;
  signal_watch& operator=(const signal_watch&) = delete;

  /// SIGINT and SIGTERM are `interrupt`, SIGWINCH `resize`, SIGUSR1 `rotate_log`. One thread waits.
  [[nodiscard]] event wait(std::chrono::milliseconds at_most);
  /// From any thread; wait() returns `notified` once.
  void notify();

 private:
  int signals_;
  int notifications_;
};

}  // namespace sluice::tools
