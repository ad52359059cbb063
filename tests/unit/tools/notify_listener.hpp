// The socket on which systemd hears its services, for tests: sd_notify(3) from the other side.
#pragma once

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace sluice::tools::test {

class notify_listener {
 public:
  /// `name` as NOTIFY_SOCKET has it: a path, or '@' and an abstract name.
  explicit notify_listener(std::string name)
      : name_(std::move(name)), fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const bool is_path = name_.front() == '/';
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, name_.data(), name_.size());
    if (!is_path) at.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size() + (is_path ? 1 : 0));
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&at), length), 0) << std::strerror(errno);
    const timeval patience{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~notify_listener() {
    ::close(fd_);
    if (name_.front() == '/') std::filesystem::remove(name_);
  }
  notify_listener(const notify_listener&) = delete;
  notify_listener& operator=(const notify_listener&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }

  /// The next message; empty when none comes for twenty seconds.
  std::string next() {
    std::array<char, 4096> bytes{};
    ssize_t got = 0;
    do {
      got = ::recv(fd_, bytes.data(), bytes.size(), 0);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? std::string() : std::string(bytes.data(), static_cast<std::size_t>(got));
  }

  /// Whether a message that begins so comes within twenty seconds, among whatever others.
  bool hears(std::string_view beginning) { return hears_all({beginning}); }
  /// The same of several, in whatever order.
  bool hears_all(std::vector<std::string_view> beginnings) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!beginnings.empty() && std::chrono::steady_clock::now() < until) {
      const std::string message = next();
      if (message.empty()) return false;
      std::erase_if(beginnings, [&message](std::string_view one) { return message.starts_with(one); });
    }
    return beginnings.empty();
  }

 private:
  std::string name_;
  int fd_;
};

}  // namespace sluice::tools::test
