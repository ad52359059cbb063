// Lanes that turn answer; one that hangs is named until it goes on, or is gone.
#include "engine/runtime/pulse.hpp"

#include <chrono>
#include <functional>
#include <future>
#include <thread>

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include "engine/runtime/lane.hpp"

namespace sluice::runtime {
namespace {

using names = std::vector<std::string>;

bool soon(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

/// Returns once the lane is inside a handler, which ends when `release` is satisfied.
void hang(lane& where, std::shared_future<void> release) {
  std::promise<void> inside;
  boost::asio::post(where.context(), [&inside, release = std::move(release)] {
    inside.set_value();
    release.wait();
  });
  inside.get_future().wait();
}

TEST(pulse, nobody_is_silent_who_was_not_asked) {
  EXPECT_EQ(pulse().silent(), names{});
}

TEST(pulse, a_lane_that_hangs_is_named_until_it_goes_on) {
  lane well("well"), ill("ill");
  well.start();
  ill.start();
  std::promise<void> release;
  hang(ill, release.get_future().share());
  pulse lanes;
  lanes.ask();
  EXPECT_TRUE(soon([&] { return lanes.silent() == names{"ill"}; }));
  release.set_value();
  EXPECT_TRUE(soon([&] { return lanes.silent().empty(); }));
}

TEST(pulse, only_lanes_that_run_are_asked) {
  lane idle("idle");
  pulse lanes;
  lanes.ask();
  EXPECT_EQ(lanes.silent(), names{}) << "it has not been started";
  idle.start();
  idle.stop();
  lanes.ask();
  EXPECT_EQ(lanes.silent(), names{}) << "it has been stopped";
}

TEST(pulse, a_lane_that_is_stopped_meanwhile_is_not_waited_for) {
  lane going("going");
  going.start();
  std::promise<void> release;
  hang(going, release.get_future().share());
  pulse lanes;
  lanes.ask();
  EXPECT_EQ(lanes.silent(), names{"going"});
  std::thread stopping([&] { going.stop(); });  // waits for the handler
  EXPECT_TRUE(soon([&] { return lanes.silent().empty(); }));
  release.set_value();
  stopping.join();
}

}  // namespace
}  // namespace sluice::runtime
