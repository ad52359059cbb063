// A program run beside the test: in its own process group, killed by the kernel when the test dies, so that nothing
// survives a crash. Knows nothing of MongoDB.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/types.h>

namespace sluice::lab {

/// What the laboratory throws: it cannot go on, and says why in a sentence.
struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// How a program ended.
struct exit_status {
  int code = 0;    // valid when signal is 0
  int signal = 0;  // the signal that killed it, 0 when it exited by itself
  [[nodiscard]] bool success() const noexcept { return code == 0 && signal == 0; }
};

/// The kernel ties the child to the *thread* that starts it (PR_SET_PDEATHSIG): start from a thread that lives as long.
class child_process {
 public:
  struct options {
    std::vector<std::string> command;  // the program's path, then its arguments
    std::filesystem::path output;      // stdout and stderr are appended here; empty: /dev/null
    std::vector<std::pair<std::string, std::string>> environment = {};  // added to ours
  };

  explicit child_process(const options& how);
  ~child_process();  // kills what still runs
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] bool running() { return !poll_exit(std::chrono::milliseconds{0}).has_value(); }
  void signal(int number) const;
  /// Nothing when it still runs after `limit`.
  std::optional<exit_status> poll_exit(std::chrono::milliseconds limit);
  /// SIGTERM, then SIGKILL when it does not leave within `grace`.
  exit_status terminate(std::chrono::milliseconds grace);
  exit_status kill();

  /// User plus system time used so far, of the running process.
  [[nodiscard]] double cpu_seconds() const;
  /// The highest resident set so far, of the running process.
  [[nodiscard]] std::uint64_t peak_memory_bytes() const;

 private:
  pid_t pid_ = -1;
  int pidfd_ = -1;
  std::optional<exit_status> ended_;
};

/// Runs a program to its end; throws with the tail of its output when it fails.
void run_program(const std::vector<std::string>& command, const std::filesystem::path& output);

/// The last lines of a log, for an error message.
[[nodiscard]] std::string tail_of(const std::filesystem::path& file, std::size_t lines);

/// A TCP port on 127.0.0.1 that nobody listens on, outside the range from which the kernel takes ports for outgoing
/// connections, so that it is still free when a server comes back to it.
[[nodiscard]] std::uint16_t free_port();

/// True as soon as `condition` holds, false when it did not within `limit`.
bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit);

}  // namespace sluice::lab
