#include "engine/http/connection.hpp"

#include <array>
#include <chrono>
#include <sstream>
#include <type_traits>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

namespace sluice::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;

using request_parser = bhttp::request_parser<bhttp::string_body>;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// How long, and for how much, a client that was told off may go on sending. Closing while its bytes are unread would
/// reset the connection, and the reply might be lost with it.
constexpr auto linger_time = std::chrono::seconds(2);
constexpr std::size_t linger_bytes_max = 32 * limits::mib;
/// Between looks at a start that is under way.
constexpr auto look_interval = std::chrono::milliseconds(20);
/// What may lie in a socket for who listens to events: some dozens of them.
constexpr int event_buffer_bytes = 64 * 1024;
/// Asked of a socket at once.
constexpr std::size_t read_bytes = 64 * limits::kib;

response broken_request(beast::error_code fault, const server_limits& bounds) {
  if (fault == bhttp::error::body_limit) {
    return refusal(413, "PayloadTooLarge",
                   "the request body is larger than " + std::to_string(bounds.body_bytes_max) + " bytes");
  }
  if (fault == bhttp::error::header_limit || fault == bhttp::error::buffer_overflow) {
    return refusal(431, "RequestHeaderFieldsTooLarge",
                   "the request headers are larger than " + std::to_string(bounds.header_bytes_max) + " bytes");
  }
  return refusal(400, "BadRequest", "the request is no valid HTTP: " + fault.message());
}

/// Whether the fault is the request's (and an answer has a reader), not the connection's.
bool is_request_fault(beast::error_code fault) {
  return fault.category() == make_error_code(bhttp::error::bad_method).category() &&
         fault != bhttp::error::end_of_stream;
}

/// What another reader of the same bytes may take for something else; empty: nothing. The parser has seen to lengths.
std::string_view ambiguity_of(const bhttp::request<bhttp::string_body>& request) {
  // RFC 9112, 3.2: exactly one Host, which also makes the rebinding check mean something. A blank in it: a header line
  // that went on in the next one.
  const std::size_t hosts = request.count(bhttp::field::host);
  if (hosts > 1 || (hosts == 0 && request.version() >= 11)) return "the request must have exactly one Host header";
  if (hosts == 1 && request[bhttp::field::host].find_first_of(" \t") != std::string_view::npos) {
    return "the Host header must be one line, without a blank";
  }
  const std::size_t codings = request.count(bhttp::field::transfer_encoding);
  if (codings > 1 || (codings == 1 && !beast::iequals(request[bhttp::field::transfer_encoding], "chunked"))) {
    return "the only transfer coding that is understood is: chunked";
  }
  return {};
}

using plain_stream = beast::tcp_stream;
using tls_stream = asio::ssl::stream<beast::tcp_stream>;

template <class Stream>
class beast_connection final : public connection {
  static constexpr bool is_tls = std::is_same_v<Stream, tls_stream>;

 public:
  template <class... Tls>
  beast_connection(asio::ip::tcp::socket socket, const server_limits& bounds, Tls&... tls)
      : stream_(std::move(socket), tls...), bounds_(bounds), buffer_(bounds.header_bytes_max + 16 * limits::kib) {}

  task<void> converse(answer to, outcome of_start, event_feed& feed) override {
    bool more = co_await shake_hands();
    while (more && !closing_) more = co_await one_request(to, of_start, feed);
  }

  task<void> refuse() override {
    const bool met = co_await shake_hands();
    if (!met) co_return;
    response reply = refusal(503, "TooManyConnections", "too many connections are open; close some, then try again");
    co_await turn_away(std::move(reply));
  }

  void close() override {
    closing_ = true;
    if (!sending_) lowest().close();
  }

  void abort() override { lowest().close(); }

  std::optional<std::chrono::steady_clock::time_point> waiting_since() const override {
    if (closing_) return std::nullopt;  // it is on its way out
    return waiting_since_;
  }

 private:
  [[nodiscard]] beast::tcp_stream& lowest() { return beast::get_lowest_layer(stream_); }

  /// False: it is over.
  task<bool> shake_hands() {
    if constexpr (is_tls) {
      lowest().expires_after(bounds_.idle_timeout);
      auto [fault] = co_await stream_.async_handshake(asio::ssl::stream_base::server, as_result);
      co_return !fault;
    }
    co_return true;
  }

