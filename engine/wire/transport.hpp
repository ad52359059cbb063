// A byte stream to one server (TCP or Unix socket, plain or TLS) and everything that may end it early. Knows no
// messages.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include "bson/document_view.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection_string.hpp"

namespace sluice::wire {

/// Used on its lane, but for what says otherwise. Held by shared_ptr: a timer or a scope may end it after its owner.
class transport : public std::enable_shared_from_this<transport> {
 public:
  enum class end : std::uint8_t { none, closed, timed_out, cancelled };

  transport(boost::asio::any_io_executor lane, host_port host);

  /// Resolves, connects (each address in turn) and shakes hands. Errors: network, configuration (TLS files,
  /// certificates), and those of ended().
  [[nodiscard]] task<result<>> connect(const tls_options& tls);
  /// Fills `into`; for sockets one system call where the bytes are there or on their way (MSG_WAITALL).
  [[nodiscard]] task<boost::system::error_code> read(std::span<std::byte> into);
  /// Writes all parts, gathered.
  [[nodiscard]] task<boost::system::error_code> write(std::span<const bson::bytes_view> parts);

  /// Ends the stream after `time`; zero: never. Replaces the limit before.
  void limit(std::chrono::milliseconds time);
  /// Whoever waits resumes with an error. The first reason stays.
  void finish(end why) noexcept;
  [[nodiscard]] end ended() const noexcept { return ended_; }
  /// Why an operation failed: what ended the stream, or what the socket says. `doing`: "while connecting".
  [[nodiscard]] error explain(const boost::system::error_code& why, std::string_view doing) const;

  /// Between lend() and take_back() another thread reads and writes, blocking; finish() then shuts the socket down,
  /// which wakes that thread, and closes it when it is back.
  void lend() noexcept { lent_ = true; }
  void take_back() noexcept;
  [[nodiscard]] std::size_t read_some_blocking(std::span<std::byte> into, boost::system::error_code& why);
  void write_blocking(bson::bytes_view bytes, boost::system::error_code& why);

  [[nodiscard]] const host_port& host() const noexcept { return host_; }
  [[nodiscard]] bool is_tls() const noexcept { return tls_ != nullptr; }

 private:
  using socket = boost::asio::generic::stream_protocol::socket;
  using endpoint = boost::asio::generic::stream_protocol::endpoint;
  struct lookup;

  [[nodiscard]] task<result<std::vector<endpoint>>> resolve();
  [[nodiscard]] task<result<>> shake_hands(const tls_options& options);
  void set_socket_options();
  [[nodiscard]] error lookup_failure(const boost::system::error_code& why) const;

  boost::asio::any_io_executor lane_;
  host_port host_;
  socket socket_;
  std::optional<boost::asio::ssl::context> tls_context_;
  std::unique_ptr<boost::asio::ssl::stream<socket&>> tls_;
  boost::asio::steady_timer timer_;
  std::uint64_t limit_number_ = 0;  // an expiry that was queued before it was replaced must not count
  std::shared_ptr<lookup> lookup_;
  std::atomic<end> ended_ = end::none;  // written on the lane; the thread that the socket is lent to reads it
  bool lent_ = false;
};

}  // namespace sluice::wire
