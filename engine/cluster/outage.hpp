// Since when a deployment is out of reach, and how long it is still looked for: told by whoever looks for its primary,
// on any lane, for whoever shows it. Decides nothing.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

namespace sluice::cluster {

class outage {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  struct told {
    time_point since;
    time_point until;   // then the first of those who look gives up
    std::string cause;  // what the first of them met
  };

  /// The first one counts until somebody has reached it.
  void began(time_point since, time_point until, std::string cause) {
    const std::scoped_lock lock(mutex_);
    if (!told_) told_ = told{since, until, std::move(cause)};
  }
  void ended() {
    const std::scoped_lock lock(mutex_);
    told_.reset();
  }
  [[nodiscard]] std::optional<told> now() const {
    const std::scoped_lock lock(mutex_);
    return told_;
  }

 private:
  mutable std::mutex mutex_;
  std::optional<told> told_;
};

}  // namespace sluice::cluster
