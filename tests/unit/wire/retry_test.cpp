// The one retry: what it repeats, how long, who hears of it, and that a cancelled scope ends it at once.
#include "engine/wire/retry.hpp"

#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "engine/runtime/limits.hpp"

namespace sluice::wire {
namespace {

using namespace std::chrono_literals;

/// Answers with the given errors, one a call, then with 42.
struct scripted {
  std::vector<error> errors;
  std::size_t calls = 0;
  task<result<int>> operator()() {
    const std::size_t call = calls++;
    if (call < errors.size()) co_return errors[call];
    co_return 42;
  }
};

template <class Report>
result<int> run(scripted& operation, std::chrono::milliseconds patience, runtime::cancel_scope& scope, Report report) {
  boost::asio::io_context context;
  std::optional<result<int>> answer;
  auto body = [&]() -> task<void> {
    auto call = [&operation] { return operation(); };
    on_retry notice = report;
    answer = co_await retry(call, patience, scope, notice);
  };
  boost::asio::co_spawn(context, body, boost::asio::detached);
  context.run();
  return *answer;
}

const error lost = failure(error_kind::network, "connection lost");

TEST(retry, repeats_what_may_pass_and_reports_each_time) {
  scripted operation{{lost, lost}};
  runtime::cancel_scope scope;
  std::vector<std::uint32_t> attempts;
  const auto answer = run(operation, 10s, scope, [&](const retry_notice& notice) {
    attempts.push_back(notice.attempt);
    EXPECT_EQ(notice.cause.message, "connection lost");
    EXPECT_GT(notice.wait, 0ms);
  });
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer.value(), 42);
  EXPECT_EQ(attempts, (std::vector<std::uint32_t>{1, 2}));
}

TEST(retry, does_not_repeat_what_cannot_pass) {
  scripted operation{{failure(error_kind::authentication, "wrong password")}};
  runtime::cancel_scope scope;
  const auto answer = run(operation, 10s, scope, [](const retry_notice&) { FAIL(); });
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "wrong password");
  EXPECT_EQ(operation.calls, 1U);
}

TEST(retry, no_patience_means_once) {
  scripted operation{{lost}};
  runtime::cancel_scope scope;
  const auto answer = run(operation, 0ms, scope, [](const retry_notice&) { FAIL(); });
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "connection lost");
  EXPECT_EQ(operation.calls, 1U);
}

TEST(retry, gives_up_and_says_how_long_it_tried) {
  scripted operation{std::vector<error>(1000, lost)};
  runtime::cancel_scope scope;
  const auto answer = run(operation, 200ms, scope, [](const retry_notice&) {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::network);
  EXPECT_GT(operation.calls, 1U);
  EXPECT_NE(answer.error().message.find("connection lost; gave up after " + std::to_string(operation.calls)),
            std::string::npos)
      << answer.error().message;
}

TEST(retry, a_cancelled_scope_ends_the_wait) {
  scripted operation{std::vector<error>(1000, lost)};
  runtime::cancel_scope scope;
  const auto answer = run(operation, 1h, scope, [&](const retry_notice& notice) {
    if (notice.attempt == 3) scope.cancel();
  });
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, error_kind::cancelled);
  EXPECT_EQ(operation.calls, 3U);
}

TEST(backoff, doubles_within_its_bounds_with_jitter) {
  backoff waits(1);
  std::chrono::milliseconds upper = limits::retry_backoff_min;
  bool jittered = false;
  for (int i = 0; i < 20; ++i) {
    const auto wait = waits.next();
    EXPECT_GE(wait, upper / 2);
    EXPECT_LE(wait, upper);
    jittered = jittered || (wait != upper && wait != upper / 2);
    upper = std::min<std::chrono::milliseconds>(upper * 2, limits::retry_backoff_max);
  }
  EXPECT_TRUE(jittered);
  waits.reset();
  EXPECT_LE(waits.next(), limits::retry_backoff_min);
}

}  // namespace
}  // namespace sluice::wire
