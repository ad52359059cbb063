// Who runs a copy: enough about a process to know later whether it still lives.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::state {

struct process_identity {
  std::string token;    // random, unique for this process's run
  std::string host;     // host name, for messages
  std::string machine;  // boot id and pid namespace: pids mean something only where both are the same
  std::int64_t pid = 0;
  std::int64_t started = 0;  // kernel ticks since boot: tells a reused pid from the same process
};

[[nodiscard]] process_identity this_process();

/// Whether a process that wrote `other` is known to be gone: same machine, and no such process. False when unknown.
[[nodiscard]] bool is_gone(const process_identity& other, const process_identity& self);

}  // namespace sluice::state
