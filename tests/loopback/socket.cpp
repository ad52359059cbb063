// Blocking TCP sockets on the plain system calls: no buffering of its own, nothing hidden between the caller and the
// kernel.
#include "tests/loopback/socket.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::loopback {

stream_socket::stream_socket(stream_socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

stream_socket& stream_socket::operator=(stream_socket&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

stream_socket::~stream_socket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool stream_socket::read(std::span<std::byte> into) noexcept {
  while (!into.empty()) {
    const ssize_t got = ::recv(descriptor_, into.data(), into.size(), MSG_WAITALL);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    into = into.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

bool stream_socket::discard(std::size_t bytes) noexcept {
  while (bytes > 0) {
    const ssize_t got = ::recv(descriptor_, nullptr, bytes, MSG_TRUNC | MSG_WAITALL);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

bool stream_socket::write(std::span<iovec> parts) noexcept {
  while (!parts.empty()) {
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    const ssize_t sent = ::sendmsg(descriptor_, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    auto left = static_cast<std::size_t>(sent);
    while (!parts.empty() && left >= parts.front().iov_len) {
      left -= parts.front().iov_len;
      parts = parts.subspan(1);
    }
    if (left > 0) {
      parts.front().iov_base = static_cast<std::byte*>(parts.front().iov_base) + left;
      parts.front().iov_len -= left;
    }
  }
  return true;
}

void stream_socket::wait_for_hang_up() noexcept {
  pollfd waiting{.fd = descriptor_, .events = POLLRDHUP, .revents = 0};
  while (::poll(&waiting, 1, -1) < 0 && errno == EINTR) {
  }
}

void stream_socket::shut_down() noexcept {
  ::shutdown(descriptor_, SHUT_RDWR);
}

namespace {

[[noreturn]] void fail(const char* what, const std::string& host, std::uint16_t port) {
  throw std::system_error(errno, std::generic_category(), std::string(what) + " " + host + ":" + std::to_string(port));
}

}  // namespace

listening_socket::listening_socket(const std::string& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
    errno = EINVAL;
    fail("not an IPv4 address:", host, port);
  }
  descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0) fail("no socket for", host, port);
  const int yes = 1;
  ::setsockopt(descriptor_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(descriptor_, SOMAXCONN) != 0) {
    const int cause = errno;
    ::close(descriptor_);
    errno = cause;
    fail("cannot listen on", host, port);
  }
  socklen_t size = sizeof address;
  ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
}

listening_socket::~listening_socket() {
  ::close(descriptor_);
}

int listening_socket::accept() noexcept {
  while (true) {
    const int descriptor = ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (descriptor < 0) return -1;
    const int yes = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return descriptor;
  }
}

void listening_socket::shut_down() noexcept {
  ::shutdown(descriptor_, SHUT_RDWR);
}

}  // namespace sluice::loopback
