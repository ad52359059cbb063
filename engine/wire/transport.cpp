#include "engine/wire/transport.hpp"

#include <array>
#include <cassert>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "engine/wire/tls.hpp"

namespace sluice::wire {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr auto as_tuple_awaitable = asio::as_tuple(asio::use_awaitable);

/// With io_uring the kernel itself goes on until everything is read or sent, instead of telling us about each piece.
constexpr int whole = MSG_WAITALL | MSG_NOSIGNAL;

template <int Level, int Name>
using int_option = asio::detail::socket_option::integer<Level, Name>;

}  // namespace

/// Shared with the resolver, which cannot be interrupted: who gives up waiting just leaves it behind.
struct transport::lookup {
  explicit lookup(const asio::any_io_executor& lane)
      : resolver(lane), answered(lane, asio::steady_timer::time_point::max()) {}
  tcp::resolver resolver;
  asio::steady_timer answered;
  bool done = false;
  error_code why;
  std::vector<endpoint> found;
};

transport::transport(asio::any_io_executor lane, host_port host)
    : lane_(std::move(lane)), host_(std::move(host)), socket_(lane_), timer_(lane_) {}

task<result<>> transport::connect(const tls_options& tls) {
  SLUICE_CO_TRY(auto endpoints, co_await resolve());
  error_code why = asio::error::host_not_found;
  for (const auto& candidate : endpoints) {
    if (ended_ != end::none) break;
    error_code ignored;
    socket_.close(ignored);
    std::tie(why) = co_await socket_.async_connect(candidate, as_tuple_awaitable);
    if (!why) break;
  }
  if (why || ended_ != end::none) co_return explain(why, "while connecting");
  set_socket_options();
  if (tls.enabled) {
    SLUICE_CO_TRYV(co_await shake_hands(tls));
  }
  co_return ok();
}

task<result<std::vector<transport::endpoint>>> transport::resolve() {
  if (ended_ != end::none) co_return explain({}, "before connecting");
  if (host_.port == 0) {
    if (host_.host.size() >= sizeof(sockaddr_un::sun_path)) {
      co_return failure(error_kind::configuration, host_.host + ": the path is too long for a Unix socket");
    }
    std::vector<endpoint> only{endpoint(asio::local::stream_protocol::endpoint(host_.host))};
    co_return only;
  }
  auto asked = std::make_shared<lookup>(lane_);
  lookup_ = asked;
  asked->resolver.async_resolve(host_.host, std::to_string(host_.port), tcp::resolver::numeric_service,
                                [asked](error_code why, const tcp::resolver::results_type& results) {
                                  asked->why = why;
                                  for (const auto& entry : results) asked->found.emplace_back(entry.endpoint());
                                  asked->done = true;
                                  asked->answered.cancel();
                                });
  while (!asked->done && ended_ == end::none) {
    error_code woken;
    co_await asked->answered.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }
  lookup_.reset();
  if (ended_ != end::none) co_return explain({}, "while its name was looked up");
  if (asked->why) co_return lookup_failure(asked->why);
  co_return std::move(asked->found);
}

error transport::lookup_failure(const error_code& why) const {
  const bool unknown =
      why == asio::error::host_not_found || why == asio::error::no_data || why == asio::error::host_not_found_try_again;
  return failure(error_kind::network, host_.to_string() + ": " +
                                          (unknown ? "the name \"" + host_.host + "\" is not known" : why.message()) +
                                          " (is it spelled right, and does this machine's DNS know it?)");
}

void transport::set_socket_options() {
  if (host_.port == 0) return;
  error_code ignored;  // a socket that lacks one of these still works
  socket_.set_option(int_option<IPPROTO_TCP, TCP_NODELAY>(1), ignored);
  // A peer that vanished without a word is noticed within two minutes.
  socket_.set_option(int_option<SOL_SOCKET, SO_KEEPALIVE>(1), ignored);
  socket_.set_option(int_option<IPPROTO_TCP, TCP_KEEPIDLE>(60), ignored);
  socket_.set_option(int_option<IPPROTO_TCP, TCP_KEEPINTVL>(10), ignored);
  socket_.set_option(int_option<IPPROTO_TCP, TCP_KEEPCNT>(6), ignored);
}

task<result<>> transport::shake_hands(const tls_options& options) {
  SLUICE_CO_TRY(auto context, make_tls_context(options));
  tls_context_.emplace(std::move(context));
  tls_ = std::make_unique<asio::ssl::stream<socket&>>(socket_, *tls_context_);
  expect_host(tls_->native_handle(), host_, options);
  auto [why] = co_await tls_->async_handshake(asio::ssl::stream_base::client, as_tuple_awaitable);
  if (ended_ != end::none) co_return explain(why, "during the TLS handshake");
  if (why) co_return tls_failure(tls_->native_handle(), why, host_, options);
  co_return ok();
}

