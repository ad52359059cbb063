// --fail-if: what is taken, what is refused with which words, and when it holds.
#include "tools/bench_condition.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace sluice::tools {
namespace {

measure::step step_of(double seconds, std::int64_t bytes) {
  measure::step made;
  made.seconds = seconds;
  made.bytes = bytes;
  return made;
}

/// The copy takes 1.25 times its ceiling.
measure::figures figures() {
  measure::figures f;
  f.destination_write = {step_of(1, 100'000'000), step_of(1, 100'000'000)};
  f.copy = step_of(1, 80'000'000);
  return f;
}

bool holds(std::string_view text) {
  const auto condition = parse_condition(text);
  EXPECT_TRUE(condition) << condition.error().message;
  const auto outcome = judge(condition.value(), figures(), {});
  EXPECT_TRUE(outcome) << outcome.error().message;
  return outcome.value().holds;
}

std::string refusal(std::string_view text) {
  const auto condition = parse_condition(text);
  return condition ? std::string() : condition.error().message;
}

TEST(bench_condition, compares) {
  EXPECT_TRUE(holds("copy_ratio>1.2"));
  EXPECT_FALSE(holds("copy_ratio>1.3"));
  EXPECT_TRUE(holds("copy_ratio >= 1.25"));
  EXPECT_FALSE(holds("copy_ratio > 1.25"));
  EXPECT_TRUE(holds(" copy_ratio<=1.25 "));
  EXPECT_FALSE(holds("copy_ratio<1.25"));
  EXPECT_TRUE(holds("copy_mb_per_second < 1e2"));
  EXPECT_FALSE(holds("destination_drift>0"));
}

TEST(bench_condition, says_what_it_has_found) {
  const auto condition = parse_condition("copy_ratio>1.2");
  EXPECT_EQ(judge(condition.value(), figures(), {}).value().sentence, "copy_ratio is 1.25, which is more than 1.2");
  const auto other = parse_condition("copy_ratio<=1.2");
  EXPECT_EQ(judge(other.value(), figures(), {}).value().sentence, "copy_ratio is 1.25, which is not at most 1.2");
}

TEST(bench_condition, what_is_none_is_refused) {
  EXPECT_NE(refusal("copy_ration>1.2").find("did you mean \"copy_ratio\"?"), std::string::npos)
      << refusal("copy_ration>1.2");
  EXPECT_NE(refusal("speed>1").find("there are copy_ratio,"), std::string::npos);
  for (const char* text : {"", "copy_ratio", "copy_ratio=1.2", "copy_ratio>", "copy_ratio>fast", "copy_ratio>1.2x",
                           ">1.2", "copy_ratio>>1", "copy_ratio>1.2 and copy_ratio<3"}) {
    EXPECT_NE(refusal(text), "") << text;
  }
}

TEST(bench_condition, what_was_not_measured_is_no_pass) {
  const auto condition = parse_condition("apply_changes_per_second<1000");
  const auto outcome = judge(condition.value(), figures(), {});
  ASSERT_TRUE(outcome.has_error());
  EXPECT_NE(outcome.error().message.find("was not measured"), std::string::npos);
}

TEST(bench_condition, names_are_unique_and_have_a_meaning) {
  std::set<std::string_view> names;
  for (const bench_metric& one : bench_metrics()) {
    EXPECT_TRUE(names.insert(one.name).second) << one.name;
    EXPECT_FALSE(one.meaning.empty());
    EXPECT_TRUE(parse_condition(std::string(one.name) + ">1")) << one.name;
  }
}

}  // namespace
}  // namespace sluice::tools
