// Connections against real servers: every way in (plain, SCRAM, TLS, X.509), every compressor, streaming,
// and every way a connection ends early.
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "bson/document.hpp"
#include "engine/runtime/buffer_pool.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/wire/connection.hpp"
#include "engine/wire/server_error.hpp"
#include "engine/wire/uri_options.hpp"
#include "tests/lab/mongod_process.hpp"
#include "tests/lab/replica_set.hpp"

namespace sluice::wire {
namespace {

using namespace std::chrono_literals;
using opened = result<std::unique_ptr<connection>>;

/// One lane for one test; everything in it is run to its end.
class lane {
 public:
  void run(const std::function<task<void>()>& body) {
    boost::asio::co_spawn(context_, body, [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    context_.run();
    context_.restart();
  }
  /// Runs beside the body.
  void also(std::function<task<void>()> body) {
    boost::asio::co_spawn(context_, std::move(body), boost::asio::detached);
  }
  boost::asio::any_io_executor executor() { return context_.get_executor(); }

 private:
  boost::asio::io_context context_;
};

connection_string parsed(const std::string& uri) {
  auto value = connection_string::parse(uri);
  if (!value) throw std::runtime_error(value.error().message);
  return std::move(value).value();
}

/// Opens and gives it back; the scope must outlive it.
opened open_on(lane& on, const std::string& uri, runtime::cancel_scope& scope) {
  std::optional<opened> answer;
  on.run([&]() -> task<void> {
    const auto where = parsed(uri);
    answer.emplace(co_await connection::open(where, where.hosts().front(), scope));
  });
  return std::move(*answer);
}

bson::document command(std::string_view name, bson::document_view rest = {}) {
  bson::builder made;
  made.append(name, 1).append_all(rest);
  return made.finish();
}

result<reply> run_on(lane& on, connection& over, std::string_view database, bson::document what,
                     std::chrono::milliseconds limit = {}) {
  std::optional<result<reply>> answer;
  on.run([&]() -> task<void> { answer.emplace(co_await over.run(database, what, limit)); });
  return std::move(*answer);
}

std::string message_of(const opened& attempt) {
  return attempt ? "opened" : attempt.error().message;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// The user whom the server takes this connection for; empty: nobody.
std::string who_am_i(lane& on, connection& over) {
  auto answer = run_on(on, over, "admin", command("connectionStatus"));
  if (!answer) return answer.error().message;
  const auto users = answer.value().body.at("authInfo", "authenticatedUsers");
  const auto user = users.as_array()->at("0", "user");
  return user ? std::string(*user.as_string()) : "";
}

std::vector<lab::document> numbered(int count) {
  std::vector<lab::document> documents;
  for (int i = 0; i < count; ++i) {
    documents.push_back(lab::document::json(R"({"_id": )" + std::to_string(i) + R"(, "text": ")" +
                                            std::string(500, static_cast<char>('a' + i % 26)) + "\"}"));
  }
  return documents;
}

// --- a plain replica set of one node, shared ---

class wire_connection : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    set = std::make_unique<lab::replica_set>();
    set->connect().insert("shop", "orders", numbered(20'000));
  }
  static void TearDownTestSuite() { set.reset(); }
  static std::string uri(const std::string& options = {}) {
    return "mongodb://" + set->node(0).address() + "/?directConnection=true" + options;
  }
  static inline std::unique_ptr<lab::replica_set> set;
  lane here;
  runtime::cancel_scope scope;
};

TEST_F(wire_connection, opens_and_tells_what_the_server_is) {
  auto attempt = open_on(here, uri(), scope);
  ASSERT_TRUE(attempt) << message_of(attempt);
  auto& over = *attempt.value();
  EXPECT_TRUE(over.is_open());
  EXPECT_GE(over.hello().wire_version_max, 17);
  EXPECT_EQ(over.hello().set_name, "rs0");
  EXPECT_TRUE(over.hello().is_writable_primary);
  EXPECT_FALSE(over.hello().is_mongos);
  EXPECT_EQ(over.hello().me, set->node(0).address());
  EXPECT_EQ(over.hello().primary, set->node(0).address());
  EXPECT_EQ(over.hello().hosts, std::vector{set->node(0).address()});
  EXPECT_EQ(over.hello().batch_documents_max, 100'000);
  EXPECT_TRUE(run_on(here, over, "admin", command("ping")));
  EXPECT_GT(over.transferred().sent_bytes, 0U);
  EXPECT_GT(over.transferred().received_bytes, 0U);
}

TEST_F(wire_connection, a_refused_command_leaves_the_connection_open) {
  auto attempt = open_on(here, uri(), scope);
  ASSERT_TRUE(attempt) << message_of(attempt);
  auto& over = *attempt.value();
  const auto refused = run_on(here, over, "admin", command("noSuchThing"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, error_kind::server);
  EXPECT_EQ(refused.error().server_code, command_not_found);
  EXPECT_EQ(refused.error().server_code_name, "CommandNotFound");
  EXPECT_TRUE(contains(refused.error().message, set->node(0).address() + ": command \"noSuchThing\""));
  EXPECT_TRUE(over.is_open());
  EXPECT_TRUE(run_on(here, over, "admin", command("ping")));
}

/// Reads all of shop.orders by exhaust getMore and writes each batch to `target`, as the copy does. Says how many
/// documents went in, and how many replies came without being asked for.
struct copied {
  std::int64_t inserted = 0;
  int streamed = 0;
  std::string failure;
};
copied copy_orders(lane& on, connection& from, connection& to, const std::string& target) {
  copied outcome;
  runtime::buffer_pool pool(on.executor(), 64 * limits::mib);
  on.run([&]() -> task<void> {
    bson::builder find;
    find.append("find", "orders").append("batchSize", 0);
    bson::document opening = find.finish();
    auto first = co_await from.run("shop", std::move(opening));
    if (!first) {
      outcome.failure = first.error().message;
      co_return;
    }
    const auto id = first.value().body.at("cursor", "id").to_int64();
    bson::builder more;
    more.append("getMore", *id).append("collection", "orders").append("batchSize", 3000);
    bson::document get_more = more.finish();
    auto sent = co_await from.send("shop", std::move(get_more), true);
    if (!sent) {
      outcome.failure = sent.error().message;
      co_return;
    }
    for (bool more_to_come = true; more_to_come;) {
      auto batch = co_await from.receive(pool);
      if (!batch) {
        outcome.failure = batch.error().message;
        co_return;
      }
      more_to_come = batch.value().more_to_come;
      if (more_to_come) ++outcome.streamed;
      const auto array = batch.value().body.at("cursor", "nextBatch").as_array();
      if (array->empty()) continue;
      bson::builder insert;
      insert.append("insert", target).append("ordered", false);
      bson::document head = insert.finish();
      auto written = co_await to.run_with_array("shop", std::move(head), "documents", array->bytes());
      if (!written) {
        outcome.failure = written.error().message;
        co_return;
      }
      outcome.inserted += *written.value().body.find("n").to_int64();
    }
  });
  return outcome;
}

TEST_F(wire_connection, streams_batches_and_sends_them_on_as_they_are) {
  auto from = open_on(here, uri(), scope);
  auto to = open_on(here, uri(), scope);
  ASSERT_TRUE(from && to);
  const auto outcome = copy_orders(here, *from.value(), *to.value(), "plain_copy");
  EXPECT_EQ(outcome.failure, "");
  EXPECT_EQ(outcome.inserted, 20'000);
  EXPECT_GE(outcome.streamed, 6) << "the server did not stream";
  EXPECT_EQ(set->connect().count("shop", "plain_copy"), 20'000);
  EXPECT_TRUE(run_on(here, *from.value(), "admin", command("ping"))) << "usable after the stream's end";
}

TEST_F(wire_connection, every_compressor_in_both_directions) {
  for (const std::string how : {"zstd", "snappy", "zlib"}) {
    SCOPED_TRACE(how);
    const auto counted = [&] {
      const auto status = set->connect().run("admin", R"({"serverStatus": 1})");
      const std::string at = "network.compression." + how;
      return std::pair(status.integer((at + ".decompressor.bytesOut").c_str()),
                       status.integer((at + ".compressor.bytesIn").c_str()));
    };
    const auto before = counted();
    auto from = open_on(here, uri("&compressors=" + how), scope);
    auto to = open_on(here, uri("&compressors=" + how), scope);
    ASSERT_TRUE(from && to);
    const auto outcome = copy_orders(here, *from.value(), *to.value(), how + "_copy");
    EXPECT_EQ(outcome.failure, "");
    EXPECT_EQ(outcome.inserted, 20'000);
    EXPECT_LT(from.value()->transferred().received_bytes, 2'500'000U) << "of 10 MB";
    EXPECT_LT(to.value()->transferred().sent_bytes, 2'500'000U) << "of 10 MB";
    const auto after = counted();
    EXPECT_GT(after.first - before.first, 10'000'000) << "the server unpacked what we sent";
    EXPECT_GT(after.second - before.second, 10'000'000) << "the server packed what we read";
  }
}

TEST_F(wire_connection, a_compressor_that_the_server_does_not_offer_is_done_without) {
  lab::mongod_process plain({.arguments = {"--networkMessageCompressors", "disabled"}}, "");
  auto attempt = open_on(here, "mongodb://" + plain.address() + "/?compressors=zstd", scope);
  ASSERT_TRUE(attempt) << message_of(attempt);
  EXPECT_TRUE(run_on(here, *attempt.value(), "admin", command("ping")));
}

bson::document server_sleep() {
  bson::builder sleep;
  sleep.append("sleep", 1).append("millis", 60'000).append("lock", "none");
  return sleep.finish();
}

TEST_F(wire_connection, a_time_limit_ends_command_and_connection) {
  auto attempt = open_on(here, uri(), scope);
  ASSERT_TRUE(attempt) << message_of(attempt);
  const auto answer = run_on(here, *attempt.value(), "admin", server_sleep(), 150ms);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::timeout);
  EXPECT_TRUE(contains(answer.error().message, "\"sleep\"")) << answer.error().message;
  EXPECT_FALSE(attempt.value()->is_open());
  const auto after = run_on(here, *attempt.value(), "admin", command("ping"));
  ASSERT_FALSE(after);
}

TEST_F(wire_connection, cancelling_the_scope_ends_a_command_under_way) {
  runtime::cancel_scope doomed;
  auto attempt = open_on(here, uri(), doomed);
  auto observer = open_on(here, uri(), scope);
  ASSERT_TRUE(attempt && observer);
  here.also([&]() -> task<void> {
    bson::builder what;
    what.append("currentOp", 1).append("command.sleep", 1);
    const bson::document current = what.finish();
    for (bool seen = false; !seen;) {
      auto answer = co_await observer.value()->run("admin", current);
      seen = answer && !answer.value().body.find("inprog").as_array()->empty();
    }
    doomed.cancel();
  });
  const auto answer = run_on(here, *attempt.value(), "admin", server_sleep());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::cancelled);
  EXPECT_FALSE(attempt.value()->is_open());
}

TEST_F(wire_connection, cancelling_the_scope_ends_a_stream) {
  runtime::cancel_scope doomed;
  auto attempt = open_on(here, uri(), doomed);
  ASSERT_TRUE(attempt) << message_of(attempt);
  runtime::buffer_pool pool(here.executor(), 64 * limits::mib);
  here.run([&]() -> task<void> {
    bson::builder find;
    find.append("find", "orders").append("batchSize", 0);
    const bson::document opening = find.finish();
    auto first = co_await attempt.value()->run("shop", opening);
    bson::builder more;
    more.append("getMore", *first.value().body.at("cursor", "id").to_int64());
    more.append("collection", "orders").append("batchSize", 100);
    const bson::document get_more = more.finish();
    auto sent = co_await attempt.value()->send("shop", get_more, true);
    EXPECT_TRUE(sent);
    auto batch = co_await attempt.value()->receive(pool);
    EXPECT_TRUE(batch && batch.value().more_to_come);
    doomed.cancel();
    auto next = co_await attempt.value()->receive(pool);
    EXPECT_FALSE(next);
    if (!next) {
      EXPECT_EQ(next.error().kind, error_kind::cancelled);
    }
  });
  const auto usage = pool.current();
  EXPECT_EQ(usage.in_use_bytes, 0U);
}

TEST_F(wire_connection, a_scope_that_is_cancelled_already_opens_nothing) {
  runtime::cancel_scope doomed;
  doomed.cancel();
  auto attempt = open_on(here, uri(), doomed);
  ASSERT_FALSE(attempt);
  EXPECT_EQ(attempt.error().kind, error_kind::cancelled);
}

TEST_F(wire_connection, a_server_that_dies_during_a_command) {
  lab::mongod_process victim({}, "");
  auto attempt = open_on(here, "mongodb://" + victim.address(), scope);
  ASSERT_TRUE(attempt) << message_of(attempt);
  runtime::buffer_pool pool(here.executor(), 64 * limits::mib);
  here.run([&]() -> task<void> {
    const bson::document what = server_sleep();
    auto sent = co_await attempt.value()->send("admin", what, false);
    EXPECT_TRUE(sent);
    victim.kill();
    auto answer = co_await attempt.value()->receive(pool);
    EXPECT_FALSE(answer);
    if (!answer) {
      EXPECT_EQ(answer.error().kind, error_kind::network);
      EXPECT_TRUE(is_retryable(answer.error()));
      EXPECT_TRUE(contains(answer.error().message, "closed the connection during \"sleep\"")) << answer.error().message;
    }
  });
  EXPECT_FALSE(attempt.value()->is_open());
}

TEST_F(wire_connection, a_frozen_server_is_given_up_after_the_connect_timeout) {
  lab::mongod_process frozen({}, "");
  frozen.freeze();  // the kernel still accepts, nobody answers
  for (const std::string user : {"", "al:pw@"}) {
    auto attempt = open_on(here, "mongodb://" + user + frozen.address() + "/?connectTimeoutMS=300", scope);
    ASSERT_FALSE(attempt);
    EXPECT_EQ(attempt.error().kind, error_kind::timeout) << attempt.error().message;
    EXPECT_TRUE(contains(attempt.error().message, frozen.address())) << attempt.error().message;
  }
  frozen.thaw();
}

TEST_F(wire_connection, nobody_there) {
  auto refused = open_on(here, "mongodb://127.0.0.1:1/", scope);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, error_kind::network);
  EXPECT_EQ(refused.error().message,
            "127.0.0.1:1: connection refused while connecting (is mongod running there, and is the port right?)");

  auto unknown = open_on(here, "mongodb://no-such-host.invalid/?connectTimeoutMS=5000", scope);
  ASSERT_FALSE(unknown);
  EXPECT_TRUE(unknown.error().kind == error_kind::network || unknown.error().kind == error_kind::timeout);
  EXPECT_TRUE(contains(unknown.error().message, "no-such-host.invalid")) << unknown.error().message;

  auto no_socket = open_on(here, "mongodb://%2Ftmp%2Fno-such.sock/", scope);
  ASSERT_FALSE(no_socket);
  EXPECT_TRUE(contains(no_socket.error().message, "/tmp/no-such.sock: no such socket")) << no_socket.error().message;
}

TEST_F(wire_connection, tls_towards_a_server_that_has_none) {
  auto attempt = open_on(here, "mongodb://" + set->node(0).address() + "/?tls=true&tlsInsecure=true", scope);
  ASSERT_FALSE(attempt);
  EXPECT_EQ(attempt.error().kind, error_kind::network);
  EXPECT_TRUE(contains(attempt.error().message, "does it speak TLS?")) << attempt.error().message;
}

TEST_F(wire_connection, a_server_of_4_4) {
  lab::mongod_process old({.version = "4.4.2"}, "");
  auto attempt = open_on(here, "mongodb://" + old.address() + "/?compressors=zstd", scope);
  ASSERT_TRUE(attempt) << message_of(attempt);
  EXPECT_EQ(attempt.value()->hello().wire_version_max, 9);
  EXPECT_TRUE(run_on(here, *attempt.value(), "admin", command("ping")));
}

// --- with users ---

constexpr const char* root_user = "al@ice";
constexpr const char* root_password = "p:w/ %?";

class wire_authentication : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    lab::server_options server;
    server.root = lab::credentials{root_user, root_password};
    set = std::make_unique<lab::replica_set>(lab::replica_set_options{.server = server});
  }
  static void TearDownTestSuite() { set.reset(); }
  static std::string uri(const std::string& user, const std::string& password, const std::string& options = {}) {
    return "mongodb://" + percent_encoded(user) + ":" + percent_encoded(password) + "@" + set->node(0).address() +
           "/?directConnection=true" + options;
  }
  static inline std::unique_ptr<lab::replica_set> set;
  lane here;
  runtime::cancel_scope scope;
};

TEST_F(wire_authentication, scram_as_negotiated_and_as_asked_for) {
  for (const std::string options : {"", "&authMechanism=SCRAM-SHA-256", "&authMechanism=SCRAM-SHA-1",
                                    "&compressors=zstd,snappy", "&appName=copy"}) {
    SCOPED_TRACE(options);
    auto attempt = open_on(here, uri(root_user, root_password, options), scope);
    ASSERT_TRUE(attempt) << message_of(attempt);
    EXPECT_EQ(who_am_i(here, *attempt.value()), root_user);
    EXPECT_EQ(attempt.value()->hello().set_name, "rs0");
  }
}

TEST_F(wire_authentication, compression_is_agreed_on_after_the_hand_over) {
  auto attempt = open_on(here, uri(root_user, root_password, "&compressors=zlib"), scope);
  ASSERT_TRUE(attempt) << message_of(attempt);
  const auto before = attempt.value()->transferred();
  bson::builder echo;
  echo.append("echo", std::string(100'000, 'x'));
  ASSERT_TRUE(run_on(here, *attempt.value(), "admin", echo.finish()));
  EXPECT_LT(attempt.value()->transferred().sent_bytes - before.sent_bytes, 10'000U);
  EXPECT_LT(attempt.value()->transferred().received_bytes - before.received_bytes, 10'000U);
}

TEST_F(wire_authentication, a_wrong_password_is_said_and_never_shown) {
  auto attempt = open_on(here, uri(root_user, "Sw0rdfish"), scope);
  ASSERT_FALSE(attempt);
  EXPECT_EQ(attempt.error().kind, error_kind::authentication) << attempt.error().message;
  EXPECT_TRUE(contains(attempt.error().message, "user \"al@ice\"")) << attempt.error().message;
  EXPECT_FALSE(contains(attempt.error().message, "Sw0rdfish")) << attempt.error().message;
  EXPECT_FALSE(is_retryable(attempt.error()));
}

TEST_F(wire_authentication, unknown_user_and_wrong_source) {
  for (const auto& bad : {uri("nobody", "x"), uri(root_user, root_password, "&authSource=shop")}) {
    auto attempt = open_on(here, bad, scope);
    ASSERT_FALSE(attempt);
    EXPECT_EQ(attempt.error().kind, error_kind::authentication) << attempt.error().message;
  }
}

TEST_F(wire_authentication, without_credentials_commands_are_refused) {
  auto attempt = open_on(here, "mongodb://" + set->node(0).address() + "/?directConnection=true", scope);
  ASSERT_TRUE(attempt) << message_of(attempt);
  bson::builder find;
  find.append("find", "c");
  const auto answer = run_on(here, *attempt.value(), "shop", find.finish());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().server_code, unauthorized);
}

TEST_F(wire_authentication, many_at_once_on_one_lane) {
  int authenticated = 0;
  for (int i = 0; i < 8; ++i) {
    here.also([&]() -> task<void> {
      const auto where = parsed(uri(root_user, root_password));
      auto attempt = co_await connection::open(where, where.hosts().front(), scope);
      if (attempt) ++authenticated;
    });
  }
  here.run([]() -> task<void> { co_return; });
  EXPECT_EQ(authenticated, 8);
}

TEST_F(wire_authentication, cancelled_during_the_hand_over) {
  lab::mongod_process frozen({}, "");
  frozen.freeze();
  runtime::cancel_scope doomed;
  here.also([&]() -> task<void> {
    (void)co_await runtime::sleep_for(100ms, scope);  // until libmongoc waits for its hello: nothing tells from outside
    doomed.cancel();
  });
  auto attempt = open_on(here, "mongodb://al:pw@" + frozen.address() + "/", doomed);
  ASSERT_FALSE(attempt);
  EXPECT_EQ(attempt.error().kind, error_kind::cancelled) << attempt.error().message;
  frozen.thaw();
}

// --- with TLS ---

class wire_tls : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = lab::lab_directory() / ("wire-tls-" + std::to_string(::getpid()));
    certificates = lab::make_certificates(folder / "ours");
    others = lab::make_certificates(folder / "others");
    lab::server_options server;
    server.root = lab::credentials{root_user, root_password};
    server.tls = certificates;
    set = std::make_unique<lab::replica_set>(lab::replica_set_options{.server = server});
    set->connect().run("$external", std::string(R"({"createUser": ")") + lab::client_certificate_subject +
                                        R"(", "roles": [{"role": "readAnyDatabase", "db": "admin"}]})");
  }
  static void TearDownTestSuite() {
    set.reset();
    std::filesystem::remove_all(folder);
  }
  static std::string uri(const std::string& options, const std::string& user = {},
                         const std::string& host = "127.0.0.1") {
    return "mongodb://" + user + host + ":" + std::to_string(set->node(0).port()) + "/?directConnection=true" + options;
  }
  static std::string with_authority() {
    return "&tls=true&tlsCAFile=" + percent_encoded(certificates.authority_file.string());
  }
  static std::string with_client_certificate() {
    return with_authority() + "&tlsCertificateKeyFile=" + percent_encoded(certificates.client_file.string());
  }
  static std::string root() { return percent_encoded(root_user) + ":" + percent_encoded(root_password) + "@"; }

  static inline std::filesystem::path folder;
  static inline lab::certificates certificates;
  static inline lab::certificates others;
  static inline std::unique_ptr<lab::replica_set> set;
  lane here;
  runtime::cancel_scope scope;
};

TEST_F(wire_tls, with_the_authority_and_its_user) {
  for (const std::string host : {"127.0.0.1", "localhost"}) {
    auto attempt = open_on(here, uri(with_client_certificate(), root(), host), scope);
    ASSERT_TRUE(attempt) << message_of(attempt);
    EXPECT_EQ(who_am_i(here, *attempt.value()), root_user);
  }
}

TEST_F(wire_tls, large_messages_in_both_directions) {
  auto attempt = open_on(here, uri(with_client_certificate(), root()), scope);
  ASSERT_TRUE(attempt) << message_of(attempt);
  bson::builder echo;
  std::string text(12'000'000, 'x');
  for (std::size_t i = 0; i < text.size(); i += 97) text[i] = static_cast<char>('a' + i % 25);
  echo.append("echo", text);
  const auto answer = run_on(here, *attempt.value(), "admin", echo.finish());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer.value().body.at("echo", "echo").as_string(), text);
}

TEST_F(wire_tls, x509_takes_the_user_from_the_certificate) {
  auto attempt = open_on(here, uri(with_client_certificate() + "&authMechanism=MONGODB-X509"), scope);
  ASSERT_TRUE(attempt) << message_of(attempt);
  EXPECT_EQ(who_am_i(here, *attempt.value()), lab::client_certificate_subject);
}

TEST_F(wire_tls, plain_towards_a_server_that_requires_it) {
  for (const std::string& user : {std::string(), root()}) {
    auto attempt = open_on(here, uri("", user), scope);
    ASSERT_FALSE(attempt);
    EXPECT_EQ(attempt.error().kind, error_kind::network);
    EXPECT_TRUE(contains(attempt.error().message, "add tls=true")) << attempt.error().message;
  }
}

TEST_F(wire_tls, a_certificate_of_an_unknown_authority_is_refused) {
  for (const auto& options :
       {std::string("&tls=true"), "&tls=true&tlsCAFile=" + percent_encoded(others.authority_file.string())}) {
    auto attempt = open_on(here, uri(options, root()), scope);
    ASSERT_FALSE(attempt);
    EXPECT_EQ(attempt.error().kind, error_kind::configuration) << attempt.error().message;
    EXPECT_TRUE(contains(attempt.error().message, "not trusted")) << attempt.error().message;
    EXPECT_TRUE(contains(attempt.error().message, "tlsCAFile")) << attempt.error().message;
  }
  auto trusting = open_on(here, uri("&tls=true&tlsAllowInvalidCertificates=true", root()), scope);
  EXPECT_TRUE(trusting) << message_of(trusting);
}

TEST_F(wire_tls, a_certificate_for_another_name_is_refused) {
  // "127.1" is another way to write the address, and no name in the certificate.
  auto attempt = open_on(here, uri(with_authority(), root(), "127.1"), scope);
  ASSERT_FALSE(attempt);
  EXPECT_EQ(attempt.error().kind, error_kind::configuration);
  EXPECT_TRUE(contains(attempt.error().message, "is not for \"127.1\"")) << attempt.error().message;
  auto lenient = open_on(here, uri(with_authority() + "&tlsAllowInvalidHostnames=true", root(), "127.1"), scope);
  EXPECT_TRUE(lenient) << message_of(lenient);
}

TEST_F(wire_tls, files_that_cannot_be_used_are_named) {
  const auto garbage = folder / "garbage.pem";
  std::ofstream(garbage) << "no certificate";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"&tls=true&tlsCAFile=%2Fno%2Fsuch.pem", "\"tlsCAFile\": /no/such.pem"},
      {with_authority() + "&tlsCertificateKeyFile=%2Fno%2Fsuch.pem", "\"tlsCertificateKeyFile\": /no/such.pem"},
      {with_authority() + "&tlsCRLFile=%2Fno%2Fsuch.pem", "\"tlsCRLFile\": /no/such.pem"},
      {"&tls=true&tlsCAFile=" + percent_encoded(garbage.string()), "\"tlsCAFile\": " + garbage.string()},
  };
  for (const auto& [options, expected] : cases) {
    auto attempt = open_on(here, uri(options, root()), scope);
    ASSERT_FALSE(attempt) << options;
    EXPECT_EQ(attempt.error().kind, error_kind::configuration);
    EXPECT_TRUE(contains(attempt.error().message, expected)) << attempt.error().message;
  }
}

}  // namespace
}  // namespace sluice::wire
