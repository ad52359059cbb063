// Accepts connections and keeps count of them. Never reads or writes one: that is connection.cpp.
#include "engine/http/server.hpp"

#include <exception>
#include <future>
#include <mutex>
#include <unordered_set>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/http/api.hpp"
#include "engine/http/connection.hpp"
#include "engine/http/observer.hpp"
#include "engine/http/tls.hpp"
#include "engine/runtime/log.hpp"

namespace sluice::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// Connections beyond the limit that are told so at the same time; more than these are closed without a word.
constexpr std::size_t refusals_max = 16;
/// How long a last reply may take to go out when the server ends.
constexpr auto last_reply_time = std::chrono::seconds(1);
/// Before the next attempt when the process has no file descriptor left.
constexpr auto accept_pause = std::chrono::milliseconds(100);
/// Lives until its last coroutine has ended; the server object in the caller's hands only ends it.
class core final : public std::enable_shared_from_this<core> {
 public:
  core(tcp::acceptor acceptor, const server_options& options, std::unique_ptr<asio::ssl::context> tls,
       session::controls& controls, const server_limits& bounds)
      : acceptor_(std::move(acceptor)),
        tls_(std::move(tls)),
        pause_(acceptor_.get_executor()),
        slow_(acceptor_.get_executor()),
        bounds_(bounds),
        observing_(acceptor_.get_executor(), [this] { return look(); }),
        context_{options.access, &observing_.past(), options.assessing},
        controls_(&controls) {}

  void start() {
    spawn(accept_all(shared_from_this()));
    spawn(observe(shared_from_this()));
  }

  void stop() {
    {
      const std::lock_guard guard(controls_mutex_);
      controls_ = nullptr;
    }
    asio::post(acceptor_.get_executor(), [self = shared_from_this()] { self->close_all(); });
  }

  /// After stop(). Asio's ring must not be destroyed before its last operation has ended.
  void wait_for_the_end() { ended_.get_future().wait(); }

 private:
  static task<void> accept_all(std::shared_ptr<core> self) {
    while (self->acceptor_.is_open()) {
      auto [fault, socket] = co_await self->acceptor_.async_accept(asio::as_tuple(asio::use_awaitable));
      if (fault == asio::error::operation_aborted) co_return;
      if (fault) {
        log(log_level::warn, "http", "Cannot accept a connection", {{"error", fault.message()}});
        self->pause_.expires_after(accept_pause);
        auto [cancelled] = co_await self->pause_.async_wait(asio::as_tuple(asio::use_awaitable));
        if (cancelled) co_return;
        continue;
      }
      self->admit(std::move(socket));
    }
  }

  void admit(tcp::socket socket) {
    const bool full = serving_ - leaving_.size() >= bounds_.connections_max && !make_room();
    if (closed_ || (full && refusing_ >= refusals_max)) return;
    auto client = make_connection(std::move(socket), bounds_, tls_.get());
    spawn(full ? refuse(shared_from_this(), std::move(client)) : serve(shared_from_this(), std::move(client)));
  }

  /// Ends the connection that has been without a request for longest, so that neither thousands that say nothing nor
  /// those that drip their bytes keep an operator out. False: all are being answered.
  bool make_room() {
    connection* longest = nullptr;
    for (connection* client : clients_) {
      const auto since = client->waiting_since();
      if (since && (longest == nullptr || *since < *longest->waiting_since())) longest = client;
    }
    if (longest == nullptr) return false;
    longest->close();
    leaving_.insert(longest);
    return true;
  }

  /// First called by start(), which may be before the lane runs; from then on by the lane.
  void spawn(task<void> member) {
    ++running_;
    asio::co_spawn(acceptor_.get_executor(), std::move(member), [self = shared_from_this()](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
      --self->running_;
      self->check_end();
    });
  }

