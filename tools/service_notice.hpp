// Keeps a service manager informed while the program serves: that it is ready, what the run does, that it lives. A sign
// of life is given only when every lane has come round since the one before: a process that hangs must not look well.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "engine/runtime/pulse.hpp"
#include "engine/session/progress.hpp"
#include "tools/service_manager.hpp"

namespace sluice::tools {

/// A line about the run: "RUNNING: collection copy, 41 % of 3.20 TB".
[[nodiscard]] std::string service_status(const session::progress& now);

/// One thread, and only where there is a service manager. The first sign of life comes half of the watchdog's time
/// after the start; a lane that begins to hang gets at most once and a half of it.
class service_notice {
 public:
  using snapshot_call = std::function<session::progress()>;

  /// READY=1 at once: make it when requests are answered. `snapshot` is asked once a second, from the thread.
  service_notice(const service_manager_wishes& wishes, snapshot_call snapshot);
  /// STOPPING=1, if stopping() has not said so.
  ~service_notice();
  service_notice(const service_notice&) = delete;
  service_notice& operator=(const service_notice&) = delete;

  void stopping();

 private:
  using clock = std::chrono::steady_clock;
  void keep_telling();
  void give_sign_of_life();
  void tell_status(std::string status);

  std::unique_ptr<const service_manager> manager_;  // nullptr: none
  const clock::duration beat_;                      // zero: no watchdog
  const snapshot_call snapshot_;

  runtime::pulse lanes_;  // this and the next three: the thread's
  bool hangs_ = false;    // as the last beat found it; just after one every lane is about to answer
  std::string told_;
  clock::time_point told_at_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool said_stopping_ = false, ended_ = false;
  std::thread thread_;
};

}  // namespace sluice::tools