  /// False when the connection is over.
  task<bool> one_request(const answer& to, const outcome& of_start, event_feed& feed) {
    request_parser parser;
    parser.header_limit(static_cast<std::uint32_t>(bounds_.header_bytes_max));
    parser.body_limit(bounds_.body_bytes_max);
    waiting_since_ = std::chrono::steady_clock::now();
    lowest().expires_after(bounds_.idle_timeout);  // for headers and body together: dripping bytes gains no time
    beast::error_code fault = co_await read(parser, part::header);
    if (!fault && !parser.is_done()) fault = co_await read_body(parser);
    waiting_since_.reset();
    if (fault) {
      if (!is_request_fault(fault)) co_return false;
      response reply = broken_request(fault, bounds_);
      co_await turn_away(std::move(reply));
      co_return false;
    }
    const bhttp::request<bhttp::string_body>& request = parser.get();
    if (const std::string_view wrong = ambiguity_of(request); !wrong.empty()) {
      response reply = refusal(400, "BadRequest", wrong);
      co_await turn_away(std::move(reply));
      co_return false;
    }
    response reply = to(view_of(request));
    if (reply.events) {
      co_await tell_events(feed, request.method() == bhttp::verb::head);
      co_return false;
    }
    if (reply.begins) reply = co_await what_comes_of(of_start, std::move(reply));
    const bool keep_alive = request.keep_alive();
    const bool headers_only = request.method() == bhttp::verb::head;
    const bool sent = co_await send(std::move(reply), request.version(), keep_alive, headers_only);
    if (sent && !keep_alive) co_await linger();
    co_return sent&& keep_alive;
  }

  /// `taken` when that takes too long to wait for.
  task<response> what_comes_of(const outcome& of_start, response taken) {
    asio::steady_timer waiting(lowest().get_executor());
    const auto until = std::chrono::steady_clock::now() + bounds_.start_time_max;
    while (!closing_ && std::chrono::steady_clock::now() < until) {
      if (auto reply = of_start()) co_return *std::move(reply);
      waiting.expires_after(look_interval);
      auto [cancelled] = co_await waiting.async_wait(as_result);
      (void)cancelled;
    }
    co_return taken;
  }

  task<beast::error_code> read_body(request_parser& parser) {
    if (beast::iequals(parser.get()[bhttp::field::expect], "100-continue")) {
      static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
      auto [write_fault, written] = co_await asio::async_write(stream_, asio::buffer(go_on), as_result);
      if (write_fault) co_return write_fault;
    }
    parser.eager(true);
    co_return co_await read(parser, part::everything);
  }

  enum class part { header, everything };

  /// Feeds `parser` until it has that part. Beast's own operations do the same, and take the compiler twenty seconds.
  task<beast::error_code> read(request_parser& parser, part wanted) {
    while (true) {
      beast::error_code fault = bhttp::error::need_more;
      if (buffer_.size() > 0) {
        fault.clear();
        buffer_.consume(parser.put(buffer_.data(), fault));
        if (fault && fault != bhttp::error::need_more) co_return fault;
        if (wanted == part::header ? parser.is_header_done() : parser.is_done()) co_return beast::error_code();
      }
      if (buffer_.size() > 0 && !fault) continue;
      if (buffer_.size() == buffer_.max_size()) co_return bhttp::error::buffer_overflow;
      const std::size_t room = std::min(read_bytes, buffer_.max_size() - buffer_.size());
      auto [read_fault, bytes] = co_await stream_.async_read_some(buffer_.prepare(room), as_result);
      buffer_.commit(bytes);
      if (bytes > 0) continue;
      if (read_fault != asio::error::eof) co_return read_fault;
      if (!parser.got_some()) co_return bhttp::error::end_of_stream;
      parser.put_eof(fault);
      co_return fault ? fault : beast::error_code(bhttp::error::partial_message);
    }
  }

  static request_view view_of(const bhttp::request<bhttp::string_body>& request) {
    const auto header = [&](bhttp::field name) -> std::optional<std::string_view> {
      const auto found = request.find(name);
      if (found == request.end()) return std::nullopt;
      return std::string_view(found->value().data(), found->value().size());
    };
    const auto method = request.method_string();
    const auto target = request.target();
    return {{method.data(), method.size()}, {target.data(), target.size()}, request.body(),
            header(bhttp::field::host),     header(bhttp::field::origin),   header(bhttp::field::authorization)};
  }

