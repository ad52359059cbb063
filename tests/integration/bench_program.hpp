// What the tests of `sluice bench` share: the program between two sets, its JSON report, and what it left behind.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/integration/sluice_program.hpp"
#include "tests/lab/mongo.hpp"
#include "tests/lab/replica_set.hpp"

namespace sluice::lab {

inline bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

struct bench_outcome {
  exit_status status;
  std::string output;
  /// The report, where --json was asked for; empty when there is none.
  [[nodiscard]] document report() const {
    const auto begin = output.find("{\"format\":\"sluice-bench\"");
    if (begin == std::string::npos) return {};
    return document::json(output.substr(begin, output.find('\n', begin) - begin));
  }
};

inline std::vector<std::string> bench_arguments(const std::string& source, const std::string& destination,
                                                const std::vector<std::string>& more) {
  std::vector<std::string> arguments{"bench", "--source", source, "--destination", destination};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// A small bench, to its end.
inline bench_outcome bench(const std::string& source, const std::string& destination,
                           const std::vector<std::string>& more = {}) {
  sluice_program program(bench_arguments(source, destination, more));
  bench_outcome outcome;
  outcome.status = program.wait(std::chrono::seconds(150));
  outcome.output = program.output();
  return outcome;
}

/// The databases of a server that neither it nor a test has made.
inline std::vector<std::string> left_behind(client& server, const std::vector<std::string>& known = {}) {
  std::vector<std::string> names;
  for (const auto& one :
       server.run("admin", R"({"listDatabases": 1, "nameOnly": true})").child("databases").elements()) {
    const std::string name = one.text("name");
    const bool expected = name == "admin" || name == "config" || name == "local" ||
                          std::find(known.begin(), known.end(), name) != known.end();
    if (!expected) names.push_back(name);
  }
  return names;
}

inline void expect_nothing_left(const std::string& source, const std::string& destination) {
  for (const std::string& uri : {source, destination}) {
    client server(uri);
    const auto left = left_behind(server);
    EXPECT_TRUE(left.empty()) << uri << " still holds " << (left.empty() ? "" : left.front());
  }
}

}  // namespace sluice::lab
