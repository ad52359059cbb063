// Persistent query settings, as servers of 8.0 would answer for them: none of that version is at hand.
#include "engine/cluster/query_settings.hpp"

#include <gtest/gtest.h>

#include "tests/unit/wire/one_answer.hpp"

namespace sluice::cluster {
namespace {

wire::test::answered<std::int64_t> count(std::int32_t wire_version_max, bson::document answer) {
  return wire::test::ask_one_answer<std::int64_t>(wire_version_max, std::move(answer),
                                                  [](wire::connection& node) { return count_query_settings(node); });
}

TEST(query_settings, are_counted_on_the_server) {
  bson::builder three;
  three.append("settings", 3);
  const auto some = count(25, wire::test::cursor_reply(three.finish()));
  ASSERT_TRUE(some.answer) << some.answer.error().message;
  EXPECT_EQ(some.answer.value(), 3);
  EXPECT_NE(some.asked.find("$querySettings"), std::string::npos) << some.asked;
  EXPECT_NE(some.asked.find("$count"), std::string::npos) << some.asked;
  const auto none = count(25, wire::test::cursor_reply());
  ASSERT_TRUE(none.answer) << none.answer.error().message;
  EXPECT_EQ(none.answer.value(), 0);
}

TEST(query_settings, are_not_asked_for_before_8_0) {
  const auto none = count(21, wire::test::error_reply(40324, "Location40324", "Unrecognized pipeline stage name"));
  ASSERT_TRUE(none.answer) << none.answer.error().message;
  EXPECT_EQ(none.answer.value(), 0);
  EXPECT_EQ(none.asked, "");
}

TEST(query_settings, a_refusal_is_told_as_one) {
  const auto refused = count(25, wire::test::error_reply(13, "Unauthorized", "not authorized on admin"));
  ASSERT_FALSE(refused.answer);
  EXPECT_EQ(refused.answer.error().kind, error_kind::server);
}

TEST(query_settings, are_counted_in_words) {
  EXPECT_EQ(tell_query_settings_stay(1),
            "the source keeps settings for 1 query (setQuerySettings), which are not migrated");
  EXPECT_NE(tell_query_settings_stay(2).find("2 queries"), std::string::npos);
}

}  // namespace
}  // namespace sluice::cluster