  /// False when the client could not be reached, or has to go.
  task<bool> send(response reply, unsigned version, bool keep_alive, bool headers_only) {
    bhttp::response<bhttp::string_body> message(static_cast<bhttp::status>(reply.status), version);
    message.set(bhttp::field::content_type, reply.content_type);
    message.set(bhttp::field::cache_control, "no-store");
    message.set("X-Content-Type-Options", "nosniff");
    if (!reply.page_policy.empty()) {
      message.set("Content-Security-Policy", reply.page_policy);
      message.set("Referrer-Policy", "no-referrer");
      message.set("X-Frame-Options", "DENY");
    }
    if (reply.authenticate) message.set(bhttp::field::www_authenticate, "Bearer");
    if (!reply.allow.empty()) message.set(bhttp::field::allow, reply.allow);
    message.keep_alive(keep_alive);
    message.body() = std::move(reply.body);
    message.prepare_payload();
    if (headers_only) message.body().clear();  // Content-Length stays that of the GET
    lowest().expires_after(bounds_.idle_timeout);
    sending_ = true;
    std::ostringstream head;
    head << message.base();
    const std::string head_text = std::move(head).str();
    const std::array<asio::const_buffer, 2> bytes{asio::buffer(head_text), asio::buffer(message.body())};
    auto [fault, written] = co_await asio::async_write(stream_, bytes, as_result);
    sending_ = false;
    co_return !fault && !closing_;
  }

  /// For as long as the client takes each event in time. What it has not taken yet lies in its socket's buffer, which
  /// is small, and nowhere else.
  task<void> tell_events(event_feed& feed, bool headers_only) {
    static constexpr std::string_view head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n";
    beast::error_code ignored;
    lowest().socket().set_option(asio::socket_base::send_buffer_size(event_buffer_bytes), ignored);
    event_feed::listener ears(feed);
    bool taken = co_await write_in_time(head);
    while (taken && !headers_only && !closing_) {
      const std::shared_ptr<const std::string> event = co_await ears.next();
      if (!event) co_return;
      taken = co_await write_in_time(*event);
    }
  }

  task<bool> write_in_time(std::string_view text) {
    lowest().expires_after(bounds_.idle_timeout);
    auto [fault, written] = co_await asio::async_write(stream_, asio::buffer(text), as_result);
    co_return !fault;
  }

  task<void> turn_away(response reply) {
    const bool sent = co_await send(std::move(reply), 11, false, false);  // NOLINT: clang 14 takes a wait for a loop
    if (sent) co_await linger();
  }

  task<void> linger() {
    beast::error_code fault;
    lowest().expires_after(std::min<std::chrono::steady_clock::duration>(linger_time, bounds_.idle_timeout));
    if constexpr (is_tls) {
      auto [shutdown_fault] = co_await stream_.async_shutdown(as_result);
      if (shutdown_fault) co_return;
    }
    lowest().socket().shutdown(asio::ip::tcp::socket::shutdown_send, fault);
    std::array<char, 4096> discarded{};
    std::size_t total_bytes = 0;
    while (!fault && total_bytes < linger_bytes_max) {
      auto [read_fault, bytes] = co_await lowest().async_read_some(asio::buffer(discarded), as_result);
      fault = read_fault;
      total_bytes += bytes;
    }
  }

  Stream stream_;
  const server_limits bounds_;
  bool sending_ = false;
  bool closing_ = false;
  std::optional<std::chrono::steady_clock::time_point> waiting_since_ = std::chrono::steady_clock::now();
  beast::flat_buffer buffer_;  // keeps what came in after a request: the next one of a pipeline
};

}  // namespace

std::unique_ptr<connection> make_connection(asio::ip::tcp::socket socket, const server_limits& bounds,
                                            asio::ssl::context* tls) {
  if (tls != nullptr) return std::make_unique<beast_connection<tls_stream>>(std::move(socket), bounds, *tls);
  return std::make_unique<beast_connection<plain_stream>>(std::move(socket), bounds);
}

}  // namespace sluice::http
