// The mutex of one lane's coroutines: order, cancellation at every moment, turns that are never lost.
#include "engine/runtime/mutex.hpp"

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

namespace sluice::runtime {
namespace {

task<void> let_others_run() {
  auto lane = co_await boost::asio::this_coro::executor;
  co_await boost::asio::post(lane, boost::asio::use_awaitable);
}

class mutex_test : public testing::Test {
 protected:
  void spawn(task<void> work) {
    boost::asio::co_spawn(lane_, std::move(work), [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
  }
  void run_ready() {
    lane_.restart();
    lane_.poll();
  }
  task<void> keep(std::optional<mutex::held>* out) {
    auto turn = co_await under_test_.lock(scope_);
    if (turn) out->emplace(std::move(turn.value()));
  }
  task<void> swap_for(mutex* second) {
    auto first = co_await under_test_.lock(scope_);
    auto then = co_await second->lock(scope_);
    EXPECT_TRUE(first && then);
    if (!first || !then) co_return;
    first.value() = std::move(then.value());
    EXPECT_FALSE(under_test_.is_held());
    EXPECT_TRUE(second->is_held());
  }
  /// Takes the turn, keeps it for a while, and writes down what happened.
  task<void> take(char name, cancel_scope& scope) {
    auto turn = co_await under_test_.lock(scope);
    if (!turn) {
      log_ += std::string("-") + name;
      EXPECT_EQ(turn.error().kind, error_kind::cancelled);
      co_return;
    }
    log_ += name;
    EXPECT_EQ(++inside_, 1);
    for (int i = 0; i < 3; ++i) co_await let_others_run();
    --inside_;
  }

  boost::asio::io_context lane_{1};
  cancel_scope scope_;
  mutex under_test_;
  std::string log_;
  int inside_ = 0;
};

TEST_F(mutex_test, whoever_asked_first_gets_it_first) {
  for (const char name : {'a', 'b', 'c', 'd'}) spawn(take(name, scope_));
  run_ready();
  EXPECT_EQ(log_, "abcd");
  EXPECT_FALSE(under_test_.is_held());
}

TEST_F(mutex_test, only_one_is_inside_while_others_wait) {
  std::optional<mutex::held> mine;
  spawn(keep(&mine));
  run_ready();
  ASSERT_TRUE(mine);
  spawn(take('a', scope_));
  spawn(take('b', scope_));
  run_ready();
  EXPECT_EQ(log_, "");
  mutex::held moved = std::move(*mine);
  mine.reset();  // moved from: gives nothing back
  run_ready();
  EXPECT_EQ(log_, "");
  moved.release();
  moved.release();  // once is enough
  run_ready();
  EXPECT_EQ(log_, "ab");
  EXPECT_FALSE(under_test_.is_held());
}

TEST_F(mutex_test, assigning_gives_the_old_turn_back) {
  mutex other;
  spawn(swap_for(&other));
  run_ready();
  EXPECT_FALSE(other.is_held());
}

TEST_F(mutex_test, a_cancelled_wait_ends_and_those_behind_get_their_turn) {
  cancel_scope one;
  std::optional<mutex::held> mine;
  spawn(keep(&mine));
  run_ready();
  spawn(take('a', one));
  spawn(take('b', scope_));
  run_ready();
  one.cancel();
  run_ready();
  EXPECT_EQ(log_, "-a");
  mine.reset();
  run_ready();
  EXPECT_EQ(log_, "-ab");
  EXPECT_FALSE(under_test_.is_held());
}

TEST_F(mutex_test, a_turn_that_comes_together_with_the_cancellation_goes_to_the_next) {
  cancel_scope one;
  std::optional<mutex::held> mine;
  spawn(keep(&mine));
  run_ready();
  spawn(take('a', one));
  spawn(take('b', scope_));
  run_ready();
  mine.reset();  // a's turn, but a does not run before it is cancelled
  one.cancel();
  run_ready();
  EXPECT_EQ(log_, "-ab");
  EXPECT_FALSE(under_test_.is_held());
}

TEST_F(mutex_test, a_cancelled_scope_gets_no_turn_at_all) {
  cancel_scope one;
  one.cancel();
  spawn(take('a', one));
  run_ready();
  EXPECT_EQ(log_, "-a");
  EXPECT_FALSE(under_test_.is_held());
}

TEST(mutex, a_waiting_coroutine_that_is_destroyed_leaves_the_queue) {
  mutex under_test;
  cancel_scope scope;
  std::optional<mutex::held> mine;
  {
    boost::asio::io_context lane{1};
    const auto take_it = [&](std::optional<mutex::held>* out) -> task<void> {
      auto turn = co_await under_test.lock(scope);
      if (turn) out->emplace(std::move(turn.value()));
    };
    std::optional<mutex::held> never;
    std::optional<mutex::held> granted;
    boost::asio::co_spawn(lane, take_it(&mine), boost::asio::detached);
    boost::asio::co_spawn(lane, take_it(&granted), boost::asio::detached);
    boost::asio::co_spawn(lane, take_it(&never), boost::asio::detached);
    lane.poll();
    ASSERT_TRUE(mine);
    mine.reset();  // the second one's turn: its lane ends before it runs
    EXPECT_TRUE(under_test.is_held());
  }
  EXPECT_FALSE(under_test.is_held());
}

TEST(mutex, random_takers_never_meet_and_no_turn_is_lost) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  boost::asio::io_context lane{1};
  mutex under_test;
  int inside = 0;
  int served = 0;
  int cancelled = 0;
  constexpr int many = 2000;
  std::vector<std::unique_ptr<cancel_scope>> scopes;
  for (int i = 0; i < many; ++i) scopes.push_back(std::make_unique<cancel_scope>());
  for (int i = 0; i < many; ++i) {
    const auto early = random() % 4;
    const auto stay = random() % 4;
    const auto doomed = random() % 3 == 0 ? scopes[random() % many].get() : nullptr;
    const auto body = [&, i, early, stay, doomed]() -> task<void> {
      for (unsigned n = 0; n < early; ++n) co_await let_others_run();
      auto turn = co_await under_test.lock(*scopes[static_cast<std::size_t>(i)]);
      if (doomed != nullptr) doomed->cancel();
      if (!turn) {
        ++cancelled;
        co_return;
      }
      EXPECT_EQ(++inside, 1);
      for (unsigned n = 0; n < stay; ++n) co_await let_others_run();
      --inside;
      ++served;
    };
    boost::asio::co_spawn(lane, body, boost::asio::detached);
  }
  lane.run();
  EXPECT_EQ(served + cancelled, many);
  EXPECT_GT(served, 0);
  EXPECT_GT(cancelled, 0);
  EXPECT_FALSE(under_test.is_held());
}

}  // namespace
}  // namespace sluice::runtime
