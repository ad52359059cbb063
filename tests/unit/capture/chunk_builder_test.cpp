#include "engine/capture/chunk_builder.hpp"

#include <gtest/gtest.h>

#include "bson/document.hpp"

namespace sluice::capture {
namespace {

using clock = std::chrono::steady_clock;

bson::document entry_of(std::int32_t number) {
  bson::builder made;
  made.append("number", number);
  return made.finish();
}

TEST(chunk_builder, keeps_entries_back_to_back_and_their_ends) {
  chunk_builder builder;
  EXPECT_FALSE(builder.has_news());
  const auto one = entry_of(1);
  const auto two = entry_of(2);
  builder.add(one.bytes(), {{10, 1}, 3});
  builder.add(two.bytes(), {{10, 2}, 4});
  builder.seen({10, 5});
  ASSERT_TRUE(builder.has_news());
  const auto now = clock::now();
  const auto chunk = builder.take(now);
  EXPECT_EQ(chunk.count, 2u);
  EXPECT_EQ(chunk.first, (wire::optime{{10, 1}, 3}));
  EXPECT_EQ(chunk.last, (wire::optime{{10, 2}, 4}));
  EXPECT_EQ(chunk.seen_until, (bson::timestamp{10, 5}));
  EXPECT_EQ(chunk.arrived, now);
  std::vector<std::byte> both(one.bytes().begin(), one.bytes().end());
  both.insert(both.end(), two.bytes().begin(), two.bytes().end());
  EXPECT_EQ(chunk.entries, both);
}

TEST(chunk_builder, starts_anew_but_never_back_in_time) {
  chunk_builder builder;
  builder.add(entry_of(1).bytes(), {{10, 1}, 3});
  builder.seen({10, 9});
  (void)builder.take(clock::now());
  EXPECT_FALSE(builder.has_news());
  builder.seen({10, 2});
  EXPECT_FALSE(builder.has_news()) << "older than what was said before";
  builder.seen({10, 10});
  ASSERT_TRUE(builder.has_news());
  const auto idle = builder.take(clock::now());
  EXPECT_EQ(idle.count, 0u);
  EXPECT_TRUE(idle.entries.empty());
  EXPECT_EQ(idle.seen_until, (bson::timestamp{10, 10}));
}

TEST(chunk_builder, is_full_at_its_target_and_wastes_no_memory) {
  chunk_builder builder(100);
  builder.expect(1'000'000);
  std::uint32_t added = 0;
  while (!builder.full()) builder.add(entry_of(1).bytes(), {{10, ++added}, 3});
  const auto chunk = builder.take(clock::now());
  EXPECT_GE(chunk.entries.size(), 100u);
  EXPECT_LT(chunk.entries.size(), 100 + entry_of(1).bytes().size());
  EXPECT_LE(chunk.entries.capacity(), 2 * chunk.entries.size());

  chunk_builder large;
  large.expect(1'000'000);
  large.add(entry_of(1).bytes(), {{10, 1}, 3});
  EXPECT_LE(large.take(clock::now()).entries.capacity(), 100u) << "chunks may wait for long";
}

}  // namespace
}  // namespace sluice::capture
