// The service manager that started this process, if one did: systemd's protocol of sd_notify(3), which is lines of text
// in datagrams. Must never make the process wait for long, nor fail because nobody listens.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "tools/command_line.hpp"

namespace sluice::tools {

/// What it has put into our environment.
struct service_manager_wishes {
  std::string socket{};  // NOTIFY_SOCKET: a path, or '@' and an abstract name; empty: nobody wants to hear anything
  std::optional<std::chrono::microseconds> watchdog{};  // within which it wants a sign of life
};

/// `own` is this process: WATCHDOG_PID may say that the watchdog means another one. What cannot be read is as if it
/// were not there.
[[nodiscard]] service_manager_wishes read_wishes(const environment& variables, pid_t own);

/// Of the environment that this process was started with.
[[nodiscard]] service_manager_wishes wishes_of_process();

class service_manager {
 public:
  explicit service_manager(const std::string& socket);
  ~service_manager();
  service_manager(const service_manager&) = delete;
  service_manager& operator=(const service_manager&) = delete;

  /// Lines as "READY=1\nSTATUS=..."; gone when it does not take them within two seconds. Thread-safe.
  void tell(std::string_view lines) const noexcept;

 private:
  std::string address_;  // as the kernel wants it: an abstract name begins with a zero byte
  int fd_ = -1;
};

}  // namespace sluice::tools
