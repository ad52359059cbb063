#include "engine/session/start_warnings.hpp"

#include <gtest/gtest.h>

#include "tests/unit/wire/one_answer.hpp"

namespace sluice::session {
namespace {

using sentences = std::vector<std::string>;

wire::test::answered<sentences> warn_of(bson::document answer) {
  return wire::test::ask_one_answer<sentences>(25, std::move(answer), [](wire::connection& source) {
    auto everything = choose_namespaces(copy_settings{});
    return find_start_warnings(source, std::move(everything).value(), {});
  });
}

TEST(start_warnings, say_what_of_the_source_stays_behind) {
  bson::builder two;
  two.append("settings", 2);
  const auto found = warn_of(wire::test::cursor_reply(two.finish()));
  ASSERT_TRUE(found.answer) << found.answer.error().message;
  ASSERT_EQ(found.answer.value().size(), 1U);
  EXPECT_NE(found.answer.value()[0].find("settings for 2 queries"), std::string::npos) << found.answer.value()[0];
  EXPECT_NE(found.answer.value()[0].find("setQuerySettings once"), std::string::npos) << found.answer.value()[0];
}

TEST(start_warnings, a_run_begins_where_that_is_not_told) {
  const auto found = warn_of(wire::test::error_reply(13, "Unauthorized", "not authorized on admin"));
  ASSERT_TRUE(found.answer) << found.answer.error().message;
  EXPECT_TRUE(found.answer.value().empty());
}

}  // namespace
}  // namespace sluice::session
