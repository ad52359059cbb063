// What the tests of `sluice assess` share: the program between two deployments, and its JSON report taken apart.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "tests/integration/sluice_program.hpp"
#include "tests/lab/mongo.hpp"

namespace sluice::lab {

inline bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

struct assess_outcome {
  exit_status status;
  std::string output;

  [[nodiscard]] document report() const {
    const auto begin = output.find("{\"format\":\"sluice-assess\"");
    if (begin == std::string::npos) return {};
    return document::json(output.substr(begin, output.find('\n', begin) - begin));
  }
  /// Those of one check.
  [[nodiscard]] std::vector<document> of(const std::string& check) const {
    std::vector<document> found;
    for (document& one : report().child("findings").elements()) {
      if (one.text("check") == check) found.push_back(std::move(one));
    }
    return found;
  }
  /// The level of the only finding of a check and a subject; empty when there is none.
  [[nodiscard]] std::string level(const std::string& check, const std::string& subject = "") const {
    for (const document& one : of(check)) {
      if (subject.empty() || one.text("subject") == subject) return one.text("level");
    }
    return {};
  }
  [[nodiscard]] std::vector<std::string> all(const std::string& level) const {
    std::vector<std::string> names;
    for (const document& one : report().child("findings").elements()) {
      if (one.text("level") == level) names.push_back(one.text("check") + ": " + one.text("what"));
    }
    return names;
  }
};

inline assess_outcome assess(const std::string& source, const std::string& destination,
                             std::vector<std::string> more = {"--json"}) {
  std::vector<std::string> arguments{"assess", "--source", source, "--destination", destination};
  arguments.insert(arguments.end(), more.begin(), more.end());
  sluice_program program(std::move(arguments));
  assess_outcome ended;
  ended.status = program.wait(std::chrono::seconds(60));
  ended.output = program.output();
  return ended;
}

}  // namespace sluice::lab
