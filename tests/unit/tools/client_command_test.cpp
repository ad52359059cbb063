// `sluice status`, `pause`, `resume` and `commit` against a server with a session that does what the test says.
#include "tools/client_command.hpp"

#include <functional>
#include <memory>
#include <sstream>

#include <gtest/gtest.h>

#include "engine/http/server.hpp"
#include "engine/runtime/lane.hpp"
#include "tests/unit/http/fake_controls.hpp"

namespace sluice::tools {
namespace {

using http::test::fake_controls;
using session::state;

class client_command : public testing::Test {
 protected:
  void SetUp() override {
    auto listening = http::server::listen(lane_.executor(), {}, controls_);
    ASSERT_TRUE(listening) << listening.error().message;
    server_ = std::move(listening).value();
    lane_.start();
    address_.port = server_->port();
  }
  void TearDown() override {
    server_.reset();
    lane_.stop();
  }
  void be(state now) {
    ASSERT_TRUE(controls_.start({"cluster0", "cluster1", {}, {}}));
    if (now == state::paused) {
      ASSERT_TRUE(controls_.pause());
      controls_.drained();
    }
    if (now == state::committing) {
      controls_.can_commit(true);
      ASSERT_TRUE(controls_.commit());
    }
  }
  /// `meanwhile` is what happens between two questions; a test that asks for too many has gone wrong.
  exit_code run(
      client_options options, std::function<void()> meanwhile = [] { FAIL() << "nothing to wait for"; }) {
    options.server = address_;
    client_calls calls = calls_to(address_);
    calls.wait = std::move(meanwhile);
    out_.str("");
    err_.str("");
    return run_client(options, calls, out_, err_);
  }

