// What tests of judgements ask about findings.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "engine/assess/findings.hpp"

namespace sluice::assess::test {

/// The only finding of this check; fails the test when there is none, or more.
inline finding only(const findings& all, std::string_view check) {
  const auto found = std::ranges::count(all, check, &finding::check);
  EXPECT_EQ(found, 1) << check;
  return found == 0 ? finding{} : *std::ranges::find(all, check, &finding::check);
}

inline bool has(const findings& all, std::string_view check) {
  return std::ranges::find(all, check, &finding::check) != all.end();
}

inline bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// What is not fine says what to do; what is fine does not.
inline void expect_advice(const findings& all) {
  for (const finding& one : all) EXPECT_EQ(one.advice.empty(), one.how == level::fine) << one.check << ": " << one.what;
}

}  // namespace sluice::assess::test
