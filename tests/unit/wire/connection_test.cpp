// A connection against a server that misbehaves at every step; and what goes over the wire, byte for byte.
#include "engine/wire/connection.hpp"

#include <functional>
#include <future>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "engine/runtime/limits.hpp"
#include "engine/wire/server_error.hpp"
#include "engine/wire/uri_options.hpp"
#include "tests/unit/wire/scripted_server.hpp"

namespace sluice::wire {
namespace {

using namespace std::chrono_literals;
using test::bytes;
using test::peer;
using test::scripted_server;
using opened = result<std::unique_ptr<connection>>;

class connection_to_script : public testing::Test {
 protected:
  void run(const std::function<task<void>()>& body) {
    boost::asio::co_spawn(context, body, [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    context.run();
    context.restart();
  }

  opened open(const scripted_server& server, const std::string& options = {}) {
    const auto uri = connection_string::parse("mongodb://" + percent_encoded(server.path()) + "/?" + options);
    EXPECT_TRUE(uri);
    std::optional<opened> answer;
    run([&]() -> task<void> {
      answer.emplace(co_await connection::open(uri.value(), uri.value().hosts().front(), scope));
    });
    return std::move(*answer);
  }

  /// Opens, runs one ping, and gives back its outcome. The connection must be closed afterwards if that is an error.
  result<reply> ping(const scripted_server& server, std::chrono::milliseconds limit = {}) {
    auto over = open(server);
    if (!over) return over.error();
    std::optional<result<reply>> answer;
    run([&]() -> task<void> {
      bson::builder command;
      command.append("ping", 1);
      const bson::document whole = command.finish();
      answer.emplace(co_await over.value()->run("admin", whole, limit));
    });
    if (!*answer) {
      EXPECT_EQ(over.value()->is_open(), answer->error().kind == error_kind::server);
      EXPECT_NE(answer->error().message.find(server.path()), std::string::npos) << answer->error().message;
      EXPECT_NE(answer->error().message.find("\"ping\""), std::string::npos) << answer->error().message;
    }
    return std::move(*answer);
  }

  boost::asio::io_context context;
  runtime::cancel_scope scope;
};

TEST_F(connection_to_script, an_answer_in_single_bytes) {
  const scripted_server server([](peer& client) {
    client.greet();
    const auto asked = client.read_message();
    for (const auto one : test::reply_message(2, peer::id_of(asked), test::ok_reply())) client.send({one});
    client.wait_for_end();
  });
  const auto answer = ping(server);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer.value().body.find("n").as_int32(), 3);
}

TEST_F(connection_to_script, a_server_that_hangs_up_after_every_count_of_bytes) {
  const auto size = test::reply_message(2, 0, test::ok_reply()).size();
  for (std::size_t cut = 0; cut < size; ++cut) {
    const scripted_server server([cut](peer& client) {
      client.greet();
      const auto asked = client.read_message();
      auto answer = test::reply_message(2, peer::id_of(asked), test::ok_reply());
      answer.resize(cut);
      client.send(answer);
    });
    const auto answer = ping(server);
    ASSERT_FALSE(answer) << cut;
    EXPECT_EQ(answer.error().kind, error_kind::network) << answer.error().message;
    EXPECT_TRUE(is_retryable(answer.error()));
  }
}

TEST_F(connection_to_script, answers_that_are_none) {
  const std::vector<std::function<bytes(std::int32_t)>> answers{
      [](std::int32_t id) { return test::reply_message(2, id + 1, test::ok_reply()); },
      [](std::int32_t id) { return test::with_header(2, id, 1, bytes(100)); },
      [](std::int32_t) { return bytes(16); },
      [](std::int32_t id) {
        return test::with_header(2, id, 2013, test::op_msg(4, test::body_section(test::ok_reply())));
      },
      [](std::int32_t id) { return test::with_header(2, id, 2013, test::op_msg(0, bytes(30, std::byte{0x55}))); },
      [](std::int32_t) {
        bytes http;
        test::put(http, "HTTP/1.1 400 Bad");
        return http;
      },
  };
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const scripted_server server([&, i](peer& client) {
      client.greet();
      const auto asked = client.read_message();
      client.send(answers[i](peer::id_of(asked)));
      client.wait_for_end();  // returns only because the connection was closed
    });
    const auto answer = ping(server);
    ASSERT_FALSE(answer) << i;
    EXPECT_EQ(answer.error().kind, error_kind::protocol) << i << ": " << answer.error().message;
  }
}

TEST_F(connection_to_script, a_server_that_never_answers) {
  const scripted_server server([](peer& client) {
    client.greet();
    client.wait_for_end();
  });
  const auto answer = ping(server, 50ms);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::timeout);
}

TEST_F(connection_to_script, a_server_that_stops_in_the_middle_of_an_answer) {
  const scripted_server server([](peer& client) {
    client.greet();
    const auto asked = client.read_message();
    auto answer = test::reply_message(2, peer::id_of(asked), test::ok_reply());
    answer.resize(answer.size() - 1);
    client.send(answer);
    client.wait_for_end();
  });
  const auto answer = ping(server, 50ms);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::timeout);
}

