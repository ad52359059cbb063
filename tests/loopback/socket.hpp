// Blocking TCP sockets: whole reads, whole writes. For the loopback server's threads only; the engine has its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <sys/uio.h>

namespace sluice::loopback {

/// Owns a file descriptor. shut_down() may be called from another thread and ends every call in progress.
class stream_socket {
 public:
  stream_socket() = default;
  explicit stream_socket(int descriptor) noexcept : descriptor_(descriptor) {}
  stream_socket(stream_socket&& other) noexcept;
  stream_socket& operator=(stream_socket&& other) noexcept;
  ~stream_socket();

  /// False at the end of the stream and on errors.
  [[nodiscard]] bool read(std::span<std::byte> into) noexcept;
  /// Takes bytes off the stream without copying them anywhere (MSG_TRUNC: the kernel drops them).
  [[nodiscard]] bool discard(std::size_t bytes) noexcept;
  /// Sends all of them; changes `parts` on the way.
  [[nodiscard]] bool write(std::span<iovec> parts) noexcept;
  /// Waits until the other end closes or shut_down() is called.
  void wait_for_hang_up() noexcept;
  void shut_down() noexcept;

 private:
  int descriptor_ = -1;
};

/// Listens on one address. accept() returns sockets with Nagle's algorithm off, as servers set them.
class listening_socket {
 public:
  /// Port 0 lets the system choose. Throws std::system_error naming the address.
  listening_socket(const std::string& host, std::uint16_t port);
  ~listening_socket();
  listening_socket(const listening_socket&) = delete;
  listening_socket& operator=(const listening_socket&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// A descriptor, or -1 after shut_down().
  [[nodiscard]] int accept() noexcept;
  void shut_down() noexcept;

 private:
  int descriptor_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace sluice::loopback