task<error_code> transport::read(std::span<std::byte> into) {
  while (!into.empty()) {
    const auto buffer = asio::buffer(into.data(), into.size());
    error_code why;
    std::size_t bytes = 0;
    if (tls_) {
      std::tie(why, bytes) = co_await tls_->async_read_some(buffer, as_tuple_awaitable);
    } else {
      std::tie(why, bytes) = co_await socket_.async_receive(buffer, whole, as_tuple_awaitable);
    }
    if (why) co_return why;
    into = into.subspan(bytes);
  }
  co_return error_code();
}

task<error_code> transport::write(std::span<const bson::bytes_view> parts) {
  std::array<asio::const_buffer, 3> left;
  assert(parts.size() <= left.size());
  for (std::size_t i = 0; i < parts.size(); ++i) left[i] = asio::buffer(parts[i].data(), parts[i].size());
  std::size_t first = 0;
  for (;;) {
    while (first < left.size() && left[first].size() == 0) ++first;
    if (first == left.size()) co_return error_code();
    error_code why;
    std::size_t bytes = 0;
    // asio::async_write would cut this into pieces of 64 KiB.
    if (tls_) {
      std::tie(why, bytes) = co_await tls_->async_write_some(left[first], as_tuple_awaitable);
    } else {
      std::tie(why, bytes) = co_await socket_.async_send(left, whole, as_tuple_awaitable);
    }
    if (why) co_return why;
    for (std::size_t i = first; i < left.size() && bytes > 0; ++i) {
      const std::size_t taken = std::min(bytes, left[i].size());
      left[i] += taken;
      bytes -= taken;
    }
  }
}

void transport::limit(std::chrono::milliseconds time) {
  ++limit_number_;
  timer_.cancel();
  if (time == std::chrono::milliseconds::zero()) return;
  timer_.expires_after(time);
  timer_.async_wait([self = weak_from_this(), number = limit_number_](error_code woken) {
    if (woken) return;
    if (auto alive = self.lock(); alive && alive->limit_number_ == number) alive->finish(end::timed_out);
  });
}

void transport::finish(end why) noexcept {
  if (ended_ != end::none) return;
  ended_ = why;
  limit({});
  if (lookup_) lookup_->answered.cancel();
  if (lent_) {
    ::shutdown(socket_.native_handle(), SHUT_RDWR);
    return;
  }
  error_code ignored;
  socket_.close(ignored);
}

void transport::take_back() noexcept {
  lent_ = false;
  if (ended_ == end::none) return;
  error_code ignored;
  socket_.close(ignored);
}

std::size_t transport::read_some_blocking(std::span<std::byte> into, error_code& why) {
  const auto buffer = asio::buffer(into.data(), into.size());
  return tls_ ? tls_->read_some(buffer, why) : socket_.receive(buffer, 0, why);
}

void transport::write_blocking(bson::bytes_view bytes, error_code& why) {
  const auto buffer = asio::buffer(bytes.data(), bytes.size());
  if (tls_) {
    asio::write(*tls_, buffer, why);
  } else {
    asio::write(socket_, buffer, why);
  }
}

error transport::explain(const error_code& why, std::string_view doing) const {
  const std::string prefix = host_.to_string() + ": ";
  const std::string at = " " + std::string(doing);
  switch (ended_) {
    case end::cancelled:
      return failure(error_kind::cancelled, prefix + "cancelled" + at);
    case end::timed_out:
      return failure(error_kind::timeout,
                     prefix + "no answer in time" + at + " (is the server overloaded, or a firewall in between?)");
    case end::closed:
      return failure(error_kind::network, prefix + "the connection was closed" + at);
    case end::none:
      break;
  }
  if (why == asio::error::connection_refused) {
    return failure(error_kind::network,
                   prefix + "connection refused" + at + " (is mongod running there, and is the port right?)");
  }
  if (why == asio::error::eof || why == asio::error::connection_reset || why == asio::error::broken_pipe ||
      why == asio::ssl::error::stream_truncated) {
    return failure(error_kind::network, prefix + "the server closed the connection" + at);
  }
  if (why == boost::system::errc::no_such_file_or_directory) {
    return failure(error_kind::network, prefix + "no such socket" + at + " (is mongod running on this machine?)");
  }
  return failure(error_kind::network, prefix + why.message() + at);
}

}  // namespace sluice::wire
