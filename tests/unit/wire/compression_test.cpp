// What goes in comes out, what is damaged or lies about its size does not.
#include "engine/wire/compression.hpp"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::wire {
namespace {

using bytes = std::vector<std::byte>;

bytes compressible(std::size_t size) {
  bytes data(size);
  for (std::size_t i = 0; i < size; ++i)
    data[i] = static_cast<std::byte>("abcabdabe"[i % 9] + static_cast<int>(i / 1000 % 3));
  return data;
}

class every_compressor : public testing::TestWithParam<compressor> {};

TEST_P(every_compressor, round_trip_of_any_cut) {
  const auto data = compressible(100'000);
  compression pack;
  for (const std::size_t cut :
       {std::size_t{0}, std::size_t{1}, std::size_t{50'000}, std::size_t{99'999}, data.size()}) {
    const bson::bytes_view all(data);
    const bson::bytes_view parts[] = {all.first(cut), all.subspan(cut)};
    bytes packed{std::byte{0xEE}};  // it appends
    ASSERT_TRUE(pack.compress(GetParam(), -1, parts, packed));
    EXPECT_EQ(packed[0], std::byte{0xEE});
    bytes out(data.size());
    const auto done = decompress(GetParam(), bson::bytes_view(packed).subspan(1), out);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(out, data);
  }
}

TEST_P(every_compressor, another_size_than_announced) {
  const auto data = compressible(5000);
  compression pack;
  const bson::bytes_view parts[] = {data};
  bytes packed;
  ASSERT_TRUE(pack.compress(GetParam(), -1, parts, packed));
  for (const std::size_t size : {0U, 1U, 4999U, 5001U, 10'000U}) {
    bytes out(size);
    const auto done = decompress(GetParam(), packed, out);
    ASSERT_FALSE(done) << size;
    EXPECT_EQ(done.error().kind, error_kind::protocol);
  }
}

TEST_P(every_compressor, truncated_or_with_something_behind) {
  const auto data = compressible(5000);
  compression pack;
  const bson::bytes_view parts[] = {data};
  bytes packed;
  ASSERT_TRUE(pack.compress(GetParam(), -1, parts, packed));
  bytes out(data.size());
  for (std::size_t size = 0; size < packed.size(); ++size) {
    EXPECT_FALSE(decompress(GetParam(), bson::bytes_view(packed).first(size), out)) << size;
  }
  packed.push_back(std::byte{1});
  EXPECT_FALSE(decompress(GetParam(), packed, out));
}

TEST_P(every_compressor, random_bytes_do_no_harm) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  bytes out(4096);
  for (int round = 0; round < 5000; ++round) {
    bytes packed(random() % 200);
    for (auto& b : packed) b = static_cast<std::byte>(random() % 256);
    EXPECT_FALSE(decompress(GetParam(), packed, out));  // 200 random bytes that give exactly 4096 do not happen
  }
}

INSTANTIATE_TEST_SUITE_P(all, every_compressor,
                         testing::Values(compressor::none, compressor::snappy, compressor::zlib, compressor::zstd),
                         [](const auto& test) { return std::string(to_string(test.param)); });

TEST(compression, names_of_the_wire) {
  EXPECT_EQ(to_string(compressor::snappy), "snappy");
  EXPECT_EQ(to_string(compressor::zlib), "zlib");
  EXPECT_EQ(to_string(compressor::zstd), "zstd");
}

}  // namespace
}  // namespace sluice::wire
