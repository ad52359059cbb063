// Who is let in, over real sockets, and that a token goes into no log.
#include <mutex>
#include <string>
#include <variant>

#include <gtest/gtest.h>

#include "engine/runtime/log.hpp"
#include "tests/unit/http/http_server.hpp"

namespace sluice::http {
namespace {

using test::get_progress;
using test::http_server;
using test::raw_client;
using test::raw_reply;

/// Every text that is logged while it lives, at every level.
class everything_logged final : public log_sink {
 public:
  everything_logged() { set_log_sink(this); }
  ~everything_logged() override { set_log_sink(nullptr); }
  bool wants(log_level /*level*/) const noexcept override { return true; }
  void write(const log_record& record) noexcept override {
    const std::lock_guard guard(mutex_);
    text_.append(record.message).append("\n");
    for (const log_field& field : record.fields) {
      if (const auto* text = std::get_if<std::string_view>(&field.value)) text_.append(*text).append("\n");
    }
  }
  std::string text() {
    const std::lock_guard guard(mutex_);
    return text_;
  }

 private:
  std::mutex mutex_;
  std::string text_;
};

TEST_F(http_server, a_token_is_asked_for_and_never_logged) {
  everything_logged log;
  const std::string token = "sesame-sesame-sesame";
  serve({}, {.access = {.token = token}});
  const raw_reply without = ask(get_progress);
  EXPECT_EQ(without.status, 401);
  EXPECT_NE(without.headers.find("WWW-Authenticate: Bearer\r\n"), std::string::npos) << without.headers;
  const auto with = [](const std::string& shown) {
    return "GET /api/v1/progress HTTP/1.1\r\nHost: example\r\nAuthorization: Bearer " + shown + "\r\n\r\n";
  };
  EXPECT_EQ(ask(with("wrong-wrong-wrong-1")).status, 401);
  EXPECT_EQ(ask(with(token)).status, 200);
  EXPECT_EQ(ask("GET /healthz HTTP/1.1\r\nHost: example\r\n\r\n").status, 200);
  server_.reset();
  const std::string logged = log.text();
  EXPECT_NE(logged.find("/api/v1/progress"), std::string::npos) << "nothing was logged at all";
  EXPECT_EQ(logged.find(token), std::string::npos) << logged;
  EXPECT_EQ(logged.find("wrong-wrong"), std::string::npos) << logged;
}

TEST_F(http_server, beyond_this_machine_nothing_is_served_without_a_token) {
  for (const char* address : {"0.0.0.0", "::", "192.0.2.1"}) {
    const auto refused = server::listen(lane_.executor(), {.address = address}, controls_);
    ASSERT_FALSE(refused) << address;
    EXPECT_NE(refused.error().message.find("--api-token-file"), std::string::npos) << refused.error().message;
  }
  const auto nonsense = server::listen(lane_.executor(), {.address = "example.org"}, controls_);
  ASSERT_FALSE(nonsense);
  EXPECT_NE(nonsense.error().message.find("--bind"), std::string::npos) << nonsense.error().message;
  serve({}, {.address = "0.0.0.0", .access = {.token = "sesame-sesame-sesame"}});
  EXPECT_TRUE(raw_client(server_->port(), "127.0.0.2").connected());
}

TEST_F(http_server, no_reply_lets_a_page_of_another_site_read_it) {
  serve();
  const raw_reply reply = ask(get_progress);
  EXPECT_EQ(reply.headers.find("Access-Control"), std::string::npos) << reply.headers;
  EXPECT_NE(reply.headers.find("X-Content-Type-Options: nosniff"), std::string::npos) << reply.headers;
}

}  // namespace
}  // namespace sluice::http
