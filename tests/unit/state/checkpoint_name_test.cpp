// Which database a run keeps its checkpoint in.
#include "engine/state/checkpoint_name.hpp"

#include <gtest/gtest.h>

namespace sluice::state {
namespace {

TEST(checkpoint_name, is_that_of_the_run) {
  EXPECT_EQ(checkpoint_database_of(""), "__mdb_internal_sluice");
  EXPECT_EQ(checkpoint_database_of("north_1"), "__mdb_internal_sluice_north_1");
}

TEST(checkpoint_name, takes_letters_digits_and_underscores) {
  EXPECT_TRUE(is_migration_name("North_1"));
  EXPECT_TRUE(is_migration_name(std::string(44, 'a')));
  for (const char* wrong : {"", "a.b", "a b", "a$", "\xc3\xa4"}) EXPECT_FALSE(is_migration_name(wrong)) << wrong;
  EXPECT_FALSE(is_migration_name(std::string(45, 'a')));
}

}  // namespace
}  // namespace sluice::state
