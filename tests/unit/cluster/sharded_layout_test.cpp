// How many chunks a collection begins with, and where they begin.
#include "engine/cluster/sharded_layout.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/cluster/fixture.hpp"

namespace sluice::cluster {
namespace {

using testing::json;
using testing::text;

constexpr std::int64_t mib = std::int64_t{1024} * 1024;

TEST(chunks_for, small_collections_and_single_shards_stay_whole) {
  EXPECT_EQ(chunks_for(mib, 3), 1U);
  EXPECT_EQ(chunks_for(0, 3), 1U);
  EXPECT_EQ(chunks_for(-1, 3), 1U);
  EXPECT_EQ(chunks_for(std::int64_t{1} << 40, 1), 1U);
  EXPECT_EQ(chunks_for(std::int64_t{1} << 40, 0), 1U);
}

TEST(chunks_for, grow_with_the_data_up_to_some_for_each_shard) {
  std::size_t before = 1;
  for (std::int64_t bytes = mib; bytes < 1024 * mib; bytes *= 2) {
    const std::size_t now = chunks_for(bytes, 4);
    EXPECT_GE(now, before) << bytes;
    before = now;
  }
  EXPECT_GT(chunks_for(64 * mib, 4), 4U);
  EXPECT_EQ(chunks_for(std::int64_t{1} << 40, 4), chunks_for(std::int64_t{1} << 50, 4));
  EXPECT_EQ(chunks_for(std::int64_t{1} << 40, 8), 2 * chunks_for(std::int64_t{1} << 40, 4));
}

using texts = std::vector<std::string>;

texts points(const std::vector<std::string>& samples, std::string_view key, std::size_t chunks) {
  std::vector<bson::document> documents;
  documents.reserve(samples.size());
  for (const auto& sample : samples) documents.push_back(json(sample));
  texts found;
  for (const auto& point : split_points(documents, json(key), chunks)) found.push_back(text(point));
  return found;
}

texts as_text(const std::vector<std::string>& all) {
  texts found;
  for (const auto& one : all) found.push_back(text(one));
  return found;
}

TEST(split_points, ascend_in_equal_shares) {
  std::vector<std::string> samples;
  for (int i = 0; i < 100; ++i) samples.push_back(R"({"a": )" + std::to_string((i * 37) % 100) + "}");
  EXPECT_EQ(points(samples, R"({"a": 1})", 4), as_text({R"({"a": 25})", R"({"a": 50})", R"({"a": 75})"}));
  EXPECT_EQ(points(samples, R"({"a": 1})", 1), texts{});
}

TEST(split_points, are_told_apart_and_never_the_lowest) {
  const std::vector<std::string> samples{R"({"a": 1})", R"({"a": 1})", R"({"a": 1})", R"({"a": 1})",
                                         R"({"a": 1})", R"({"a": 2})", R"({"a": 2})", R"({"a": 3})"};
  EXPECT_EQ(points(samples, R"({"a": 1})", 8), as_text({R"({"a": 2})", R"({"a": 3})"}));
  EXPECT_EQ(points({R"({"a": 7})", R"({"a": 7})", R"({"a": 7})"}, R"({"a": 1})", 3), texts{});
  // Numbers of several types are one value to the server.
  EXPECT_EQ(points({R"({"a": 7})", R"({"a": 7.0})", R"({"a": {"$numberLong": "7"}})"}, R"({"a": 1})", 3), texts{});
}

TEST(split_points, are_fewer_where_there_are_fewer_samples) {
  EXPECT_EQ(points({R"({"a": "x"})", R"({"a": "y"})"}, R"({"a": 1})", 10), as_text({R"({"a": "y"})"}));
  EXPECT_EQ(points({R"({"a": "x"})"}, R"({"a": 1})", 10), texts{});
  EXPECT_EQ(points({}, R"({"a": 1})", 10), texts{});
  EXPECT_EQ(points({}, R"({"a": 1})", 0), texts{});
}

TEST(split_points, of_several_fields_are_compared_by_each_in_turn) {
  EXPECT_EQ(points({R"({"b": 1, "a": 2})", R"({"b": 9, "a": 1})", R"({"b": 2, "a": 2})", R"({"b": 3, "a": 1})"},
                   R"({"a": 1, "b": 1})", 4),
            as_text({R"({"a": 1, "b": 9})", R"({"a": 2, "b": 1})", R"({"a": 2, "b": 2})"}));
  EXPECT_EQ(points({R"({"a": {"b": 1}})", R"({"a": {"b": 2}})"}, R"({"a.b": 1})", 2), as_text({R"({"a.b": 2})"}));
}

TEST(split_points, what_a_sample_lacks_is_null) {
  EXPECT_EQ(points({R"({"a": 1, "b": 1})", R"({"a": 1})", R"({"b": 1})", R"({"a": 2})"}, R"({"a": 1, "b": 1})", 4),
            as_text({R"({"a": 1, "b": null})", R"({"a": 1, "b": 1})", R"({"a": 2, "b": null})"}));
}

TEST(split_points, hashed_fields_begin_at_their_lowest_value) {
  EXPECT_EQ(points({R"({"a": 1, "_id": 5})", R"({"a": 2, "_id": 4})", R"({"a": 2, "_id": 3})"},
                   R"({"a": 1, "_id": "hashed"})", 3),
            as_text({R"({"a": 2, "_id": {"$minKey": 1}})"}));
  EXPECT_EQ(points({R"({"a": 1})", R"({"a": 2})"}, R"({"a": "hashed"})", 2), texts{});
}

}  // namespace
}  // namespace sluice::cluster
