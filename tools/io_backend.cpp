#include "tools/io_backend.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <liburing.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/runtime/lane.hpp"
#include "engine/runtime/log.hpp"

#if defined(SLUICE_HAS_EPOLL_TWIN)
// The stripped twin, put here by epoll_twin.S.
extern "C" const char sluice_epoll_twin_begin[];
extern "C" const char sluice_epoll_twin_end[];
#endif

namespace sluice::tools {
namespace {

/// How the twin learns what its log line has to say: the errno that io_uring met.
constexpr const char* refusal_variable = "SLUICE_IO_URING_REFUSED";

/// 0, or the errno with which the kernel refuses.
int probe_io_uring() {
  io_uring ring{};
  const int refused = ::io_uring_queue_init(8, &ring, 0);
  if (refused == 0) ::io_uring_queue_exit(&ring);
  return -refused;
}

/// Returns only when it could not be done: why.
std::string become_epoll_twin([[maybe_unused]] char** argv) {
#if defined(SLUICE_HAS_EPOLL_TWIN)
  const int file = ::memfd_create("sluice-epoll", MFD_CLOEXEC);
  if (file < 0) return std::string("memfd_create: ") + std::strerror(errno);
  const char* at = sluice_epoll_twin_begin;
  while (at < sluice_epoll_twin_end) {
    const ssize_t written = ::write(file, at, static_cast<std::size_t>(sluice_epoll_twin_end - at));
    if (written < 0) return std::string("writing the epoll build to memory: ") + std::strerror(errno);
    at += written;
  }
  // libmongoc has put its counters there under this process's number, and would complain to find them.
  ::shm_unlink(("/mongoc-" + std::to_string(::getpid())).c_str());
  ::fexecve(file, argv, environ);
  return std::string("starting the epoll build: ") + std::strerror(errno);
#else
  return "this binary carries no epoll build; configure with SLUICE_EMBED_EPOLL=ON or SLUICE_BACKEND=epoll";
#endif
}

}  // namespace

std::string why_no_io_uring(int refused) {
  if (refused == 0) return {};
  std::string reason = std::string("the kernel refuses io_uring: ") + std::strerror(refused);
  switch (refused) {
    case EPERM:
    case EACCES:
      return reason + " (a container's seccomp profile, or sysctl kernel.io_uring_disabled)";
    case ENOSYS:
      return reason + " (a container's seccomp profile, or a kernel before 5.1)";
    case ENOMEM:
      return reason + " (the limit on locked memory is too low: ulimit -l)";
    default:
      return reason;
  }
}

result<> choose_io_backend(io_choice choice, [[maybe_unused]] char** argv) {
  const bool is_twin = std::getenv(refusal_variable) != nullptr;
  if (runtime::backend_name() == "epoll") {
    if (choice == io_choice::io_uring && !is_twin) {
      return failure(error_kind::configuration, "--io io_uring: this is an epoll build");
    }
    return ok();
  }
  const int refused = choice == io_choice::epoll ? 0 : probe_io_uring();
  if (choice != io_choice::epoll && refused == 0) return ok();
  const std::string reason = choice == io_choice::epoll ? "--io epoll" : why_no_io_uring(refused);
  if (choice == io_choice::io_uring) return failure(error_kind::configuration, "--io io_uring: " + reason);
  ::setenv(refusal_variable, std::to_string(refused).c_str(), 1);
  return failure(error_kind::configuration, reason + ", and " + become_epoll_twin(argv));
}

std::string why_epoll() {
  const char* const refused = std::getenv(refusal_variable);
  return refused == nullptr ? std::string() : why_no_io_uring(std::atoi(refused));
}

void log_io_backend() {
  if (const std::string reason = why_epoll(); !reason.empty()) {
    log(log_level::warn, "runtime", "Running on epoll, which costs more CPU", {{"cause", reason}});
    return;
  }
  log(log_level::debug, "runtime", "Waiting with", {{"backend", runtime::backend_name()}});
}

}  // namespace sluice::tools
