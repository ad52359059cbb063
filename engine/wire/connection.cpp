#include "engine/wire/connection.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include <boost/asio/this_coro.hpp>

#include "engine/wire/authentication.hpp"
#include "engine/wire/compression.hpp"
#include "engine/wire/hello.hpp"
#include "engine/wire/op_msg.hpp"
#include "engine/wire/server_error.hpp"
#include "engine/wire/transport.hpp"

namespace sluice::wire {

namespace {

using boost::system::error_code;

/// Servers refuse these in compressed form (compression specification); authentication is libmongoc's and plain anyway.
constexpr std::array<std::string_view, 2> never_compressed{"hello", "isMaster"};

class socket_connection final : public connection {
 public:
  socket_connection(connection_string uri, std::shared_ptr<transport> line, runtime::cancel_scope& scope)
      : uri_(std::move(uri)),
        line_(std::move(line)),
        scope_(scope),
        hook_(scope.on_cancel([held = line_] { held->finish(transport::end::cancelled); })) {}
  ~socket_connection() override {
    assert(!in_use_ && "a connection is destroyed while it is used");
    line_->finish(transport::end::closed);
  }

  task<result<>> establish();

  task<result<reply>> run(std::string_view database, bson::document command,
                          std::chrono::milliseconds time_limit) override;
  task<result<reply>> run_with_array(std::string_view database, bson::document head, std::string_view array_name,
                                     bson::bytes_view array) override;
  task<result<>> send(std::string_view database, bson::document command, bool exhaust_allowed) override;
  task<result<reply>> receive(runtime::buffer_pool& pool, std::chrono::milliseconds time_limit) override;

  void close() noexcept override { line_->finish(transport::end::closed); }
  bool is_open() const noexcept override { return line_->ended() == transport::end::none; }
  const host_port& host() const noexcept override { return line_->host(); }
  const server_hello& hello() const noexcept override { return hello_; }
  const connection_string& uri() const noexcept override { return uri_; }
  traffic transferred() const noexcept override { return traffic_; }

 private:
  /// Marks the connection as used for as long as one of the calls above runs.
  class use {
   public:
    explicit use(socket_connection& of) : of_(of) { assert(!std::exchange(of_.in_use_, true)); }
    ~use() { of_.in_use_ = false; }
    use(const use&) = delete;
    use& operator=(const use&) = delete;

   private:
    socket_connection& of_;
  };

  task<result<>> say_hello(bool with_metadata);
  task<result<>> send_request();
  task<result<reply>> receive_reply(runtime::buffer_pool* pool, std::chrono::milliseconds time_limit = {});
  [[nodiscard]] result<> begin(bson::document_view command);
  /// Ends the connection: what else comes over it has no meaning any more.
  [[nodiscard]] error broken(const error_code& why);
  [[nodiscard]] error broken(error why);

