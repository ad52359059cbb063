// Two streams of documents side by side: what is in doubt, and how much has to be read for that.
#include "engine/verify/side_by_side.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace sluice::verify {
namespace {

bson::document document(std::int32_t id, std::int32_t value = 0) {
  bson::builder one;
  one.append("_id", id).append("v", value);
  return one.finish();
}

wire::batch batch(const std::vector<bson::document>& documents) {
  bson::builder array;
  for (const auto& one : documents) array.push(one);
  const bson::document whole = array.finish();
  wire::batch data;
  data.memory = runtime::heap_buffer(whole.bytes().size());
  std::memcpy(data.memory.data(), whole.bytes().data(), whole.bytes().size());
  data.documents = {data.memory.data(), whole.bytes().size()};
  return data;
}

std::vector<std::int32_t> ids(const std::vector<bson::document>& doubtful) {
  std::vector<std::int32_t> all;
  for (const auto& one : doubtful) all.push_back(one.view().find("_id").as_int32().value());
  return all;
}

/// Compares both to their ends, given out in batches.
std::vector<std::int32_t> doubts(std::vector<bson::document> source, std::vector<bson::document> destination,
                                 std::size_t documents_a_batch = 3) {
  side_by_side both;
  std::vector<bson::document> doubtful;
  std::array<std::vector<bson::document>*, 2> left{&source, &destination};
  for (;;) {
    const auto compared = both.compare(doubtful);
    EXPECT_TRUE(compared);
    const auto wanted = compared.value();
    if (!wanted) break;
    auto& from = *left[static_cast<std::size_t>(*wanted)];
    if (from.empty()) {
      both.end(*wanted);
      continue;
    }
    const auto count = static_cast<std::ptrdiff_t>(std::min(documents_a_batch, from.size()));
    const std::vector<bson::document> part(from.begin(), from.begin() + count);
    from.erase(from.begin(), from.begin() + count);
    EXPECT_TRUE(both.add(*wanted, batch(part)));
  }
  return ids(doubtful);
}

std::vector<bson::document> range(std::int32_t from, std::int32_t to) {
  std::vector<bson::document> all;
  for (auto id = from; id < to; ++id) all.push_back(document(id));
  return all;
}

using found = std::vector<std::int32_t>;

TEST(side_by_side, equal_streams_leave_no_doubt) {
  EXPECT_EQ(doubts({}, {}), found{});
  EXPECT_EQ(doubts(range(0, 10), range(0, 10)), found{});
  EXPECT_EQ(doubts(range(0, 10), range(0, 10), 10), found{});
}

TEST(side_by_side, what_differs_is_in_doubt_once) {
  auto changed = range(0, 10);
  changed[4] = document(4, 1);
  EXPECT_EQ(doubts(range(0, 10), changed), found{4});
}

TEST(side_by_side, what_is_on_one_side_only_is_in_doubt) {
  auto fewer = range(0, 10);
  fewer.erase(fewer.begin() + 3, fewer.begin() + 5);
  EXPECT_EQ(doubts(range(0, 10), fewer), (found{3, 4}));
  EXPECT_EQ(doubts(fewer, range(0, 10)), (found{3, 4}));
  EXPECT_EQ(doubts(range(0, 3), {}), (found{0, 1, 2}));
  EXPECT_EQ(doubts({}, range(0, 3)), (found{0, 1, 2}));
  EXPECT_EQ(doubts(range(0, 5), range(0, 7)), (found{5, 6}));
}

TEST(side_by_side, the_order_is_whatever_the_server_says) {
  auto backwards = range(0, 20);
  std::ranges::reverse(backwards);
  auto fewer = backwards;
  fewer.erase(fewer.begin() + 7);
  EXPECT_EQ(doubts(backwards, fewer), found{12});
}

TEST(side_by_side, nothing_that_differs_is_missed) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    auto source = range(0, 50);
    auto destination = range(0, 50);
    std::set<std::int32_t> different;
    for (int change = 0; change < 8; ++change) {
      const auto id = static_cast<std::int32_t>(random() % 50);
      const auto is = [id](const bson::document& one) { return one.view().find("_id").as_int32() == id; };
      different.insert(id);
      switch (random() % 3) {
        case 0:
          std::erase_if(source, is);
          break;
        case 1:
          std::erase_if(destination, is);
          break;
        default:
          for (auto& one : destination) {
            if (is(one)) one = document(id, 1);
          }
      }
      const auto on = [&](const auto& side) { return std::ranges::any_of(side, is); };
      if (!on(source) && !on(destination)) different.erase(id);
    }
    const auto in_doubt = doubts(source, destination, 1 + random() % 60);
    const std::set<std::int32_t> told(in_doubt.begin(), in_doubt.end());
    EXPECT_EQ(told, different) << "round " << round;
  }
}

TEST(side_by_side, a_document_far_away_is_not_waited_for_without_end) {
  auto shifted = range(1500, 3000);
  std::ranges::move(range(0, 1500), std::back_inserter(shifted));
  const auto in_doubt = doubts(range(0, 3000), shifted, 500);
  EXPECT_GE(in_doubt.size(), 1500U) << "doubt is allowed here, a lost document is not";
}

TEST(side_by_side, what_is_no_batch_of_documents_is_refused) {
  bson::builder without;
  without.append("v", 1);
  side_by_side both;
  std::vector<bson::document> doubtful;
  EXPECT_EQ(both.add(side::source, batch({without.finish()})).value(), 1U);
  EXPECT_TRUE(both.add(side::destination, batch(range(0, 1))));
  both.end(side::source);
  both.end(side::destination);
  EXPECT_FALSE(both.compare(doubtful)) << "nobody could look at it again";
  auto broken = batch(range(0, 2));
  broken.documents[4] = std::byte{0x10};
  EXPECT_FALSE(both.add(side::source, std::move(broken)));
}

}  // namespace
}  // namespace sluice::verify
