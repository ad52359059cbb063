#include "tools/service_manager.hpp"

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace sluice::tools {
namespace {

constexpr timeval patience{2, 0};

template <class Number>
std::optional<Number> number_in(const environment& variables, const char* name) {
  const std::optional<std::string> text = variables(name);
  if (!text) return std::nullopt;
  Number number{};
  const char* const end = text->data() + text->size();
  const auto [stopped, fault] = std::from_chars(text->data(), end, number);
  if (fault != std::errc{} || stopped != end || number <= 0) return std::nullopt;
  return number;
}

}  // namespace

service_manager_wishes read_wishes(const environment& variables, pid_t own) {
  service_manager_wishes wishes;
  wishes.socket = variables("NOTIFY_SOCKET").value_or("");
  if (wishes.socket.empty()) return wishes;
  const auto microseconds = number_in<std::int64_t>(variables, "WATCHDOG_USEC");
  if (microseconds && number_in<pid_t>(variables, "WATCHDOG_PID").value_or(own) == own) {
    wishes.watchdog = std::chrono::microseconds(*microseconds);
  }
  return wishes;
}

service_manager_wishes wishes_of_process() {
  const environment ours = [](const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  return read_wishes(ours, ::getpid());
}

service_manager::service_manager(const std::string& socket) {
  // Longer than the kernel takes, or a kind of address that is none of a file's or an abstract one ("vsock:").
  if (socket.size() < 2 || socket.size() >= sizeof(sockaddr_un::sun_path)) return;
  if (socket.front() != '/' && socket.front() != '@') return;
  address_ = socket;
  if (address_.front() == '@') address_.front() = '\0';
  fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd_ >= 0) ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

service_manager::~service_manager() {
  if (fd_ >= 0) ::close(fd_);
}

void service_manager::tell(std::string_view lines) const noexcept {
  if (fd_ < 0) return;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  // An abstract name ends where the length says, a path with its zero byte.
  const bool is_path = address_.front() != '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size() + (is_path ? 1 : 0));
  while (::sendto(fd_, lines.data(), lines.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), length) < 0 &&
         errno == EINTR) {
  }
}

}  // namespace sluice::tools