  void check_end() {
    if (closed_ && running_ == 1) slow_.cancel();  // only its own coroutine is left
    if (closed_ && running_ == 0) ended_.set_value();
  }

  static task<void> serve(std::shared_ptr<core> self, std::unique_ptr<connection> client) {
    const counted place(*self, *client, self->serving_);
    connection::answer to = [self](const request_view& request) { return self->answer(request); };
    connection::outcome of_start = [self] { return self->outcome_of_start(); };
    co_await client->converse(std::move(to), std::move(of_start), self->observing_.feed());
  }

  static task<void> refuse(std::shared_ptr<core> self, std::unique_ptr<connection> client) {
    const counted place(*self, *client, self->refusing_);
    co_await client->refuse();
  }

  std::optional<response> outcome_of_start() {
    const std::lock_guard guard(controls_mutex_);
    if (controls_ == nullptr) return refusal(503, "ShuttingDown", "this process is about to end");
    auto reply = started(*controls_);
    if (reply) tell_reply("POST", "/api/v1/start", *reply);
    return reply;
  }

  /// Calls that change something are told; who only looks, which may be every second, where everything is.
  static void tell_reply(std::string_view method, std::string_view uri, const response& reply) {
    log(method == "POST" ? log_level::info : log_level::debug, "http", "sent response",
        {{"method", method}, {"uri", uri}, {"status", reply.status}, {"body", reply.body}});
  }

  response answer(const request_view& request) {
    const std::lock_guard guard(controls_mutex_);
    if (controls_ == nullptr) return refusal(503, "ShuttingDown", "this process is about to end");
    log(request.method == "POST" ? log_level::info : log_level::debug, "http", "Received request",
        {{"method", request.method}, {"uri", request.target}, {"body", request.body}});
    response reply = handle(request, *controls_, context_);
    if (reply.events && observing_.feed().listeners() >= bounds_.listeners_max) {
      reply = refusal(503, "TooManyListeners", "too many clients listen to events; ask for progress instead");
    }
    if (reply.events) observing_.greet();
    if (!reply.begins) tell_reply(request.method, request.target, reply);
    return reply;
  }

  [[nodiscard]] std::optional<session::progress> look() {
    const std::lock_guard guard(controls_mutex_);
    if (controls_ == nullptr) return std::nullopt;
    return controls_->snapshot(false);
  }

  static task<void> observe(std::shared_ptr<core> self) { co_await self->observing_.run(); }

  void close_all() {
    if (closed_) return;
    closed_ = true;
    observing_.close();
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    spawn(end_the_slow(shared_from_this()));
    for (connection* client : clients_) client->close();
    check_end();
  }

  static task<void> end_the_slow(std::shared_ptr<core> self) {
    if (self->running_ == 1) co_return;  // nobody is left
    self->slow_.expires_after(last_reply_time);
    auto [cancelled] = co_await self->slow_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (cancelled) co_return;
    for (connection* client : self->clients_) client->abort();
  }

  /// A connection's place in the books.
  class counted {
   public:
    counted(core& books, connection& client, std::size_t& count) : books_(books), client_(client), count_(count) {
      ++count_;
      books_.clients_.insert(&client_);
    }
    ~counted() {
      books_.clients_.erase(&client_);
      books_.leaving_.erase(&client_);
      --count_;
    }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;

   private:
    core& books_;
    connection& client_;
    std::size_t& count_;
  };

  tcp::acceptor acceptor_;
  std::unique_ptr<asio::ssl::context> tls_;
  asio::steady_timer pause_;
  asio::steady_timer slow_;
  const server_limits bounds_;
  observer observing_;
  const context context_;
  bool closed_ = false;
  std::size_t running_ = 0;  // coroutines, the accepting one included
  std::promise<void> ended_;
  std::size_t serving_ = 0;
  std::size_t refusing_ = 0;
  std::unordered_set<connection*> clients_;
  std::unordered_set<connection*> leaving_;  // of those, whom make_room() has closed
  std::mutex controls_mutex_;                // stop() comes from another thread
  session::controls* controls_;
};