  connection_string uri_;
  std::shared_ptr<transport> line_;
  runtime::cancel_scope& scope_;
  runtime::cancel_scope::hook hook_;
  server_hello hello_;
  compressor compressor_ = compressor::none;
  compression compression_;
  request request_;
  reply_reader reader_;
  traffic traffic_;
  std::string command_;  // the one under way, for messages
  std::int32_t last_id_ = 0;
  std::int32_t awaited_ = 0;  // whose answer comes next
  bool reply_due_ = false;
  bool in_use_ = false;
};

task<result<>> socket_connection::establish() {
  line_->limit(uri_.connect_timeout());
  SLUICE_CO_TRYV(co_await line_->connect(uri_.tls()));
  const bool by_libmongoc = uri_.has_credentials();
  if (by_libmongoc) {
    SLUICE_CO_TRYV(co_await authenticate(line_, uri_));
  }
  SLUICE_CO_TRYV(co_await say_hello(!by_libmongoc));
  line_->limit({});
  co_return ok();
}

task<result<>> socket_connection::say_hello(bool with_metadata) {
  std::string_view name = "hello";
  for (;;) {
    const use guard(*this);
    bson::document command = hello_command(name, uri_, with_metadata);
    SLUICE_CO_TRYV(begin(command));
    SLUICE_CO_TRYV(request_.encode(++last_id_, "admin", command, false));
    SLUICE_CO_TRYV(co_await send_request());
    auto answer = co_await receive_reply(nullptr);
    if (answer) {
      hello_ = read_hello(answer.value().body);
      compressor_ = agreed_compressor(answer.value().body, uri_);
      co_return ok();
    }
    const bool too_old = answer.error().kind == error_kind::server && answer.error().server_code == command_not_found;
    if (!too_old || name == "isMaster") {
      error why = answer.error();
      const bool hung_up = why.kind == error_kind::network && !line_->is_tls();
      if (hung_up && line_->ended() == transport::end::closed)
        why.message += " (does it require TLS? Then add tls=true)";
      co_return why;
    }
    name = "isMaster";  // before 4.4.2
  }
}

result<> socket_connection::begin(bson::document_view command) {
  assert((!reply_due_ || !is_open()) && "one command at a time");
  command_ = (*command.begin()).key();
  if (is_open()) return ok();
  return line_->explain({}, "before \"" + command_ + "\" was sent");
}

task<result<>> socket_connection::send_request() {
  const bool pack =
      compressor_ != compressor::none && std::ranges::find(never_compressed, command_) == never_compressed.end();
  if (pack) {
    auto packed = request_.compress(compression_, compressor_, uri_.zlib_level());
    if (!packed) co_return broken(packed.error());
  }
  const error_code why = co_await line_->write(request_.parts());
  if (why || !is_open()) co_return broken(why);
  traffic_.sent_bytes += request_.size_bytes();
  awaited_ = last_id_;
  reply_due_ = true;
  co_return ok();
}

task<result<reply>> socket_connection::receive_reply(runtime::buffer_pool* pool, std::chrono::milliseconds time_limit) {
  if (!is_open()) co_return broken(error_code());
  assert(reply_due_ && "a reply that nobody owes");
  runtime::buffer memory;
  reader_.start(awaited_);
  while (reader_.next() != reply_reader::step::done) {
    if (reader_.next() == reply_reader::step::memory) {
      if (pool != nullptr) {
        if (time_limit.count() != 0) line_->limit({});
        auto acquired = co_await pool->acquire(reader_.memory_bytes(), scope_);
        if (!acquired) co_return broken(acquired.error());
        if (time_limit.count() != 0) line_->limit(time_limit);
        memory = std::move(acquired).value();
      } else {
        memory = runtime::heap_buffer(reader_.memory_bytes());
      }
      reader_.give(memory.span());
      continue;
    }
    const auto into = reader_.into();
    const error_code why = co_await line_->read(into);
    if (why || !is_open()) co_return broken(why);
    traffic_.received_bytes += into.size();
    const auto progressed = reader_.received(into.size());
    if (!progressed) co_return broken(progressed.error());
  }
  const auto parsed = reader_.take(pool != nullptr ? batch_check::frame : batch_check::documents);
  if (!parsed) co_return broken(parsed.error());

  const message& said = parsed.value();
  reply_due_ = said.more_to_come;
  awaited_ = reader_.next_response_to();
  if (auto refused = error_of_reply(said.body, command_, host().to_string())) co_return std::move(*refused);
  reply whole{.memory = std::move(memory), .body = said.body, .more_to_come = said.more_to_come};
  co_return whole;
}

error socket_connection::broken(const error_code& why) {
  error what = line_->explain(why, "during \"" + command_ + "\"");
  close();
  return what;
}

error socket_connection::broken(error why) {
  if (why.kind == error_kind::protocol) {
    why.message = host().to_string() + ": " + why.message + ", during \"" + command_ + "\"";
  }
  close();
  return why;
}

task<result<reply>> socket_connection::run(std::string_view database, bson::document command,
                                           std::chrono::milliseconds time_limit) {
  const use guard(*this);
  SLUICE_CO_TRYV(begin(command));
  SLUICE_CO_TRYV(request_.encode(++last_id_, database, command, false));
  line_->limit(time_limit);
  SLUICE_CO_TRYV(co_await send_request());
  auto answer = co_await receive_reply(nullptr);
  line_->limit({});
  co_return answer;
}

task<result<reply>> socket_connection::run_with_array(std::string_view database, bson::document head,
                                                      std::string_view array_name, bson::bytes_view array) {
  const use guard(*this);
  SLUICE_CO_TRYV(begin(head));
  SLUICE_CO_TRYV(request_.encode_with_array(++last_id_, database, head, array_name, array));
  SLUICE_CO_TRYV(co_await send_request());
  co_return co_await receive_reply(nullptr);
}

task<result<>> socket_connection::send(std::string_view database, bson::document command, bool exhaust_allowed) {
  const use guard(*this);
  SLUICE_CO_TRYV(begin(command));
  SLUICE_CO_TRYV(request_.encode(++last_id_, database, command, exhaust_allowed));
  co_return co_await send_request();
}

task<result<reply>> socket_connection::receive(runtime::buffer_pool& pool, std::chrono::milliseconds time_limit) {
  const use guard(*this);
  if (time_limit.count() == 0) co_return co_await receive_reply(&pool);
  line_->limit(time_limit);
  auto answer = co_await receive_reply(&pool, time_limit);
  line_->limit({});
  co_return answer;
}

}  // namespace

task<result<std::unique_ptr<connection>>> connection::open(connection_string uri, host_port host,
                                                           runtime::cancel_scope& scope) {
  const boost::asio::any_io_executor lane = co_await boost::asio::this_coro::executor;
  auto line = std::make_shared<transport>(lane, std::move(host));
  auto opened = std::make_unique<socket_connection>(std::move(uri), std::move(line), scope);
  SLUICE_CO_TRYV(co_await opened->establish());
  std::unique_ptr<connection> ready = std::move(opened);
  co_return ready;
}

}  // namespace sluice::wire
