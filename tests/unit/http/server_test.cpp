// The server against clients that misbehave, over real sockets.
#include "engine/http/server.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "engine/runtime/lane.hpp"
#include "tests/unit/http/http_server.hpp"

namespace sluice::http {
namespace {

using namespace std::chrono_literals;
using test::get_progress;
using test::http_server;
using test::raw_client;
using test::raw_reply;

TEST_F(http_server, keeps_a_connection_for_the_next_request) {
  serve();
  raw_client client = connect();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send(get_progress));
    const raw_reply reply = client.read_reply();
    ASSERT_EQ(reply.status, 200);
    EXPECT_NE(reply.headers.find("Content-Type: application/json"), std::string::npos);
    EXPECT_TRUE(reply.body.ends_with(R"("success":true})")) << reply.body;
  }
}

TEST_F(http_server, starts_a_run_without_any_content_type) {
  serve();
  const std::string body = R"({"source":"cluster0","destination":"cluster1"})";
  const std::string post =
      "POST /api/v1/start HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
      body;
  EXPECT_EQ(ask(post).status, 200);
  EXPECT_EQ(controls_.started().size(), 1U);
  EXPECT_EQ(ask(post).status, 409);
}

TEST_F(http_server, takes_a_chunked_body_and_an_absent_one) {
  serve();
  const std::string chunked =
      "POST /api/v1/start HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      "15\r\n{\"source\":\"cluster0\",\r\n1c\r\n\"destination\":\"cluster1\"   }\r\n0\r\n\r\n";
  EXPECT_EQ(ask(chunked).status, 200);
  const raw_reply reply = ask("POST /api/v1/start HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.body.find("MissingField"), std::string::npos) << reply.body;
}

TEST_F(http_server, answers_pipelined_requests_in_order) {
  serve();
  raw_client client = connect();
  ASSERT_TRUE(client.send(get_progress + "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n" +
                          "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
  EXPECT_EQ(client.read_reply().status, 200);
  EXPECT_EQ(client.read_reply().status, 404);
  EXPECT_EQ(client.read_reply().status, 200);
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(http_server, answers_a_client_that_has_stopped_sending) {
  serve();
  raw_client client = connect();
  ASSERT_TRUE(client.send(get_progress));
  client.end_of_sending();
  EXPECT_EQ(client.read_reply().status, 200);
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(http_server, head_has_the_length_and_no_body) {
  serve();
  raw_client client = connect();
  ASSERT_TRUE(client.send("HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" + get_progress));
  const raw_reply head = client.read_reply(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.find("Content-Length: 0"), std::string::npos);
  EXPECT_EQ(client.read_reply().status, 200);  // and the next reply begins right after it
}

TEST_F(http_server, a_wrong_method_gets_the_allow_header) {
  serve();
  const raw_reply reply = ask("PUT /api/v1/start HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(reply.status, 405);
  EXPECT_NE(reply.headers.find("Allow: POST\r\n"), std::string::npos) << reply.headers;
}

TEST_F(http_server, malformed_requests_get_400_and_are_closed) {
  serve();
  for (const std::string& bytes :
       {std::string("nonsense\r\n\r\n"), std::string("GET / HTTP/9.9\r\nHost: localhost\r\n\r\n"),
        std::string("GET /\x01 HTTP/1.1\r\nHost: localhost\r\n\r\n"), std::string("\x16\x03\x01\x02\x00\x01\x00", 7),
        std::string("GET / HTTP/1.1\r\nHost localhost\r\n\r\n"),
        std::string("POST /api/v1/start HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"),
        std::string(
            "POST /api/v1/start HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}"),
        std::string("POST /api/v1/start HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        std::string("GET / HTTP/1.1\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")}) {
    raw_client client = connect();
    ASSERT_TRUE(client.send(bytes));
    client.end_of_sending();
    const raw_reply reply = client.read_reply();
    EXPECT_EQ(reply.status, 400) << bytes;
    EXPECT_NE(reply.body.find(R"("success":false)"), std::string::npos) << bytes;
    EXPECT_TRUE(client.closed_by_server()) << bytes;
  }
}

TEST_F(http_server, an_old_client_needs_no_host_but_a_foreign_one_is_misdirected) {
  serve();
  EXPECT_EQ(ask("GET /healthz HTTP/1.0\r\n\r\n").status, 200);
  EXPECT_EQ(ask("GET /healthz HTTP/1.1\r\nHost: evil.example:27182\r\n\r\n").status, 421);
  EXPECT_EQ(ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n").status, 403);
}

TEST_F(http_server, ten_megabytes_of_body_are_refused_and_the_sender_reads_why) {
  serve();
  constexpr std::size_t body_bytes = 10'000'000;
  std::string body;
  body.resize(body_bytes, 'x');
  raw_client client = connect();
  client.send("POST /api/v1/start HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n\r\n");
  EXPECT_TRUE(client.send(body));
  EXPECT_EQ(client.read_reply().status, 413);
  raw_client chunked = connect();
  chunked.send("POST /api/v1/start HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n989680\r\n");
  EXPECT_TRUE(chunked.send(body));
  EXPECT_EQ(chunked.read_reply().status, 413);
}

TEST_F(http_server, a_client_that_asks_first_is_told_to_go_on) {
  serve();
  raw_client client = connect();
  client.send("POST /api/v1/start HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.read_reply().status, 100);
  client.send("{}");
  EXPECT_EQ(client.read_reply().status, 400);
}

TEST_F(http_server, large_headers_are_refused) {
  serve();
  raw_client client = connect();
  client.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: " + std::string(100'000, 'x') + "\r\n\r\n");
  EXPECT_EQ(client.read_reply().status, 431);
  raw_client endless = connect();
  endless.send("GET /" + std::string(100'000, 'x'));
  EXPECT_EQ(endless.read_reply().status, 431);
}

TEST_F(http_server, when_all_are_being_answered_one_more_is_turned_away) {
  session::progress large;
  large.now = session::state::running;
  large.collections.resize(1000);
  for (auto& one : large.collections) one.ns = std::string(20'000, 'n');
  controls_.set(large);
  serve({.connections_max = 2});
  std::vector<raw_client> greedy;
  for (int i = 0; i < 2; ++i) {
    greedy.push_back(connect());
    greedy.back().send("GET /api/v1/namespaces?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ASSERT_NE(greedy.back().read_until("\r\n"), "");  // of a reply of 20 MB, which goes no further
  }
  raw_client one_more = connect();
  EXPECT_EQ(one_more.read_reply().status, 503);  // without having asked anything
  one_more.end_of_sending();
  EXPECT_TRUE(one_more.closed_by_server());
  greedy.clear();
  EXPECT_EQ(status_when_there_is_room(), 200);
}

TEST_F(http_server, who_asks_nothing_makes_room_for_who_does) {
  serve();
  std::vector<raw_client> idle;
  for (std::size_t i = 0; i < limits::http_connections_max; ++i) {
    idle.push_back(connect());
    idle.back().send(get_progress);
    ASSERT_EQ(idle.back().read_reply().status, 200) << i;
  }
  EXPECT_EQ(ask(get_progress).status, 200) << "the sixty-fifth";
  EXPECT_TRUE(idle.front().closed_by_server()) << "it was without a request for longest";
  idle.back().send(get_progress);
  EXPECT_EQ(idle.back().read_reply().status, 200) << "the last one to ask is still there";
}

/// As many sockets as the test wants, for as long as it lives; false where the system does not allow so many.
bool allow_sockets(rlim_t count) {
  rlimit allowed{};
  ::getrlimit(RLIMIT_NOFILE, &allowed);
  if (allowed.rlim_cur >= count) return true;
  allowed.rlim_cur = count;
  allowed.rlim_max = std::max(allowed.rlim_max, count);
  return ::setrlimit(RLIMIT_NOFILE, &allowed) == 0;
}

TEST_F(http_server, ten_thousand_idle_connections_keep_nobody_out) {
  constexpr std::size_t crowd = 10'000;
  ASSERT_TRUE(allow_sockets(2 * crowd)) << "raise the limit of open files (ulimit -n)";
  serve();
  std::vector<raw_client> idle;
  idle.reserve(crowd);
  for (std::size_t i = 0; i < crowd; ++i) {
    idle.push_back(connect());
    if (i % 1000 == 999) {
      const auto begin = std::chrono::steady_clock::now();
      EXPECT_EQ(ask(get_progress).status, 200) << i;
      EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s) << i;
    }
  }
  EXPECT_TRUE(idle.front().closed_by_server());
}

TEST_F(http_server, who_drips_bytes_keeps_nobody_out_and_gains_no_time) {
  serve({.connections_max = 4, .idle_timeout = 500ms});
  std::vector<raw_client> loris;
  for (int i = 0; i < 4; ++i) {
    loris.push_back(connect());
    loris.back().send("POST /api/v1/start HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n");
  }
  EXPECT_EQ(ask(get_progress).status, 200);
  const auto begin = std::chrono::steady_clock::now();
  while (loris.back().send("x") && std::chrono::steady_clock::now() - begin < 10s) std::this_thread::yield();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s) << "each byte gained it time";
}

TEST_F(http_server, a_request_has_one_meaning_or_none) {
  serve();
  const std::string line = "POST /api/v1/pause HTTP/1.1\r\nHost: localhost\r\n";
  const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (const std::string& bytes : {
           // Two lengths, or a length beside chunks: two servers in a row could read two requests here.
           line + "Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + hidden,
           line + "Content-Length: 44\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
           line + "Transfer-Encoding: chunked\r\nContent-Length: 44\r\n\r\n0\r\n\r\n" + hidden,
           line + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + hidden,
           line + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
           line + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + hidden,
           line + "Content-Length: +2\r\n\r\n{}" + hidden,
           line + "Content-Length: 0x2\r\n\r\n{}" + hidden,
           line + " Content-Length: 2\r\n\r\n{}" + hidden,
       }) {
    raw_client client = connect();
    ASSERT_TRUE(client.send(bytes));
    const raw_reply first = client.read_reply();
    EXPECT_EQ(first.status, 400) << bytes << first.body;
    const raw_reply second = client.read_reply();
    EXPECT_EQ(second.status, 0) << bytes << "\nwas answered twice: " << second.body;
  }
}

TEST_F(http_server, an_unfinished_request_is_dropped_in_time) {
  serve({.idle_timeout = 100ms});
  const auto begin = std::chrono::steady_clock::now();
  raw_client headers = connect();
  headers.send("GET /healthz HTTP/1.1\r\nHo");
  EXPECT_TRUE(headers.closed_by_server());
  raw_client body = connect();
  body.send("POST /api/v1/start HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
  EXPECT_TRUE(body.closed_by_server());
  raw_client silent = connect();
  EXPECT_TRUE(silent.closed_by_server());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 300ms);
}

TEST_F(http_server, who_never_reads_loses_the_place) {
  serve({.connections_max = 1, .idle_timeout = 100ms});
  // One large reply would do; the reply of progress is small, so ask until the server's writes no longer go out.
  raw_client greedy = connect();
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += get_progress;
  bool taken = true;
  for (int i = 0; i < 1000 && taken; ++i) taken = greedy.send(requests);
  EXPECT_FALSE(taken);
  EXPECT_EQ(status_when_there_is_room(), 200);
}

TEST_F(http_server, clients_that_vanish_leave_no_trace) {
  serve({.connections_max = 1});
  for (int i = 0; i < 50; ++i) {
    raw_client client = connect();
    client.reset_on_close();
    client.send("POST /api/v1/start HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
  }
  EXPECT_EQ(status_when_there_is_room(), 200);
}

TEST_F(http_server, a_taken_port_is_named_together_with_the_flag) {
  serve();
  const auto second = server::listen(lane_.executor(), {.port = server_->port()}, controls_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, error_kind::configuration);
  EXPECT_NE(second.error().message.find(std::to_string(server_->port())), std::string::npos);
  EXPECT_NE(second.error().message.find("--port"), std::string::npos);
}

TEST_F(http_server, listens_on_one_address_only) {
  serve();
  EXPECT_FALSE(raw_client(server_->port(), "127.0.0.2").connected());
}

TEST_F(http_server, stopping_closes_clients_and_frees_the_port) {
  serve();
  raw_client client = connect();
  client.send(get_progress);
  ASSERT_EQ(client.read_reply().status, 200);
  const std::uint16_t port = server_->port();
  server_->stop();
  EXPECT_TRUE(client.closed_by_server());
  server_.reset();
  EXPECT_TRUE(server::listen(lane_.executor(), {.port = port}, controls_));
}

/// Stops the server while it is being asked.
class stopping_controls final : public session::controls {
 public:
  session::progress snapshot(bool with_collections) const override {
    if (with_collections) stop();  // a client asks, and not the history
    return {};
  }
  result<> start(const session::start_request& /*request*/) override { return ok(); }
  result<> pause() override { return ok(); }
  result<> resume() override { return ok(); }
  result<> commit() override { return ok(); }
  result<> reverse() override { return ok(); }
  std::function<void()> stop;
};

TEST_F(http_server, a_reply_that_is_on_its_way_still_arrives) {
  runtime::lane lane("http-test-2");
  stopping_controls controls;
  std::promise<void> asked;
  controls.stop = [&] { asked.set_value(); };
  const std::string get_namespaces = "GET /api/v1/namespaces HTTP/1.1\r\nHost: localhost\r\n\r\n";
  auto server = server::listen(lane.executor(), {}, controls).value();
  lane.start();
  raw_client client(server->port());
  // Whatever is waiting to be done on the lane when the reply is made comes before its last byte.
  std::thread ending([&] {
    asked.get_future().wait();
    server.reset();
  });
  ASSERT_TRUE(client.send(get_namespaces));
  EXPECT_EQ(client.read_reply().status, 200);
  EXPECT_TRUE(client.closed_by_server());
  ending.join();
  lane.stop();
}

TEST_F(http_server, stopping_does_not_wait_for_who_never_reads) {
  session::progress large;
  large.now = session::state::running;
  large.collections.resize(1000);
  for (auto& one : large.collections) one.ns = std::string(200, 'n');
  controls_.set(large);
  serve();
  raw_client greedy = connect();
  std::string requests;
  for (int i = 0; i < 200; ++i) requests += "GET /api/v1/namespaces?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n";
  ASSERT_TRUE(greedy.send(requests));  // 100 MB of replies
  const auto begin = std::chrono::steady_clock::now();
  server_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 15s) << "a reply's own limit is 30 s";
}

}  // namespace
}  // namespace sluice::http
