// A server that says exactly what a test tells it to, byte for byte, over a Unix socket: for what real ones never do.
#pragma once

#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bson/bytes.hpp"
#include "tests/unit/wire/messages.hpp"

namespace sluice::wire::test {

/// One accepted connection, blocking. Reading ends with an empty message when the client has closed.
class peer {
 public:
  explicit peer(int socket) : socket_(socket) {}
  ~peer() { hang_up(); }
  peer(const peer&) = delete;
  peer& operator=(const peer&) = delete;

  /// The next whole message.
  bytes read_message() const {
    bytes message(16);
    if (!read(message.data(), 16)) return {};
    message.resize(bson::load_length(message.data()));
    return read(message.data() + 16, message.size() - 16) ? message : bytes{};
  }
  void send(const bytes& what) const {
    for (std::size_t sent = 0; sent < what.size();) {
      const auto now = ::send(socket_, what.data() + sent, what.size() - sent, MSG_NOSIGNAL);
      if (now <= 0) return;
      sent += static_cast<std::size_t>(now);
    }
  }
  /// The id to answer to.
  static std::int32_t id_of(const bytes& message) { return bson::load<std::int32_t>(message.data() + 4); }
  /// The command's bytes, in an uncompressed message.
  static bson::document_view body_of(const bytes& message) { return bson::document_view(message.data() + 21); }

  /// Reads the client's hello and answers it.
  void greet(std::int32_t wire_version_max = 21) const {
    const bytes hello = read_message();
    if (hello.empty()) return;
    bson::builder reply;
    reply.append("isWritablePrimary", true).append("maxWireVersion", wire_version_max).append("ok", 1.0);
    const bson::document whole = reply.finish();
    send(reply_message(1, id_of(hello), whole));
  }
  /// Until the client closes.
  void wait_for_end() const {
    while (!read_message().empty()) {
    }
  }
  void hang_up() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

 private:
  bool read(std::byte* to, std::size_t size) const {
    while (size > 0) {
      const auto now = ::recv(socket_, to, size, 0);
      if (now <= 0) return false;
      to += now;
      size -= static_cast<std::size_t>(now);
    }
    return true;
  }
  int socket_;
};

/// Plays `script` to the first client, on its own thread; joined at the end.
class scripted_server {
 public:
  explicit scripted_server(std::function<void(peer&)> script)
      : path_("/tmp/sluice-scripted-" + std::to_string(::getpid()) + ".sock") {
    listener_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    ::unlink(path_.c_str());
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 1) != 0) {
      throw std::runtime_error("cannot listen on " + path_);
    }
    thread_ = std::thread([this, script = std::move(script)] {
      const int socket = ::accept(listener_, nullptr, nullptr);
      if (socket < 0) return;
      peer client(socket);
      script(client);
    });
  }
  ~scripted_server() {
    ::shutdown(listener_, SHUT_RDWR);  // ends an accept that nobody came for
    thread_.join();
    ::close(listener_);
    ::unlink(path_.c_str());
  }
  scripted_server(const scripted_server&) = delete;
  scripted_server& operator=(const scripted_server&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  int listener_ = -1;
  std::thread thread_;
};

}  // namespace sluice::wire::test
