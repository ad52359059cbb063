// For how long this process may take itself for the owner of the run: by its own clock, before it asks anybody.
// Never waits and never asks a server.
#pragma once

#include <atomic>
#include <chrono>

namespace sluice::state {

/// CLOCK_BOOTTIME: goes on while the machine is suspended. The steady clock stands still meanwhile, so that a process
/// which wakes up after a night would find its lease a second old while another one has long taken over.
struct boot_clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<boot_clock>;
  static constexpr bool is_steady = true;
  [[nodiscard]] static time_point now() noexcept;
};

/// Written on one lane, asked from any thread.
class lease {
 public:
  /// A fifth of `length` is kept back: for what is on its way after it asked, and for the clocks of two primaries,
  /// which may differ when one takes over from the other.
  explicit lease(std::chrono::milliseconds length) noexcept : length_(length) {}

  /// A command sent at `sent` was acknowledged: the server counts from when it ran, which was later.
  void renewed(boot_clock::time_point sent) noexcept;
  void lost() noexcept { renewed_at_ = never; }
  [[nodiscard]] bool is_fresh(boot_clock::time_point now = boot_clock::now()) const noexcept;
  [[nodiscard]] std::chrono::milliseconds length() const noexcept { return length_; }
  /// When the next renewal is due.
  [[nodiscard]] std::chrono::nanoseconds until_due(boot_clock::time_point now = boot_clock::now()) const noexcept;

 private:
  static constexpr boot_clock::rep never = -1;
  std::chrono::milliseconds length_;
  std::atomic<boot_clock::rep> renewed_at_{never};
};

}  // namespace sluice::state
