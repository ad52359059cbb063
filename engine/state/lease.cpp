#include "engine/state/lease.hpp"

#include <algorithm>

#include <time.h>

namespace sluice::state {

boot_clock::time_point boot_clock::now() noexcept {
  timespec read{};
  ::clock_gettime(CLOCK_BOOTTIME, &read);
  return time_point(std::chrono::seconds(read.tv_sec) + std::chrono::nanoseconds(read.tv_nsec));
}

void lease::renewed(boot_clock::time_point sent) noexcept {
  renewed_at_ = sent.time_since_epoch().count();
}

bool lease::is_fresh(boot_clock::time_point now) const noexcept {
  const auto at = renewed_at_.load();
  if (at == never) return false;
  return now.time_since_epoch() - boot_clock::duration(at) < length_ - length_ / 5;
}

std::chrono::nanoseconds lease::until_due(boot_clock::time_point now) const noexcept {
  const auto at = renewed_at_.load();
  if (at == never) return {};
  const boot_clock::duration due = boot_clock::duration(at) + length_ / 3;
  return std::max(due - now.time_since_epoch(), boot_clock::duration::zero());
}

}  // namespace sluice::state
