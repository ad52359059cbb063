// What a record on disk keeps of a chunk, while the wall clock jumps.
#include "engine/capture/spool_record.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace sluice::capture {
namespace {

using std::chrono::steady_clock;

TEST(spool_record, an_arrival_in_the_future_is_now) {
  change_chunk chunk;
  chunk.arrived = steady_clock::now();
  auto header = describe(chunk, {});
  header.arrived_ms += 3'600'000;  // the clock was set back by an hour since
  const auto before = steady_clock::now();
  const auto restored = restore(header);
  EXPECT_GE(restored.arrived, before);
  EXPECT_LE(restored.arrived, steady_clock::now());
}

TEST(spool_record, an_arrival_keeps_its_age) {
  change_chunk chunk;
  chunk.arrived = steady_clock::now() - std::chrono::seconds(100);
  const auto restored = restore(describe(chunk, {}));
  const auto age = steady_clock::now() - restored.arrived;
  EXPECT_GE(age, std::chrono::seconds(99));
  EXPECT_LT(age, std::chrono::seconds(160));
}

}  // namespace
}  // namespace sluice::capture
