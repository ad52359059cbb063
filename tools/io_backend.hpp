// io_uring or epoll: asks the kernel, and starts the program's epoll twin where it refuses.
#pragma once

#include <string>

#include "engine/runtime/result.hpp"
#include "tools/command_line.hpp"

namespace sluice::tools {

/// Returns when this very process can go on with what it was built for. Where io_uring is refused (or epoll is wanted)
/// the process is replaced by the epoll build that the binary carries, with the same arguments and environment, so call
/// this before either is overwritten and before any thread is started. Errors (configuration): there is no such build.
[[nodiscard]] result<> choose_io_backend(io_choice choice, char** argv);

/// One line about what is used, and in the twin about why; once the log is open.
void log_io_backend();

/// Why this is the twin although nobody asked for it; empty where it is not, or was asked for.
[[nodiscard]] std::string why_epoll();

/// Empty when `refused` is 0, else the sentence for that errno of io_uring_setup: what is refused and what usually
/// causes it.
[[nodiscard]] std::string why_no_io_uring(int refused);

}  // namespace sluice::tools
