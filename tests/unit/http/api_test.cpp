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

std::string description_of(const response& reply) {
  return std::string(json::parse(reply.body).at("errorDescription").as_string());
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
  controls.refuse_with(failure(error_kind::configuration, "cluster1 is a standalone"));
  const response reply = handle({"POST", "/api/v1/start", start_body}, controls);
  EXPECT_EQ(reply.status, 400U);
  EXPECT_EQ(json::parse(reply.body).at("errorDescription"), json::value("cluster1 is a standalone"));
  controls.refuse_with(failure(error_kind::network, "b:27018 refused"));
  EXPECT_EQ(handle({"POST", "/api/v1/start", start_body}, controls).status, 500U);
}

TEST(api, a_run_is_paused_resumed_and_committed) {
  fake_controls controls;
  const auto call = [&](std::string_view path) { return handle({"POST", path, "{}"}, controls); };
  ASSERT_EQ(handle({"POST", "/api/v1/start", start_body}, controls).status, 200U);
  const response paused = call("/api/v1/pause");
  EXPECT_EQ(paused.status, 200U);
  EXPECT_EQ(paused.body, R"({"success":true})");
  EXPECT_EQ(controls.wanted(), session::wish::pause);
  controls.drained();
  EXPECT_EQ(call("/api/v1/resume").status, 200U);
  EXPECT_EQ(controls.wanted(), session::wish::run);
  controls.can_commit(true);
  EXPECT_EQ(call("/api/v1/commit").status, 200U);
  EXPECT_EQ(controls.snapshot(false).now, session::state::committing);
}

struct wrong_call {
  const char* name;
  std::string_view path;
  std::vector<std::string_view> before;  // calls that are taken
  std::string_view says;                 // in errorDescription
};
void PrintTo(const wrong_call& which, std::ostream* out) {
  *out << which.name;
}
class call_in_the_wrong_state : public testing::TestWithParam<wrong_call> {};

TEST_P(call_in_the_wrong_state, is_refused_with_what_is_allowed) {
  fake_controls controls;
  for (const std::string_view call : GetParam().before) {
    if (call == "drained") {
      controls.drained();
    } else if (call == "can_commit") {
      controls.can_commit(true);
    } else {
      ASSERT_EQ(handle({"POST", call, call.ends_with("start") ? start_body : "{}"}, controls).status, 200U) << call;
    }
  }
  const session::state state = controls.snapshot(false).now;
  const response reply =
      handle({"POST", GetParam().path, GetParam().path.ends_with("start") ? start_body : "{}"}, controls);
  EXPECT_EQ(reply.status, 409U);
  EXPECT_EQ(error_of(reply), "IllegalState");
  EXPECT_NE(description_of(reply).find(GetParam().says), std::string::npos) << reply.body;
  EXPECT_EQ(controls.snapshot(false).now, state);
}

constexpr std::string_view to_start = "/api/v1/start";
constexpr std::string_view to_pause = "/api/v1/pause";
constexpr std::string_view to_resume = "/api/v1/resume";
constexpr std::string_view to_commit = "/api/v1/commit";
INSTANTIATE_TEST_SUITE_P(
    all, call_in_the_wrong_state,
    testing::Values(
        wrong_call{"idle_pause", to_pause, {}, "IDLE; allowed: start"},
        wrong_call{"idle_resume", to_resume, {}, "IDLE; allowed: start"},
        wrong_call{"idle_commit", to_commit, {}, "IDLE; allowed: start"},
        wrong_call{"running_resume", to_resume, {to_start}, "RUNNING; allowed: pause"},
        wrong_call{
            "running_commit_too_early", to_commit, {to_start}, "the copy is under way; wait until canCommit is true"},
        wrong_call{"pausing_resume", to_resume, {to_start, to_pause}, "before PAUSED is reached"},
        wrong_call{"pausing_commit", to_commit, {to_start, "can_commit", to_pause}, "wait for PAUSED"},
        wrong_call{"paused_start", to_start, {to_start, to_pause, "drained"}, "PAUSED; allowed: resume and commit"},
        wrong_call{"paused_pause", to_pause, {to_start, to_pause, "drained"}, "PAUSED; allowed: resume and commit"},
        wrong_call{
            "committing_pause", to_pause, {to_start, "can_commit", to_commit}, "COMMITTING; allowed: only progress"},
        wrong_call{
            "committing_commit", to_commit, {to_start, "can_commit", to_commit}, "COMMITTING; allowed: only progress"}),
    [](const auto& which) { return which.param.name; });

struct wrong_body {
  std::string_view body;
  std::string_view name;
};

TEST(api, calls_without_options_take_an_empty_document_or_nothing) {
  for (const std::string_view path : {to_pause, to_resume, to_commit}) {
    for (const auto& [body, name] :
         {wrong_body{"{", "InvalidJSON"}, wrong_body{"[]", "InvalidJSON"}, wrong_body{"pause", "InvalidJSON"},
          wrong_body{"{} {}", "InvalidJSON"}, wrong_body{R"({"force":true})", "UnknownField"},
          wrong_body{R"({"a":1,"a":2})", "DuplicateField"}}) {
      fake_controls controls;
      ASSERT_EQ(handle({"POST", to_start, start_body}, controls).status, 200U);
      const response reply = handle({"POST", path, body}, controls);
      EXPECT_EQ(reply.status, 400U) << path << " " << body;
      EXPECT_EQ(error_of(reply), name) << path << " " << body;
      EXPECT_EQ(controls.wanted(), session::wish::run);
    }
    EXPECT_EQ(handle({"GET", path}, *std::make_unique<fake_controls>()).allow, "POST");
  }
  fake_controls controls;
  ASSERT_EQ(handle({"POST", to_start, start_body}, controls).status, 200U);
  EXPECT_EQ(handle({"POST", to_pause, ""}, controls).status, 200U);
}