  fake_controls controls_;
  runtime::lane lane_{"client-test"};
  std::unique_ptr<http::server> server_;
  api_address address_;
  std::ostringstream out_;
  std::ostringstream err_;
};

bool holds(const std::ostringstream& text, const std::string& part) {
  return text.str().find(part) != std::string::npos;
}

TEST_F(client_command, status_is_told_in_words_or_as_it_came) {
  EXPECT_EQ(run({.call = client_call::status}), exit_code::everything_is_there);
  EXPECT_TRUE(holds(out_, "IDLE")) << out_.str();
  EXPECT_EQ(run({.call = client_call::status, .json = true}), exit_code::everything_is_there);
  EXPECT_TRUE(out_.str().starts_with(R"({"progress":{"state":"IDLE")")) << out_.str();
  EXPECT_TRUE(out_.str().ends_with("\n"));
}

TEST_F(client_command, calls_reach_the_session) {
  be(state::running);
  EXPECT_EQ(run({.call = client_call::pause}), exit_code::everything_is_there);
  EXPECT_EQ(controls_.wanted(), session::wish::pause);
  controls_.drained();
  EXPECT_EQ(run({.call = client_call::resume, .json = true}), exit_code::everything_is_there);
  EXPECT_EQ(out_.str(), "{\"success\":true}\n");
  EXPECT_EQ(controls_.wanted(), session::wish::run);
  controls_.can_commit(true);
  EXPECT_EQ(run({.call = client_call::commit}), exit_code::everything_is_there);
  EXPECT_EQ(controls_.wanted(), session::wish::commit);
  EXPECT_EQ(err_.str(), "");
}

TEST_F(client_command, a_call_in_the_wrong_state_is_refused_in_the_servers_words) {
  EXPECT_EQ(run({.call = client_call::pause}), exit_code::refused);
  EXPECT_TRUE(holds(err_, "pause is not taken in state IDLE; allowed: start")) << err_.str();
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(run({.call = client_call::commit, .json = true, .wait = true}), exit_code::refused);
  EXPECT_TRUE(holds(out_, R"("error":"IllegalState")")) << out_.str();
}

TEST_F(client_command, an_error_of_the_server_is_a_failure) {
  controls_.refuse_with(failure(error_kind::network, "b:27018 is gone"));
  EXPECT_EQ(run({.call = client_call::pause}), exit_code::failed);
  EXPECT_TRUE(holds(err_, "b:27018 is gone")) << err_.str();
}

TEST_F(client_command, pause_waits_until_paused) {
  be(state::running);
  int asked = 0;
  EXPECT_EQ(run({.call = client_call::pause, .wait = true},
                [&] {
                  if (++asked == 3) controls_.drained();
                }),
            exit_code::everything_is_there);
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(out_.str(), "PAUSED\n");
  EXPECT_TRUE(holds(err_, "RUNNING")) << err_.str();
}

TEST_F(client_command, resume_waits_until_running) {
  be(state::paused);
  EXPECT_EQ(run({.call = client_call::resume, .wait = true}), exit_code::everything_is_there);
  EXPECT_EQ(out_.str(), "RUNNING\n");
}

TEST_F(client_command, commit_waits_until_committed) {
  be(state::paused);
  controls_.can_commit(true);
  EXPECT_EQ(run({.call = client_call::commit, .json = true, .wait = true}, [&] { controls_.committed(); }),
            exit_code::everything_is_there);
  EXPECT_TRUE(holds(out_, R"("state":"COMMITTED")")) << out_.str();
}

TEST_F(client_command, a_commit_that_is_given_up_ends_the_waiting) {
  be(state::running);
  controls_.can_commit(true);
  EXPECT_EQ(run({.call = client_call::commit, .wait = true}, [&] { controls_.commit_refused(); }), exit_code::failed);
  EXPECT_TRUE(holds(err_, "the run is RUNNING and not on its way to COMMITTED")) << err_.str();
}

TEST_F(client_command, a_run_that_fails_ends_the_waiting_with_its_error) {
  be(state::running);
  EXPECT_EQ(run({.call = client_call::pause, .wait = true},
                [&] {
                  session::progress failed;
                  failed.now = state::failed;
                  failed.failure = failure(error_kind::refused, "the oplog has rolled over");
                  controls_.set(failed);
                }),
            exit_code::failed);
  EXPECT_TRUE(holds(err_, "the run is FAILED")) << err_.str();
  EXPECT_TRUE(holds(err_, "the oplog has rolled over")) << err_.str();
}

TEST_F(client_command, a_server_that_goes_ends_the_waiting) {
  be(state::running);
  const std::string address = address_.text();
  EXPECT_EQ(run({.call = client_call::pause, .wait = true}, [&] { server_.reset(); }), exit_code::failed);
  EXPECT_TRUE(holds(err_, "no sluice answers at " + address)) << err_.str();
}

TEST_F(client_command, without_a_server_the_address_is_named) {
  server_.reset();
  for (const client_call call : {client_call::status, client_call::pause, client_call::resume, client_call::commit}) {
    EXPECT_EQ(run({.call = call}), exit_code::failed);
    EXPECT_TRUE(holds(err_, "no sluice answers at " + address_.text())) << err_.str();
    EXPECT_TRUE(holds(err_, "--port")) << err_.str();
  }
}

TEST_F(client_command, something_else_that_answers_is_named_as_such) {
  const client_calls page{[](std::string_view, std::string_view) -> result<api_reply> {
                            return api_reply{200, "<html>"};
                          },
                          [] { FAIL(); }};
  EXPECT_EQ(run_client({.call = client_call::status}, page, out_, err_), exit_code::failed);
  EXPECT_TRUE(holds(err_, "is no sluice")) << err_.str();
  const client_calls teapot{[](std::string_view, std::string_view) -> result<api_reply> {
                              return api_reply{418, ""};
                            },
                            [] { FAIL(); }};
  EXPECT_EQ(run_client({.call = client_call::pause}, teapot, out_, err_), exit_code::refused);
  EXPECT_EQ(run_client({.call = client_call::status}, teapot, out_, err_), exit_code::refused);
  EXPECT_TRUE(holds(err_, "HTTP status 418")) << err_.str();
}

TEST(api_url, is_a_host_and_a_port) {
  const auto text = [](std::string_view url) {
    const auto parsed = parse_api_url(url);
    return parsed ? parsed.value().text() : parsed.error().message;
  };
  EXPECT_EQ(text("http://127.0.0.1:27182"), "127.0.0.1:27182");
  EXPECT_EQ(text("http://localhost"), "localhost:27182");
  EXPECT_EQ(text("http://[::1]:4000/"), "[::1]:4000");
  EXPECT_EQ(parse_api_url("http://[::1]").value().host, "::1");
  for (const char* wrong :
       {"", "localhost:1", "https//a", "http://", "http://:1", "http://a:", "http://a:0", "http://a:65536",
        "http://a:1x", "http://a/b", "http://u@a", "http://[::1", "http://[::1]x:1", "http://a b", "http://a?x"}) {
    EXPECT_FALSE(parse_api_url(wrong)) << wrong;
    EXPECT_TRUE(text(wrong).starts_with("--url ")) << wrong;
  }
}

}  // namespace
}  // namespace sluice::tools
