// Events and history over real sockets: what is told, when, to how many, and to whom no more.
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/http/http_server.hpp"

namespace sluice::http {
namespace {

using namespace std::chrono_literals;
using test::http_server;
using test::raw_client;
using test::raw_reply;

const std::string listen_to_events = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";

session::progress in_state(session::state now) {
  session::progress told;
  told.now = now;
  return told;
}

TEST_F(http_server, events_tell_how_things_are_at_once_every_second_and_when_they_change) {
  controls_.set(in_state(session::state::running));
  serve();
  raw_client client = connect();
  ASSERT_TRUE(client.send(listen_to_events));
  const raw_reply head = client.read_reply(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_NE(head.headers.find("Content-Type: text/event-stream"), std::string::npos) << head.headers;
  EXPECT_NE(client.read_until("\n\n").find("event: progress\ndata: {\"progress\":{\"state\":\"RUNNING\""),
            std::string::npos);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_NE(client.read_until("\n\n").find("RUNNING"), std::string::npos);
  EXPECT_GT(std::chrono::steady_clock::now() - begin, 700ms) << "once a second";
  controls_.set(in_state(session::state::paused));
  const auto changed = std::chrono::steady_clock::now();
  EXPECT_NE(client.read_until("\n\n").find("PAUSED"), std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - changed, 900ms) << "a change does not wait for the second";
}

TEST_F(http_server, only_so_many_listen_to_events) {
  serve({.listeners_max = 2});
  std::vector<raw_client> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(connect());
    clients.back().send(listen_to_events);
    ASSERT_EQ(clients.back().read_reply(true).status, 200);
  }
  const raw_reply refused = ask(listen_to_events);
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.body.find("TooManyListeners"), std::string::npos) << refused.body;
  clients.clear();
  int status = 503;
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (status != 200 && std::chrono::steady_clock::now() < deadline) {
    raw_client client = connect();
    client.send(listen_to_events);
    status = client.read_reply(true).status;
  }
  EXPECT_EQ(status, 200) << "who has left still counts";
}

TEST_F(http_server, a_listener_that_does_not_read_is_dropped_and_others_go_on) {
  session::progress large = in_state(session::state::running);
  large.warnings.assign(100, std::string(100'000, 'w'));  // ten megabytes an event
  controls_.set(large);
  serve({.listeners_max = 1, .idle_timeout = 300ms});
  raw_client slow = connect();
  ASSERT_TRUE(slow.send(listen_to_events));
  ASSERT_EQ(slow.read_reply(true).status, 200);
  int status = 503;
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (status != 200 && std::chrono::steady_clock::now() < deadline) {
    raw_client client = connect();
    client.send(listen_to_events);
    status = client.read_reply(true).status;
  }
  EXPECT_EQ(status, 200) << "it keeps its place";
}

TEST_F(http_server, stopping_ends_events) {
  serve();
  raw_client client = connect();
  ASSERT_TRUE(client.send(listen_to_events));
  ASSERT_EQ(client.read_reply(true).status, 200);
  server_->stop();
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(http_server, the_history_fills_by_itself) {
  controls_.set(in_state(session::state::running));
  serve();
  raw_reply reply;
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  const std::string request = "GET /api/v1/history HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const auto points = [&] { return std::ranges::count(reply.body.substr(0, reply.body.find("copiedBytes")), ','); };
  do reply = ask(request);
  while (points() < 4 && std::chrono::steady_clock::now() < deadline);  // "success", "secondsPerPoint", two or more
  EXPECT_EQ(reply.status, 200);
  EXPECT_GE(points(), 4) << reply.body;
  EXPECT_NE(reply.body.find(R"("timeline":[{"atMs":)"), std::string::npos) << reply.body;
}

}  // namespace
}  // namespace sluice::http
