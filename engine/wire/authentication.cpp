#include "engine/wire/authentication.hpp"

#include <algorithm>
#include <cstddef>
#include <string>

#include <mongoc/mongoc.h>

#include "engine/wire/blocking_call.hpp"
#include "engine/wire/mongoc_library.hpp"
#include "engine/wire/tls.hpp"
#include "engine/wire/uri_options.hpp"

namespace sluice::wire {

namespace {

using boost::system::error_code;

/// libmongoc's stream over ours. libmongoc sees the base; it never owns anything. After detach() nothing goes through:
/// a client that is destroyed would like to end its session, which the server does by itself.
struct borrowed_stream {
  mongoc_stream_t base{};  // first: libmongoc's pointer is ours
  transport* line = nullptr;
  bool handed_out = false;
  error_code failure;

  explicit borrowed_stream(transport& over);
  void detach() noexcept { line = nullptr; }
  static borrowed_stream& of(mongoc_stream_t* stream) { return *reinterpret_cast<borrowed_stream*>(stream); }

  /// -1 as libmongoc expects it, the cause kept.
  ssize_t fail(error_code why) {
    failure = why;
    errno = ECONNRESET;
    return -1;
  }

  // Timeouts are ignored: the stream's own limit shuts it down.
  static ssize_t writev(mongoc_stream_t* stream, mongoc_iovec_t* parts, std::size_t count, std::int32_t) {
    auto& self = of(stream);
    if (self.line == nullptr) return -1;
    std::size_t written = 0;
    for (std::size_t i = 0; i < count; ++i) {
      error_code why;
      self.line->write_blocking({static_cast<const std::byte*>(parts[i].iov_base), parts[i].iov_len}, why);
      if (why) return self.fail(why);
      written += parts[i].iov_len;
    }
    return static_cast<ssize_t>(written);
  }

  static ssize_t readv(mongoc_stream_t* stream, mongoc_iovec_t* parts, std::size_t count, std::size_t bytes_min,
                       std::int32_t) {
    auto& self = of(stream);
    if (self.line == nullptr) return -1;
    std::size_t total = 0;
    for (std::size_t i = 0; i < count; ++i) {
      std::span<std::byte> left(static_cast<std::byte*>(parts[i].iov_base), parts[i].iov_len);
      while (!left.empty()) {
        if (total > 0 && total >= bytes_min) return static_cast<ssize_t>(total);
        error_code why;
        const std::size_t bytes = self.line->read_some_blocking(left, why);
        if (why) return self.fail(why);
        left = left.subspan(bytes);
        total += bytes;
      }
    }
    return static_cast<ssize_t>(total);
  }