class listening_server final : public server {
 public:
  listening_server(std::shared_ptr<core> inner, std::uint16_t port, std::string url)
      : core_(std::move(inner)), port_(port), url_(std::move(url)) {}
  ~listening_server() override {
    core_->stop();
    core_->wait_for_the_end();
  }
  listening_server(const listening_server&) = delete;
  listening_server& operator=(const listening_server&) = delete;

  std::uint16_t port() const noexcept override { return port_; }
  std::string url() const override { return url_; }
  void stop() override { core_->stop(); }

 private:
  std::shared_ptr<core> core_;
  std::uint16_t port_;
  std::string url_;
};

error cannot_listen(const tcp::endpoint& local, const boost::system::error_code& fault) {
  const std::string port = std::to_string(local.port());
  if (fault == asio::error::address_in_use) {
    return failure(
        error_kind::configuration,
        "port " + port + " is taken by another process (perhaps another sluice); choose another one with --port");
  }
  const bool no_such_address = fault == boost::system::errc::address_not_available;
  return failure(
      error_kind::configuration,
      "cannot listen on " + local.address().to_string() + ":" + port + ": " + fault.message() +
          (no_such_address ? "; --bind wants an address of this machine" : "; choose another port with --port"));
}

result<asio::ip::address> checked_address(const server_options& options) {
  boost::system::error_code fault;
  const auto address = asio::ip::make_address(options.address, fault);
  if (fault) {
    return failure(error_kind::configuration,
                   "--bind " + options.address + ": an IP address of this machine is wanted, for example 0.0.0.0");
  }
  if (!address.is_loopback() && options.access.token.empty()) {
    return failure(error_kind::configuration,
                   "--bind " + options.address + " needs --api-token-file: without it whoever reaches the port could " +
                       "pause or commit the run");
  }
  return address;
}

std::string url_of(const tcp::endpoint& at, bool tls) {
  const asio::ip::address& address = at.address();
  const std::string host = address.is_loopback() || address.is_unspecified() ? "localhost"
                           : address.is_v6()                                 ? "[" + address.to_string() + "]"
                                                                             : address.to_string();
  return (tls ? "https://" : "http://") + host + ":" + std::to_string(at.port());
}

}  // namespace

result<std::unique_ptr<server>> server::listen(asio::any_io_executor lane, const server_options& options,
                                               session::controls& controls, server_limits bounds) {
  SLUICE_TRY(const auto address, checked_address(options));
  std::unique_ptr<asio::ssl::context> tls;
  if (!options.tls_certificate_key_file.empty()) {
    SLUICE_TRY(tls, make_server_tls(options.tls_certificate_key_file));
  }
  tcp::acceptor acceptor(lane);
  boost::system::error_code fault;
  const tcp::endpoint local(address, options.port);
  acceptor.open(local.protocol(), fault);
  // Without it a restart within a minute finds the port taken by connections that are long closed.
  if (!fault) acceptor.set_option(tcp::acceptor::reuse_address(true), fault);
  if (!fault) acceptor.bind(local, fault);
  if (!fault) acceptor.listen(asio::socket_base::max_listen_connections, fault);
  if (fault) return cannot_listen(local, fault);
  const tcp::endpoint bound = acceptor.local_endpoint();
  if (!address.is_loopback() && !tls) {
    log(log_level::warn, "http",
        "The API's token goes over the network unencrypted; see --api-tls-certificate-key-file",
        {{"address", options.address}});
  }
  const std::string url = url_of(bound, tls != nullptr);
  auto inner = std::make_shared<core>(std::move(acceptor), options, std::move(tls), controls, bounds);
  inner->start();
  return std::unique_ptr<server>(std::make_unique<listening_server>(std::move(inner), bound.port(), url));
}

}  // namespace sluice::http