TEST_F(connection_to_script, a_time_limit_that_is_kept_ends_nothing_later) {
  const scripted_server server([](peer& client) {
    client.greet();
    for (auto asked = client.read_message(); !asked.empty(); asked = client.read_message()) {
      client.send(test::reply_message(2, peer::id_of(asked), test::ok_reply()));
    }
  });
  auto over = open(server);
  ASSERT_TRUE(over);
  run([&]() -> task<void> {
    bson::builder command;
    command.append("ping", 1);
    const bson::document whole = command.finish();
    auto limited = co_await over.value()->run("admin", whole, 20ms);
    EXPECT_TRUE(limited);
    boost::asio::steady_timer past(context, 40ms);  // the limit's own time: it must have been taken away
    co_await past.async_wait(boost::asio::use_awaitable);
    auto later = co_await over.value()->run("admin", whole);
    EXPECT_TRUE(later);
  });
  EXPECT_TRUE(over.value()->is_open());
}

TEST_F(connection_to_script, a_hello_that_fails) {
  for (int form = 0; form < 3; ++form) {
    const scripted_server server([form](peer& client) {
      const auto hello = client.read_message();
      if (form == 1) client.send(bytes(16, std::byte{0x41}));
      if (form == 2) client.wait_for_end();
    });
    const auto over = open(server, "connectTimeoutMS=50");
    ASSERT_FALSE(over);
    const error_kind expected[] = {error_kind::network, error_kind::protocol, error_kind::timeout};
    EXPECT_EQ(over.error().kind, expected[form]) << over.error().message;
    EXPECT_NE(over.error().message.find(server.path()), std::string::npos);
    EXPECT_EQ(over.error().message.find("tls=true") != std::string::npos, form == 0) << over.error().message;
  }
}

TEST_F(connection_to_script, hello_then_is_master_for_servers_of_old) {
  std::vector<std::string> asked_for;
  {
    const scripted_server server([&](peer& client) {
      for (auto asked = client.read_message(); !asked.empty(); asked = client.read_message()) {
        const std::string name((*peer::body_of(asked).begin()).key());
        asked_for.push_back(name);
        bson::builder reply;
        if (name == "hello") {
          reply.append("ok", 0.0).append("code", 59).append("codeName", "CommandNotFound");
        } else {
          reply.append("ismaster", true).append("maxWireVersion", 9).append("ok", 1.0);
        }
        const bson::document whole = reply.finish();
        client.send(test::reply_message(2, peer::id_of(asked), whole));
      }
    });
    auto over = open(server);
    ASSERT_TRUE(over) << over.error().message;
    EXPECT_TRUE(over.value()->hello().is_writable_primary);
    EXPECT_EQ(over.value()->hello().wire_version_max, 9);
  }
  EXPECT_EQ(asked_for, (std::vector<std::string>{"hello", "isMaster"}));
}

