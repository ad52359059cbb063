// The primitives of engine/runtime, each alone on a lane of the test's own.
#include <algorithm>
#include <cstring>
#include <future>
#include <memory>
#include <numeric>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>
#include <sched.h>

#include "engine/runtime/bounded_stream.hpp"
#include "engine/runtime/buffer_pool.hpp"
#include "engine/runtime/call_on.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/lane.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/runtime/task_group.hpp"

namespace sluice::runtime {
namespace {

using namespace std::chrono_literals;

/// Runs coroutines on the calling thread until none is left.
class loop {
 public:
  template <class Work>
  void spawn(Work work) {
    boost::asio::co_spawn(context_, std::move(work), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
  }
  void run() { context_.run(); }
  void run_ready() {
    context_.restart();
    context_.poll();
  }
  boost::asio::any_io_executor executor() { return context_.get_executor(); }

 private:
  boost::asio::io_context context_{1};
};

TEST(cancel_scope, runs_each_hook_once_and_late_ones_at_once) {
  cancel_scope scope;
  int first = 0;
  int late = 0;
  auto hook = scope.on_cancel([&] { ++first; });
  scope.cancel();
  scope.cancel();
  auto late_hook = scope.on_cancel([&] { ++late; });
  EXPECT_TRUE(scope.cancelled());
  EXPECT_EQ(first, 1);
  EXPECT_EQ(late, 1);
}

TEST(cancel_scope, forgets_a_hook_that_is_gone) {
  cancel_scope scope;
  int runs = 0;
  {
    auto hook = scope.on_cancel([&] { ++runs; });
    auto moved = std::move(hook);
  }
  scope.cancel();
  EXPECT_EQ(runs, 0);
}

TEST(cancel_scope, lets_a_hook_remove_itself_while_it_runs) {
  cancel_scope scope;
  cancel_scope::hook self;
  int others = 0;
  self = scope.on_cancel([&] { self.reset(); });
  auto other = scope.on_cancel([&] { ++others; });
  scope.cancel();
  EXPECT_EQ(others, 1);
}

TEST(bounded_stream, delivers_in_order_never_more_than_its_capacity_and_ends) {
  loop io;
  cancel_scope scope;
  bounded_stream<std::unique_ptr<int>> stream(io.executor(), 2, scope);
  std::vector<int> seen;
  std::size_t largest = 0;
  io.spawn([&]() -> task<void> {
    for (int i = 0; i < 100; ++i) {
      auto value = std::make_unique<int>(i);
      const bool taken = co_await stream.push(std::move(value));
      EXPECT_TRUE(taken);
      largest = std::max(largest, stream.size());
    }
    stream.close();
  });
  io.spawn([&]() -> task<void> {
    while (auto value = co_await stream.pop()) seen.push_back(**value);
  });
  io.run();
  std::vector<int> expected(100);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(seen, expected);
  EXPECT_LE(largest, 2U);
}

TEST(bounded_stream, an_abandoned_stream_refuses_and_drops_what_it_holds) {
  loop io;
  cancel_scope scope;
  bounded_stream<std::shared_ptr<int>> stream(io.executor(), 1, scope);
  auto watched = std::make_shared<int>(1);
  bool second = true;
  io.spawn([&]() -> task<void> {
    auto copy = watched;
    (void)co_await stream.push(std::move(copy));
    auto next = std::make_shared<int>(2);
    second = co_await stream.push(std::move(next));
  });
  io.run_ready();
  EXPECT_EQ(watched.use_count(), 2);
  stream.abandon();
  io.run_ready();
  EXPECT_FALSE(second);
  EXPECT_EQ(watched.use_count(), 1);
}

TEST(bounded_stream, cancellation_ends_both_sides) {
  loop io;
  cancel_scope scope;
  bounded_stream<int> empty(io.executor(), 1, scope);
  bounded_stream<int> full(io.executor(), 1, scope);
  bool popped = true;
  bool pushed = true;
  io.spawn([&]() -> task<void> { popped = (co_await empty.pop()).has_value(); });
  io.spawn([&]() -> task<void> {
    (void)co_await full.push(1);
    pushed = co_await full.push(2);
  });
  io.run_ready();
  scope.cancel();
  io.run();
  EXPECT_FALSE(popped);
  EXPECT_FALSE(pushed);
}

TEST(buffer_pool, hands_memory_out_again_instead_of_mapping_more) {
  loop io;
  cancel_scope scope;
  buffer_pool pool(io.executor(), 64 * limits::mib);
  io.spawn([&]() -> task<void> {
    for (int i = 0; i < 1000; ++i) {
      auto memory = co_await pool.acquire(900'000, scope);
      EXPECT_TRUE(memory.has_value());
      std::memset(memory.value().data(), i, 900'000);
    }
  });
  io.run();
  EXPECT_EQ(pool.current().maps, 1U);
  EXPECT_EQ(pool.current().in_use_bytes, 0U);
}

TEST(buffer_pool, waits_for_memory_in_order_of_arrival_and_never_exceeds_the_budget) {
  loop io;
  cancel_scope scope;
  buffer_pool pool(io.executor(), 34 * limits::mib + 64 * limits::kib);
  std::vector<int> order;
  std::vector<buffer> held;
  auto take = [&](int name, std::size_t bytes) {
    io.spawn([&, name, bytes]() -> task<void> {
      auto memory = co_await pool.acquire(bytes, scope);
      EXPECT_TRUE(memory.has_value());
      order.push_back(name);
      held.push_back(std::move(memory.value()));
    });
  };
  take(0, 17 * limits::mib);
  take(1, 34 * limits::mib);  // does not fit beside the first
  take(2, 64 * limits::kib);  // would fit, but came later
  io.run_ready();
  EXPECT_EQ(order, (std::vector<int>{0}));
  EXPECT_EQ(pool.current().waiting, 2U);
  held.clear();
  io.run_ready();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
  EXPECT_LE(pool.current().mapped_bytes, pool.current().budget_bytes);
  held.clear();
}

TEST(buffer_pool, gives_unused_sizes_back_when_another_needs_the_room) {
  loop io;
  cancel_scope scope;
  buffer_pool pool(io.executor(), 34 * limits::mib);
  io.spawn([&]() -> task<void> {
    {
      std::vector<buffer> small;
      for (int i = 0; i < 33; ++i) {
        auto memory = co_await pool.acquire(limits::mib, scope);
        small.push_back(std::move(memory.value()));
      }
    }
    auto large = co_await pool.acquire(33 * limits::mib, scope);
    EXPECT_TRUE(large.has_value());
    EXPECT_LE(pool.current().mapped_bytes, 34 * limits::mib);
  });
  io.run();
}

TEST(buffer_pool, refuses_what_can_never_fit_and_ends_waits_on_cancel) {
  loop io;
  cancel_scope scope;
  buffer_pool pool(io.executor(), 34 * limits::mib);
  std::optional<error_kind> too_large;
  std::optional<error_kind> cancelled;
  buffer all;
  io.spawn([&]() -> task<void> {
    auto never = co_await pool.acquire(40 * limits::mib, scope);
    too_large = never.error().kind;
    auto everything = co_await pool.acquire(34 * limits::mib, scope);
    all = std::move(everything.value());
    auto waiting = co_await pool.acquire(1, scope);
    cancelled = waiting.error().kind;
  });
  io.run_ready();
  scope.cancel();
  io.run_ready();
  EXPECT_EQ(too_large, error_kind::protocol);
  EXPECT_EQ(cancelled, error_kind::cancelled);
  EXPECT_EQ(pool.current().waiting, 0U);
}

TEST(task_group, reports_the_cause_and_not_its_echoes) {
  loop io;
  cancel_scope scope;
  task_group group(io.executor(), scope);
  std::optional<error> seen;
  auto sleeper = [&]() -> task<result<>> {
    const bool whole = co_await sleep_for(1h, scope);
    if (!whole) co_return failure(error_kind::cancelled, "woken");
    co_return ok();
  };
  auto failing = [&]() -> task<result<>> {
    (void)co_await sleep_for(1ms, scope);
    co_return failure(error_kind::network, "the cause");
  };
  io.spawn([&]() -> task<void> {
    group.spawn(sleeper());
    group.spawn(failing());
    group.spawn(sleeper());
    auto outcome = co_await group.join();
    seen = outcome.error();
  });
  io.run();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->message, "the cause");
  EXPECT_EQ(group.running(), 0U);
}

TEST(call_on, runs_on_the_other_lane_and_returns_on_its_own) {
  lane here("here");
  lane there("there");
  here.start();
  there.start();
  std::promise<std::pair<bool, bool>> answer;
  boost::asio::co_spawn(
      here.context(),
      [&]() -> task<void> {
        const auto mine = std::this_thread::get_id();
        auto other = co_await call_on(there.executor(),
                                      []() -> task<result<std::thread::id>> { co_return std::this_thread::get_id(); });
        answer.set_value({other.value() != mine, std::this_thread::get_id() == mine});
      },
      [](std::exception_ptr) {});
  EXPECT_EQ(answer.get_future().get(), (std::pair{true, true}));
}

/// Everything that this thread starts shares one core, so that a thread of class SCHED_IDLE stands still as soon as it
/// has woken another one.
class one_core {
 public:
  one_core() {
    ::sched_getaffinity(0, sizeof(before_), &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(::sched_getcpu(), &one);
    EXPECT_EQ(::sched_setaffinity(0, sizeof(one), &one), 0);
  }
  ~one_core() { ::sched_setaffinity(0, sizeof(before_), &before_); }
  one_core(const one_core&) = delete;
  one_core& operator=(const one_core&) = delete;

 private:
  cpu_set_t before_{};
};

// What the other thread does once the caller may go on touches nothing of the caller's lane (the address sanitizer
// looks).
TEST(call_on, lets_the_callers_lane_end_at_once) {
  const one_core shared;
  lane there("there");
  there.start();
  boost::asio::post(there.context(), [] {
    const sched_param none{};
    EXPECT_EQ(::sched_setscheduler(0, SCHED_IDLE, &none), 0);
  });
  for (int i = 0; i < 100; ++i) {
    auto here = std::make_unique<lane>("here");
    here->start();
    std::promise<void> answered;
    boost::asio::co_spawn(
        here->context(),
        [&]() -> task<void> {
          (void)co_await call_on(there.executor(), []() -> task<result<>> { co_return ok(); });
          answered.set_value();
        },
        [](std::exception_ptr) {});
    answered.get_future().wait();
    here.reset();
  }
}

TEST(lane, can_be_stopped_while_coroutines_wait) {
  auto one = std::make_unique<lane>("one");
  one->start();
  cancel_scope scope;
  boost::asio::co_spawn(
      one->context(), [&]() -> task<void> { (void)co_await sleep_for(1h, scope); }, [](std::exception_ptr) {});
  one->stop();
  one.reset();  // destroys the suspended coroutine, and with it the hook in `scope`
  EXPECT_FALSE(scope.cancelled());
}

}  // namespace
}  // namespace sluice::runtime