TEST(api, a_calls_other_errors_keep_their_kind) {
  fake_controls controls;
  controls.refuse_with({error_kind::server, "b:27018 answered NotWritablePrimary", 10107, "NotWritablePrimary"});
  for (const std::string_view path : {to_pause, to_resume, to_commit}) {
    const response reply = handle({"POST", path, "{}"}, controls);
    EXPECT_EQ(reply.status, 500U);
    EXPECT_EQ(error_of(reply), "NotWritablePrimary");
  }
}

TEST(api, namespaces_come_in_pages) {
  fake_controls controls;
  session::progress now;
  now.now = session::state::running;
  for (const char* name : {"shop.c", "shop.a", "shop.b"}) {
    session::collection_progress one;
    one.ns = name;
    now.collections.push_back(one);
  }
  controls.set(now);
  const response second = handle({"GET", "/api/v1/namespaces?page=2&limit=2"}, controls);
  EXPECT_EQ(second.status, 200U);
  const json::value body = json::parse(second.body);
  EXPECT_EQ(body.at("total"), json::value(3));
  ASSERT_EQ(body.at("namespaces").as_array().size(), 1U);
  EXPECT_EQ(body.at("namespaces").at(0).at("namespace"), json::value("shop.c"));
  const response wrong = handle({"GET", "/api/v1/namespaces?limit=0"}, controls);
  EXPECT_EQ(wrong.status, 400U);
  EXPECT_EQ(error_of(wrong), "BadParameter");
  EXPECT_EQ(handle({"POST", "/api/v1/namespaces", "{}"}, controls).allow, "GET, HEAD");
}

TEST(api, the_process_is_healthy_as_long_as_it_answers) {
  fake_controls controls;
  EXPECT_EQ(handle({"GET", "/healthz"}, controls).status, 200U);
  session::progress failed;
  failed.now = session::state::failed;
  controls.set(failed);
  const response reply = handle({"GET", "/healthz"}, controls);
  EXPECT_EQ(reply.status, 200U) << "a restart would take the reason away";
  EXPECT_EQ(json::parse(reply.body).at("state"), json::value("FAILED"));
}

TEST(api, it_is_ready_while_nothing_keeps_it_from_its_work) {
  fake_controls controls;
  const auto reason = [&](const session::progress& now) -> std::string {
    controls.set(now);
    const response reply = handle({"GET", "/readyz"}, controls);
    if (reply.status == 200) return {};
    EXPECT_EQ(reply.status, 503U);
    EXPECT_EQ(error_of(reply), "NotReady");
    return description_of(reply);
  };
  session::progress now;
  now.now = session::state::idle;
  EXPECT_EQ(reason(now), "");
  now.now = session::state::running;
  EXPECT_EQ(reason(now), "");
  now.source_silent_seconds = 12;
  EXPECT_EQ(reason(now), "the source has not answered for 12 s");
  now.source_silent_seconds.reset();
  now.destination_silent_seconds = 3;
  EXPECT_EQ(reason(now), "the destination has not answered for 3 s");
  now.now = session::state::initializing;
  EXPECT_NE(reason(now), "");
  now.now = session::state::failed;
  now.failure = failure(error_kind::network, "a:27017 is gone");
  EXPECT_EQ(reason(now).find("27017"), std::string::npos) << "whoever reaches the port may ask this";
}

TEST(api, metrics_are_text_for_prometheus) {
  fake_controls controls;
  const response reply = handle({"GET", "/metrics"}, controls);
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(reply.body.find("\nsluice_state{state=\"IDLE\"} "), std::string::npos) << reply.body;
}

TEST(api, a_committed_run_is_reversed_where_it_was_begun_so) {
  fake_controls controls;
  EXPECT_EQ(error_of(handle({"POST", "/api/v1/reverse", "{}"}, controls)), "IllegalState");
  EXPECT_EQ(handle({"POST", "/api/v1/start", R"({"source":"cluster0","destination":"cluster1"})"}, controls).status,
            200U);
  controls.can_commit(true);
  EXPECT_EQ(handle({"POST", "/api/v1/commit", "{}"}, controls).status, 200U);
  controls.committed();
  const response refused = handle({"POST", "/api/v1/reverse", "{}"}, controls);
  EXPECT_EQ(refused.status, 409U);
  EXPECT_NE(refused.body.find("reversible"), std::string::npos) << refused.body;
  controls.reversible(true);
  EXPECT_EQ(handle({"POST", "/api/v1/reverse", "{}"}, controls).status, 200U);
  EXPECT_EQ(controls.snapshot(false).now, session::state::reversing);
  EXPECT_EQ(error_of(handle({"POST", "/api/v1/commit", "{}"}, controls)), "IllegalState");
}

TEST(api, unknown_paths_are_404) {
  fake_controls controls;
  EXPECT_EQ(error_of(handle({"GET", "/index.html"}, controls)), "NotFound");
  EXPECT_EQ(error_of(handle({"GET", "/api/v1/progress/"}, controls)), "NotFound");
  EXPECT_EQ(error_of(handle({"GET", "*"}, controls)), "NotFound");
  EXPECT_EQ(error_of(handle({"GET", ""}, controls)), "NotFound");
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