TEST_F(connection_to_script, what_hello_says_about_us_and_the_server) {
  std::promise<bytes> heard;
  auto hello = heard.get_future();
  const scripted_server server([&heard](peer& client) {
    const auto asked = client.read_message();
    heard.set_value(asked);
    bson::builder reply;
    reply.append("isWritablePrimary", false).append("msg", "isdbgrid").append("maxWireVersion", 13);
    reply.append("setName", "rs7").append("primary", "a:1").append("me", "b:2");
    reply.open_array("hosts").push("a:1").push("b:2").close();
    reply.open_array("passives").push("c:3").close();
    reply.append("maxWriteBatchSize", 1000).append("ok", 1.0);
    const bson::document whole = reply.finish();
    client.send(test::reply_message(2, peer::id_of(asked), whole));
    client.wait_for_end();
  });
  auto over = open(server, "appName=mover&compressors=zstd,zlib");
  ASSERT_TRUE(over) << over.error().message;
  const auto& said = over.value()->hello();
  EXPECT_TRUE(said.is_mongos);
  EXPECT_FALSE(said.is_writable_primary);
  EXPECT_EQ(said.set_name, "rs7");
  EXPECT_EQ(said.primary, "a:1");
  EXPECT_EQ(said.me, "b:2");
  EXPECT_EQ(said.hosts, (std::vector<std::string>{"a:1", "b:2", "c:3"}));
  EXPECT_EQ(said.batch_documents_max, 1000);
  const bytes request = hello.get();
  const auto body = peer::body_of(request);
  EXPECT_EQ(body.find("$db").as_string(), "admin");
  EXPECT_EQ(body.at("client", "application", "name").as_string(), "mover");
  EXPECT_EQ(body.at("client", "driver", "name").as_string(), "sluice");
  EXPECT_EQ(body.at("compression", "0").as_string(), "zstd");
  EXPECT_EQ(body.at("compression", "1").as_string(), "zlib");
}

TEST_F(connection_to_script, an_exhaust_stream_is_received_without_asking) {
  bytes asked;
  {
    const scripted_server server([&asked](peer& client) {
      client.greet();
      asked = client.read_message();
      client.send(test::reply_message(100, peer::id_of(asked), test::cursor_reply(3), 2));
      client.send(test::reply_message(101, 100, test::cursor_reply(2), 2));
      client.send(test::reply_message(102, 101, test::cursor_reply(1), 0));
      const auto next = client.read_message();
      client.send(test::reply_message(103, peer::id_of(next), test::ok_reply()));
      client.wait_for_end();
    });
    auto over = open(server);
    ASSERT_TRUE(over);
    runtime::buffer_pool pool(context.get_executor(), 64 * limits::mib);
    run([&]() -> task<void> {
      bson::builder command;
      command.append("getMore", std::int64_t{7}).append("collection", "c");
      const bson::document get_more = command.finish();
      auto sent = co_await over.value()->send("db", get_more, true);
      EXPECT_TRUE(sent);
      for (int documents = 3; documents >= 1; --documents) {
        auto batch = co_await over.value()->receive(pool);
        EXPECT_TRUE(batch);
        if (!batch) co_return;
        EXPECT_EQ(batch.value().more_to_come, documents > 1);
        EXPECT_TRUE(batch.value().body.at("cursor", "nextBatch", std::to_string(documents - 1)));
        EXPECT_EQ(pool.current().in_use_bytes, 64 * limits::kib) << "the reply lies in the pool's memory";
      }
      bson::builder after;
      after.append("ping", 1);
      const bson::document ping = after.finish();
      auto answer = co_await over.value()->run("admin", ping);
      EXPECT_TRUE(answer);
    });
  }
  EXPECT_EQ(bson::load<std::uint32_t>(asked.data() + 16), 1U << 16) << "exhaustAllowed";
}

TEST_F(connection_to_script, no_memory_no_read) {
  const scripted_server server([](peer& client) {
    client.greet();
    const auto asked = client.read_message();
    client.send(test::reply_message(100, peer::id_of(asked), test::cursor_reply(3)));
    client.wait_for_end();
  });
  auto over = open(server);
  ASSERT_TRUE(over);
  runtime::buffer_pool pool(context.get_executor(), 0);  // raised to one largest reply
  std::optional<runtime::buffer> all;
  bool received = false;
  run([&]() -> task<void> {
    auto everything = co_await pool.acquire(pool.current().budget_bytes, scope);
    EXPECT_TRUE(everything);
    all = std::move(everything).value();
    bson::builder command;
    command.append("getMore", std::int64_t{7});
    const bson::document get_more = command.finish();
    auto sent = co_await over.value()->send("db", get_more, false);
    EXPECT_TRUE(sent);
    boost::asio::co_spawn(
        context,
        [&]() -> task<void> {
          while (pool.current().waiting == 0) co_await boost::asio::post(context, boost::asio::use_awaitable);
          EXPECT_FALSE(received);
          all.reset();
        },
        boost::asio::detached);
    auto batch = co_await over.value()->receive(pool);
    received = true;
    EXPECT_TRUE(batch);
  });
  EXPECT_TRUE(received);
}

