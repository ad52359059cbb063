#include "tools/api_client.hpp"

#include <charconv>
#include <optional>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "engine/runtime/limits.hpp"

namespace sluice::tools {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t reply_bytes_max = 16 * limits::mib;

error no_answer(const std::string& address, const boost::system::error_code& fault) {
  if (fault == beast::error::timeout) {
    return failure(error_kind::timeout, "the server at " + address + " does not answer in time; look at its log");
  }
  if (fault.category() == make_error_code(bhttp::error::bad_method).category()) {
    return failure(error_kind::protocol,
                   "what listens at " + address + " is no sluice (" + fault.message() + "); check --port or --url");
  }
  return failure(error_kind::network, "no sluice answers at " + address + " (" + fault.message() +
                                          "); start one, or say where it is with --port or --url");
}

using request_type = bhttp::request<bhttp::string_body>;

task<boost::system::error_code> exchange(api_address address, const request_type& request,
                                         bhttp::response_parser<bhttp::string_body>& reply,
                                         std::chrono::milliseconds within) {
  auto executor = co_await asio::this_coro::executor;
  asio::ip::tcp::resolver resolver(executor);
  const std::string port = std::to_string(address.port);
  auto [unresolved, endpoints] = co_await resolver.async_resolve(address.host, port, as_result);
  if (unresolved) co_return unresolved;
  beast::tcp_stream stream(executor);
  stream.expires_after(within);
  auto [unconnected, endpoint] = co_await stream.async_connect(endpoints, as_result);
  if (unconnected) co_return unconnected;
  auto [unsent, sent_bytes] = co_await bhttp::async_write(stream, request, as_result);
  if (unsent) co_return unsent;
  beast::flat_buffer buffer;
  auto [unread, read_bytes] = co_await bhttp::async_read(stream, buffer, reply, as_result);
  co_return unread;
}

}  // namespace

std::string api_address::text() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

result<api_address> parse_api_url(std::string_view url) {
  const auto wrong = [](const char* why) {
    return failure(error_kind::configuration,
                   std::string("--url ") + why + "; it must look like http://127.0.0.1:27182");
  };
  constexpr std::string_view scheme = "http://";
  if (!url.starts_with(scheme)) return wrong("must begin with http://");
  std::string_view rest = url.substr(scheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#@ ") != std::string_view::npos) return wrong("must hold a host and a port only");
  std::string_view host = rest;
  std::string_view port;
  const std::size_t after_address = rest.starts_with('[') ? rest.find(']') : 0;
  if (after_address == std::string_view::npos) return wrong("has a [ without its ]");
  if (const std::size_t colon = rest.find(':', after_address); colon != std::string_view::npos) {
    host = rest.substr(0, colon);
    port = rest.substr(colon + 1);
    if (port.empty()) return wrong("has no port behind its colon");
  }
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return wrong("has something between ] and the port");
    host = host.substr(1, host.size() - 2);
  }
  if (host.empty()) return wrong("has no host");
  api_address address;
  address.host = host;
  if (!port.empty()) {
    const auto [stopped, fault] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (fault != std::errc{} || stopped != port.data() + port.size() || address.port == 0) {
      return wrong("has no port from 1 to 65535");
    }
  }
  return address;
}

result<api_reply> call_api(const api_address& address, std::string_view method, std::string_view path,
                           std::chrono::milliseconds within) {
  request_type request;
  request.version(11);
  request.method_string(method);
  request.target(path);
  request.set(bhttp::field::host, address.text());
  request.keep_alive(false);
  if (method == "POST") request.body() = "{}";
  request.prepare_payload();
  bhttp::response_parser<bhttp::string_body> reply;
  reply.body_limit(reply_bytes_max);
  boost::system::error_code fault;
  asio::io_context context(1);
  asio::co_spawn(context, exchange(address, request, reply, within),
                 [&fault](std::exception_ptr thrown, boost::system::error_code how) {
                   if (thrown) std::rethrow_exception(thrown);
                   fault = how;
                 });
  context.run();
  if (fault) return no_answer(address.text(), fault);
  return api_reply{reply.get().result_int(), std::move(reply.get().body())};
}

}  // namespace sluice::tools
