// Who is let in: by token, by Host, by Origin; and that what a stranger shows is told to nobody.
#include "engine/http/access.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "engine/http/api.hpp"
#include "tests/unit/http/fake_controls.hpp"

namespace sluice::http {
namespace {

using test::fake_controls;

constexpr const char* token = "a token of some length";

class with_token : public testing::Test {
 protected:
  response ask(request_view request) { return handle(request, controls_, {.access = {.token = token}}); }
  unsigned status(const std::optional<std::string>& authorization, std::string_view path = "/api/v1/progress") {
    request_view request{"GET", path};
    request.host = "sluice.example:27182";
    if (authorization) request.authorization = *authorization;
    return ask(request).status;
  }

  fake_controls controls_;
};

TEST_F(with_token, who_shows_it_is_let_in) {
  EXPECT_EQ(status("Bearer a token of some length"), 200U);
  EXPECT_EQ(status("bearer a token of some length"), 200U) << "RFC 9110, 11.1: the scheme's case does not matter";
}

TEST_F(with_token, nobody_else_is) {
  for (const char* shown : {"", "Bearer", "Bearer ", "Bearer a token of some lengt", "Bearer a token of some length ",
                            "Bearer A token of some length", "a token of some length", "Basic a token of some length",
                            "Bearer  a token of some length", "Bearer a token of some lengthx"}) {
    EXPECT_EQ(status(shown), 401U) << shown;
  }
  EXPECT_EQ(status(std::nullopt), 401U);
  EXPECT_EQ(status("Bearer " + std::string(100'000, 'x')), 401U);
}

TEST_F(with_token, a_401_says_how_and_repeats_nothing) {
  request_view request{"GET", "/api/v1/progress"};
  request.authorization = "Bearer wrong-but-secret";
  const response reply = ask(request);
  EXPECT_TRUE(reply.authenticate);
  EXPECT_EQ(reply.body.find("wrong-but-secret"), std::string::npos) << reply.body;
  EXPECT_EQ(reply.body.find(token), std::string::npos) << reply.body;
}

TEST_F(with_token, it_guards_every_route_but_those_of_probes_and_unknown_ones_too) {
  for (const char* path : {"/api/v1/progress", "/api/v1/namespaces", "/api/v1/history", "/api/v1/events", "/metrics",
                           "/api/v1/start", "/nowhere", "", "*"}) {
    EXPECT_EQ(status(std::nullopt, path), 401U) << path;
  }
  for (const char* path : {"/healthz", "/readyz"}) EXPECT_EQ(status(std::nullopt, path), 200U) << path;
}

TEST_F(with_token, calls_need_it_as_well_and_change_nothing_without) {
  request_view request{"POST", "/api/v1/start", R"({"source":"cluster0","destination":"cluster1"})"};
  request.host = "10.0.0.1:27182";
  EXPECT_EQ(ask(request).status, 401U);
  EXPECT_TRUE(controls_.started().empty());
  request.authorization = "Bearer a token of some length";
  EXPECT_EQ(ask(request).status, 200U);
}

TEST_F(with_token, a_page_of_another_site_is_refused_even_with_it) {
  request_view request{"POST", "/api/v1/pause", "{}"};
  request.host = "sluice.example:27182";
  request.authorization = "Bearer a token of some length";
  const auto status_from = [&](std::string_view origin) {
    request.origin = origin;
    return ask(request).status;
  };
  EXPECT_EQ(status_from("https://Sluice.example:27182"), 409U) << "its own page: IDLE cannot be paused";
  for (const char* origin : {"https://evil.example", "null", "https://sluice.example:27183", "https://sluice.example",
                             "file://", "https://sluice.example:27182.evil.example"}) {
    EXPECT_EQ(status_from(origin), 403U) << origin;
  }
}

TEST(access, a_secret_is_compared_whole) {
  EXPECT_TRUE(is_same_secret("same", "same"));
  EXPECT_FALSE(is_same_secret("same", "sam"));
  EXPECT_FALSE(is_same_secret("", "same"));
  EXPECT_FALSE(is_same_secret(std::string_view("same\0", 5), "same"));
}

TEST(access, no_reply_allows_other_origins) {
  fake_controls controls;
  request_view request{"OPTIONS", "/api/v1/pause"};
  request.host = "localhost";
  request.origin = "http://localhost:3000";
  EXPECT_EQ(handle(request, controls).status, 405U) << "a preflight is no call";
}

}  // namespace
}  // namespace sluice::http
