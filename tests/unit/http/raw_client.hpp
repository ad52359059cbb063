// A blocking socket that sends whatever bytes a test wants. Every wait ends after some seconds, as a failure.
#pragma once

#include <cerrno>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace sluice::http::test {

struct raw_reply {
  int status = 0;  // 0: the connection ended before a whole reply
  std::string headers;
  std::string body;
};

class raw_client {
 public:
  explicit raw_client(std::uint16_t port, const char* address = "127.0.0.1")
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    ::inet_pton(AF_INET, address, &to.sin_addr);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    // Only now: a connect with a time limit does not survive an interruption.
    const timeval patience{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  raw_client(raw_client&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_), unread_(std::move(other.unread_)) {}
  raw_client& operator=(raw_client&&) = delete;
  ~raw_client() {
    if (fd_ >= 0) ::close(fd_);
  }

  [[nodiscard]] bool connected() const { return connected_; }

  /// False when the other side would not take everything.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = again_if_interrupted([&] { return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); });
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void end_of_sending() { ::shutdown(fd_, SHUT_WR); }
  void reset_on_close() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }

  /// The next whole reply; `headers_only` for HEAD.
  raw_reply read_reply(bool headers_only = false) {
    raw_reply reply;
    std::size_t end = std::string::npos;
    while ((end = unread_.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more()) return {};
    }
    reply.headers = unread_.substr(0, end + 2);
    unread_.erase(0, end + 4);
    const std::size_t length_at = reply.headers.find("Content-Length: ");
    std::size_t length = 0;
    if (length_at != std::string::npos && !headers_only) {
      std::from_chars(reply.headers.data() + length_at + 16, reply.headers.data() + reply.headers.size(), length);
    }
    while (unread_.size() < length) {
      if (!read_more()) return {};
    }
    reply.body = unread_.substr(0, length);
    unread_.erase(0, length);
    reply.status = std::atoi(reply.headers.c_str() + std::string_view("HTTP/1.1 ").size());
    return reply;
  }

  /// What comes next up to and with `end`; what has come when the other side ends before.
  std::string read_until(std::string_view end) {
    std::size_t at = std::string::npos;
    while ((at = unread_.find(end)) == std::string::npos) {
      if (!read_more()) return std::exchange(unread_, {});
    }
    std::string text = unread_.substr(0, at + end.size());
    unread_.erase(0, at + end.size());
    return text;
  }

  /// Whether the server has closed (or reset) the connection; waits for it.
  bool closed_by_server() {
    while (read_more()) {
    }
    return last_errno_ != EAGAIN && last_errno_ != EWOULDBLOCK;
  }
  [[nodiscard]] const std::string& unread() const { return unread_; }

 private:
  /// The kernel interrupts a thread to hand it the completion of what it once submitted to a ring; a call on a socket
  /// with a time limit then ends with EINTR although there was no signal.
  template <class Call>
  static ssize_t again_if_interrupted(Call call) {
    ssize_t outcome = 0;
    do {
      outcome = call();
    } while (outcome < 0 && errno == EINTR);
    return outcome;
  }

  bool read_more() {
    char bytes[65536];
    const ssize_t got = again_if_interrupted([&] { return ::recv(fd_, bytes, sizeof bytes, 0); });
    last_errno_ = got < 0 ? errno : 0;
    if (got <= 0) return false;
    unread_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }

  int fd_;
  bool connected_ = false;
  int last_errno_ = 0;
  std::string unread_;
};

}  // namespace sluice::http::test