TEST_F(connection_to_script, cancelled_while_it_waits_for_memory) {
  const scripted_server server([](peer& client) {
    client.greet();
    const auto asked = client.read_message();
    client.send(test::reply_message(100, peer::id_of(asked), test::cursor_reply(3)));
    client.wait_for_end();
  });
  auto over = open(server);
  ASSERT_TRUE(over);
  runtime::buffer_pool pool(context.get_executor(), 0);
  runtime::cancel_scope other;
  run([&]() -> task<void> {
    auto everything = co_await pool.acquire(pool.current().budget_bytes, other);
    EXPECT_TRUE(everything);
    bson::builder command;
    command.append("getMore", std::int64_t{7});
    const bson::document get_more = command.finish();
    auto sent = co_await over.value()->send("db", get_more, false);
    EXPECT_TRUE(sent);
    boost::asio::co_spawn(
        context,
        [&]() -> task<void> {
          while (pool.current().waiting == 0) co_await boost::asio::post(context, boost::asio::use_awaitable);
          scope.cancel();
        },
        boost::asio::detached);
    auto batch = co_await over.value()->receive(pool);
    EXPECT_FALSE(batch);
    if (!batch) {
      EXPECT_EQ(batch.error().kind, error_kind::cancelled);
    }
  });
  EXPECT_FALSE(over.value()->is_open());
}

TEST_F(connection_to_script, a_reply_larger_than_the_pool_ends_the_connection) {
  const scripted_server server([](peer& client) {
    client.greet();
    const auto asked = client.read_message();
    auto header = test::with_header(100, peer::id_of(asked), 2013, {});
    bson::store(header.data(), std::int32_t{40'000'000});
    client.send(header);
    client.wait_for_end();
  });
  auto over = open(server);
  ASSERT_TRUE(over);
  runtime::buffer_pool pool(context.get_executor(), 0);
  run([&]() -> task<void> {
    bson::builder command;
    command.append("getMore", std::int64_t{7});
    const bson::document get_more = command.finish();
    auto sent = co_await over.value()->send("db", get_more, false);
    EXPECT_TRUE(sent);
    auto batch = co_await over.value()->receive(pool);
    EXPECT_FALSE(batch);
  });
  EXPECT_FALSE(over.value()->is_open()) << "what follows in the stream has no meaning";
}

TEST_F(connection_to_script, a_large_array_is_sent_whole) {
  const auto large = test::cursor_reply(100'000);
  bytes asked;
  {
    const scripted_server server([&asked](peer& client) {
      client.greet();
      asked = client.read_message();
      client.send(test::reply_message(2, peer::id_of(asked), test::ok_reply()));
      client.wait_for_end();
    });
    auto over = open(server);
    ASSERT_TRUE(over);
    run([&]() -> task<void> {
      bson::builder command;
      command.append("insert", "c");
      bson::document head = command.finish();
      const auto array = large.view().at("cursor", "nextBatch").as_array();
      auto answer = co_await over.value()->run_with_array("db", std::move(head), "documents", array->bytes());
      EXPECT_TRUE(answer);
    });
    EXPECT_GT(over.value()->transferred().sent_bytes, 4'000'000U);
  }
  const auto sent = peer::body_of(asked).find("documents").as_array();
  ASSERT_TRUE(sent);
  EXPECT_TRUE(std::ranges::equal(sent->bytes(), large.view().at("cursor", "nextBatch").as_array()->bytes()));
  EXPECT_EQ(peer::body_of(asked).find("$db").as_string(), "db");
}

}  // namespace
}  // namespace sluice::wire
