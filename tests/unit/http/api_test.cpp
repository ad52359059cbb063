// Routes, methods, states and the checks against web pages, without a socket.
#include "engine/http/api.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "tests/unit/http/fake_controls.hpp"

namespace sluice::http {
namespace {

namespace json = boost::json;
using test::fake_controls;

constexpr std::string_view start_body = R"({"source":"cluster0","destination":"cluster1"})";

std::string error_of(const response& reply) {
  const json::value body = json::parse(reply.body);
  EXPECT_EQ(body.at("success"), json::value(false));
  EXPECT_FALSE(body.at("errorDescription").as_string().empty());
  return std::string(body.at("error").as_string());
}

TEST(api, progress_answers_in_every_state) {
  fake_controls controls;
  for (const auto now : {session::state::initializing, session::state::idle, session::state::running,
                         session::state::committed, session::state::failed}) {
    session::progress progress;
    progress.now = now;
    controls.set(progress);
    const response reply = handle({"GET", "/api/v1/progress"}, controls);
    EXPECT_EQ(reply.status, 200U);
    EXPECT_EQ(json::parse(reply.body).at("progress").at("state"), json::value(session::to_string(now)));
  }
}

TEST(api, a_query_does_not_change_the_route) {
  fake_controls controls;
  EXPECT_EQ(handle({"GET", "/api/v1/progress?pretty=1"}, controls).status, 200U);
}

TEST(api, start_reaches_the_session_and_a_second_one_is_refused) {
  fake_controls controls;
  const response first = handle({"POST", "/api/v1/start", start_body}, controls);
  EXPECT_EQ(first.status, 200U);
  EXPECT_EQ(first.body, R"({"success":true})");
  ASSERT_EQ(controls.started().size(), 1U);
  EXPECT_EQ(controls.started()[0].source, "cluster0");
  const response second = handle({"POST", "/api/v1/start", start_body}, controls);
  EXPECT_EQ(second.status, 409U);
  EXPECT_EQ(error_of(second), "IllegalState");
  EXPECT_EQ(controls.started().size(), 1U);
}

TEST(api, a_bad_body_never_reaches_the_session) {
  fake_controls controls;
  const response reply =
      handle({"POST", "/api/v1/start", R"({"source":"cluster0","destination":"cluster0"})"}, controls);
  EXPECT_EQ(reply.status, 400U);
  EXPECT_EQ(error_of(reply), "BadValue");
  EXPECT_TRUE(controls.started().empty());
}

TEST(api, the_sessions_errors_keep_their_text) {
  fake_controls controls;
  controls.refuse_start_with(failure(error_kind::configuration, "cluster1 is a standalone"));
  const response reply = handle({"POST", "/api/v1/start", start_body}, controls);
  EXPECT_EQ(reply.status, 400U);
  EXPECT_EQ(json::parse(reply.body).at("errorDescription"), json::value("cluster1 is a standalone"));
  controls.refuse_start_with(failure(error_kind::network, "b:27018 refused"));
  EXPECT_EQ(handle({"POST", "/api/v1/start", start_body}, controls).status, 500U);
}

TEST(api, health_follows_the_session) {
  fake_controls controls;
  EXPECT_EQ(handle({"GET", "/healthz"}, controls).status, 200U);
  session::progress failed;
  failed.now = session::state::failed;
  failed.failure = failure(error_kind::network, "a:27017 is gone");
  controls.set(failed);
  const response reply = handle({"GET", "/healthz"}, controls);
  EXPECT_EQ(reply.status, 503U);
  EXPECT_EQ(json::parse(reply.body).at("errorDescription"), json::value("a:27017 is gone"));
}

TEST(api, unknown_paths_are_404_and_known_but_absent_calls_say_so) {
  fake_controls controls;
  EXPECT_EQ(error_of(handle({"GET", "/"}, controls)), "NotFound");
  EXPECT_EQ(error_of(handle({"GET", "/api/v1/progress/"}, controls)), "NotFound");
  EXPECT_EQ(error_of(handle({"GET", "*"}, controls)), "NotFound");
  EXPECT_EQ(error_of(handle({"GET", ""}, controls)), "NotFound");
  for (const char* path : {"/api/v1/pause", "/api/v1/resume", "/api/v1/commit", "/api/v1/reverse"}) {
    const response reply = handle({"POST", path, "{}"}, controls);
    EXPECT_EQ(reply.status, 404U);
    EXPECT_EQ(error_of(reply), "NotOffered");
  }
}

TEST(api, a_wrong_method_names_the_right_one) {
  fake_controls controls;
  const response start = handle({"GET", "/api/v1/start"}, controls);
  EXPECT_EQ(start.status, 405U);
  EXPECT_EQ(start.allow, "POST");
  EXPECT_EQ(error_of(start), "MethodNotAllowed");
  EXPECT_EQ(handle({"DELETE", "/api/v1/progress"}, controls).allow, "GET, HEAD");
  EXPECT_EQ(handle({"HEAD", "/api/v1/progress"}, controls).status, 200U);
  EXPECT_EQ(handle({"HEAD", "/api/v1/start"}, controls).status, 405U);
}

TEST(api, only_local_hosts_are_served) {
  fake_controls controls;
  const auto status_for = [&](std::string_view host) {
    return handle({"POST", "/api/v1/start", "{}", host}, controls).status;
  };
  for (const char* host : {"localhost", "LocalHost:27182", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:27182"}) {
    EXPECT_EQ(status_for(host), 400U) << host;  // got as far as its body
  }
  for (const char* host : {"", "evil.example", "localhost.evil.example", "localhost:1@evil.example", "127.0.0.1.nip.io",
                           "[::1", "[::1]x", "::1", "127.0.0.2", "localhost:27182:80", "xlocalhost"}) {
    EXPECT_EQ(status_for(host), 421U) << host;
  }
}

TEST(api, scripts_of_other_sites_are_refused) {
  fake_controls controls;
  const auto status_for = [&](std::string_view origin) {
    return handle({"POST", "/api/v1/start", "{}", "localhost:27182", origin}, controls).status;
  };
  EXPECT_EQ(status_for("http://localhost:3000"), 400U);
  EXPECT_EQ(status_for("http://evil.example"), 403U);
  EXPECT_EQ(status_for("null"), 403U);
  EXPECT_EQ(status_for("file://"), 403U);
}

}  // namespace
}  // namespace sluice::http
