// "Did you mean": near names are found, far ones are not.
#include "engine/runtime/nearest_name.hpp"

#include <array>

#include <gtest/gtest.h>

namespace sluice::runtime {
namespace {

constexpr std::array<std::string_view, 4> names{"port", "cluster0", "reversible", "buildIndexes"};

TEST(nearest_name, finds_what_was_meant) {
  EXPECT_EQ(nearest_name("prot", names), "port");
  EXPECT_EQ(nearest_name("Port", names), "port");
  EXPECT_EQ(nearest_name("revesible", names), "reversible");
  EXPECT_EQ(nearest_name("build_indexes", names), "buildIndexes");
  EXPECT_EQ(did_you_mean("clusterO", names), " (did you mean \"cluster0\"?)");
}

TEST(nearest_name, says_nothing_when_nothing_is_near) {
  EXPECT_EQ(nearest_name("completely-different", names), "");
  EXPECT_EQ(nearest_name("", names), "");
  EXPECT_EQ(nearest_name("x", names), "");
  EXPECT_EQ(nearest_name(std::string(100'000, 'p'), names), "");
  EXPECT_EQ(did_you_mean("zzz", names), "");
}

}  // namespace
}  // namespace sluice::runtime
