// Connections against real servers: every compressor, streaming, and every way a connection ends early.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/runtime/buffer_pool.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/wire/server_error.hpp"
#include "tests/integration/wire_lane.hpp"
#include "tests/lab/mongod_process.hpp"
#include "tests/lab/replica_set.hpp"

namespace sluice::wire {
namespace {

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

}  // namespace
}  // namespace sluice::wire