  /// Always "ready": reading then waits for what is to come, and there is no other stream to serve meanwhile.
  static ssize_t poll(mongoc_stream_poll_t* streams, std::size_t count, std::int32_t) {
    for (std::size_t i = 0; i < count; ++i) streams[i].revents = streams[i].events;
    return static_cast<ssize_t>(count);
  }
};
static_assert(offsetof(borrowed_stream, base) == 0);

borrowed_stream::borrowed_stream(transport& over) : line(&over) {
  constexpr int type_of_nobody_else = 1000;  // libmongoc's own are small numbers
  base.type = type_of_nobody_else;
  base.destroy = [](mongoc_stream_t*) {};
  base.failed = [](mongoc_stream_t*) {};
  base.close = [](mongoc_stream_t*) { return 0; };
  base.flush = [](mongoc_stream_t*) { return 0; };
  base.writev = &writev;
  base.readv = &readv;
  base.setsockopt = [](mongoc_stream_t*, int, int, void*, mongoc_socklen_t) { return 0; };
  base.check_closed = [](mongoc_stream_t* stream) { return of(stream).line == nullptr; };
  base.poll = &poll;
  base.timed_out = [](mongoc_stream_t*) { return false; };
  base.should_retry = [](mongoc_stream_t*) { return false; };
}

/// Hands the one stream out once; a second attempt of libmongoc (a new scan) finds none.
mongoc_stream_t* initiate(const mongoc_uri_t*, const mongoc_host_list_t*, void* given, bson_error_t* why) {
  auto& stream = *static_cast<borrowed_stream*>(given);
  if (stream.line == nullptr || stream.handed_out) {
    bson_set_error(why, MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_CONNECT, "the connection was lost");
    return nullptr;
  }
  stream.handed_out = true;
  return &stream.base;
}

using native_uri = std::unique_ptr<mongoc_uri_t, void (*)(mongoc_uri_t*)>;
using native_client = std::unique_ptr<mongoc_client_t, void (*)(mongoc_client_t*)>;

/// One host, its credentials, and nothing else: TLS is done, compression is not for a handshake.
result<native_uri> uri_for_one_host(const connection_string& uri, const host_port& host) {
  const std::string address = host.port == 0 ? percent_encoded(host.host) : host.to_string();
  const std::string text = "mongodb://" + address + "/?directConnection=true&serverSelectionTryOnce=true";
  native_uri one(mongoc_uri_new(text.c_str()), &mongoc_uri_destroy);
  if (!one) return failure(error_kind::configuration, host.to_string() + ": not an address that libmongoc can read");

  const auto* from = uri.native();
  const char* mechanism = mongoc_uri_get_auth_mechanism(from);
  const char* user = mongoc_uri_get_username(from);
  if (mechanism != nullptr) mongoc_uri_set_auth_mechanism(one.get(), mechanism);
  if (user != nullptr) {
    mongoc_uri_set_username(one.get(), user);
  } else if (uri.mechanism() == "MONGODB-X509") {
    // libmongoc would look into its own TLS options, which it has none of here.
    SLUICE_TRY(auto subject, certificate_subject(uri.tls().certificate_key_file));
    mongoc_uri_set_username(one.get(), subject.c_str());
  }
  if (const char* password = mongoc_uri_get_password(from)) mongoc_uri_set_password(one.get(), password);
  if (const char* source = mongoc_uri_get_auth_source(from)) mongoc_uri_set_auth_source(one.get(), source);
  if (const char* application = mongoc_uri_get_appname(from)) mongoc_uri_set_appname(one.get(), application);
  bson_t properties;
  if (mongoc_uri_get_mechanism_properties(from, &properties)) {
    mongoc_uri_set_mechanism_properties(one.get(), &properties);
  }
  return one;
}

error rejected(const bson_error_t& why, const connection_string& uri, const host_port& host) {
  std::string said = why.message;
  const char* password = mongoc_uri_get_password(uri.native());
  if (password != nullptr && *password != '\0' && said.find(password) != std::string::npos) said = "refused";
  const std::string user = uri.user();
  const std::string mechanism = uri.mechanism().empty() ? "" : " with " + uri.mechanism();
  return failure(error_kind::authentication,
                 host.to_string() + ": authentication" + (user.empty() ? "" : " of user \"" + user + "\"") + mechanism +
                     " failed: " + said + " (are user name, password, authSource and authMechanism right?)");
}

/// Runs on its own thread until the exchange ended or the stream was shut down.
result<> authenticate_blocking(transport& line, const connection_string& uri) {
  require_mongoc();
  const mongoc_messages silenced;
  SLUICE_TRY(auto one, uri_for_one_host(uri, line.host()));
  borrowed_stream stream(line);
  const native_client client(mongoc_client_new_from_uri(one.get()), &mongoc_client_destroy);
  if (!client)
    return failure(error_kind::configuration, line.host().to_string() + ": libmongoc refuses these credentials");
  mongoc_client_set_stream_initiator(client.get(), &initiate, &stream);
  mongoc_client_set_error_api(client.get(), MONGOC_ERROR_API_VERSION_2);

  bson_t ping = BSON_INITIALIZER;
  BSON_APPEND_INT32(&ping, "ping", 1);
  bson_error_t why{};
  const bool answered = mongoc_client_command_simple(client.get(), "admin", &ping, nullptr, nullptr, &why);
  bson_destroy(&ping);
  stream.detach();
  if (answered) return ok();
  // What libmongoc says about a broken stream is only a consequence.
  if (stream.failure || line.ended() != transport::end::none) {
    return line.explain(stream.failure, line.is_tls()
                                            ? "during authentication"
                                            : "during authentication (does it require TLS? Then add tls=true)");
  }
  return rejected(why, uri, line.host());
}

}  // namespace

task<result<>> authenticate(std::shared_ptr<transport> line, connection_string uri) {
  line->lend();
  auto work = [over = line.get(), &uri] { return authenticate_blocking(*over, uri); };
  auto answer = co_await call_blocking(work);
  line->take_back();
  if (!answer && line->ended() != transport::end::none) co_return line->explain({}, "during authentication");
  co_return answer;
}

}  // namespace sluice::wire
