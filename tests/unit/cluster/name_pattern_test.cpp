// Names that are met exactly or by a regular expression, and expressions that are none or explode.
#include "engine/cluster/name_pattern.hpp"

#include <chrono>

#include <gtest/gtest.h>

#include "engine/runtime/limits.hpp"

namespace sluice::cluster {
namespace {

bool finds(std::string expression, std::string_view options, std::string_view name) {
  const auto pattern = name_pattern::found_by(std::move(expression), options);
  EXPECT_TRUE(pattern) << pattern.error().message;
  if (!pattern) return false;
  const auto matched = pattern.value().matches(name);
  EXPECT_TRUE(matched) << matched.error().message;
  return matched && matched.value();
}

std::string complaint(std::string expression, std::string_view options = "") {
  const auto pattern = name_pattern::found_by(std::move(expression), options);
  if (pattern) return "taken";
  EXPECT_EQ(pattern.error().kind, error_kind::configuration);
  return pattern.error().message;
}

TEST(name_pattern, a_name_is_met_exactly) {
  const auto name = name_pattern::exactly("a.c");
  EXPECT_FALSE(name.is_expression());
  EXPECT_TRUE(name.matches("a.c").value());
  EXPECT_FALSE(name.matches("abc").value());
  EXPECT_FALSE(name.matches("A.c").value());
  EXPECT_FALSE(name.matches("a.c2").value());
}

TEST(name_pattern, an_expression_is_searched_for) {
  EXPECT_TRUE(finds("rde", "", "orders"));
  EXPECT_FALSE(finds("^rde", "", "orders"));
  EXPECT_TRUE(finds("^o.*s$", "", "orders"));
  EXPECT_FALSE(finds("^(?!tmp)", "", "tmp_1"));
  EXPECT_TRUE(finds("^(?!tmp)", "", "orders"));
  EXPECT_TRUE(finds("(?<=shop_)\\d+$", "", "shop_17"));
  EXPECT_TRUE(finds("^\\p{Lu}", "", "Ärger")) << "names are UTF-8";
  EXPECT_TRUE(finds("^.b", "", "äb")) << "a dot is a character, not a byte";
  EXPECT_FALSE(finds("^x", "", "\xff\xfe"));
}

TEST(name_pattern, options_are_those_of_the_server) {
  EXPECT_FALSE(finds("ORDERS", "", "orders"));
  EXPECT_TRUE(finds("ORDERS", "i", "orders"));
  EXPECT_FALSE(finds("^b$", "", "a\nb"));
  EXPECT_TRUE(finds("^b$", "m", "a\nb"));
  EXPECT_FALSE(finds("a.b", "", "a\nb"));
  EXPECT_TRUE(finds("a.b", "s", "a\nb"));
  EXPECT_FALSE(finds("a b # both", "", "ab"));
  EXPECT_TRUE(finds("a b # both", "x", "ab"));
  EXPECT_TRUE(finds("A . B", "xsi", "a\nb"));
}

TEST(name_pattern, its_text_says_it_between_slashes) {
  EXPECT_EQ(name_pattern::found_by("^a", "").value().text(), "/^a/");
  EXPECT_EQ(name_pattern::found_by("^a", "mi").value().text(), "/^a/im") << "each option once, in one order";
  EXPECT_EQ(name_pattern::found_by("^a", "ii").value().text(), "/^a/i");
  EXPECT_EQ(name_pattern::found_by("a/b\\/c\\\\/", "").value().text(), "/a\\/b\\/c\\\\\\//");
}

TEST(name_pattern, what_is_no_expression_is_refused_with_its_place) {
  EXPECT_NE(complaint("ab(c").find("\"ab(c\" is no regular expression: at byte 4"), std::string::npos)
      << complaint("ab(c");
  EXPECT_NE(complaint("a[b").find("at byte 3"), std::string::npos) << complaint("a[b");
  EXPECT_NE(complaint("*").find("at byte 0"), std::string::npos) << complaint("*");
  EXPECT_NE(complaint("\xff").find("is no regular expression"), std::string::npos);
  EXPECT_NE(complaint("").find("empty"), std::string::npos);
  EXPECT_NE(complaint("a", "ig").find("\"g\" is no option"), std::string::npos);
  EXPECT_NE(complaint(std::string(limits::name_pattern_bytes_max + 1, 'a')).find("at most 4096 bytes"),
            std::string::npos);
  EXPECT_NE(complaint("((a{1,900}){1,900}){1,900}").find("too large"), std::string::npos);
}

// In a second's time such a thread would not have come to a thirtieth character.
TEST(name_pattern, one_that_explodes_is_bounded_and_named) {
  const auto pattern = name_pattern::found_by("^(a+)+$", "");
  ASSERT_TRUE(pattern);
  const std::string name(200, 'a');
  EXPECT_TRUE(pattern.value().matches(name).value());
  const auto begin = std::chrono::steady_clock::now();
  const auto exploded = pattern.value().matches(name + "!");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  ASSERT_FALSE(exploded);
  EXPECT_EQ(exploded.error().kind, error_kind::configuration);
  EXPECT_NE(exploded.error().message.find("/^(a+)+$/"), std::string::npos) << exploded.error().message;
  EXPECT_NE(exploded.error().message.find("a!\""), std::string::npos) << exploded.error().message;
}

}  // namespace
}  // namespace sluice::cluster
