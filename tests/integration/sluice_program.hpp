// The built `sluice` as an operator runs it: a child process with arguments, its output, its exit code.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/lab/child_process.hpp"

namespace sluice::lab {

class sluice_program {
 public:
  /// Starts `sluice <arguments>` with its output in a file of the laboratory; through the program `before`, with its
  /// arguments, when there is one.
  explicit sluice_program(std::vector<std::string> arguments,
                          std::vector<std::pair<std::string, std::string>> environment = {},
                          std::vector<std::string> before = {});
  ~sluice_program();
  sluice_program(const sluice_program&) = delete;
  sluice_program& operator=(const sluice_program&) = delete;

  /// Waits for the end; a program that does not end within `limit` is killed and counts as signal 9.
  exit_status wait(std::chrono::seconds limit = std::chrono::seconds(120));
  [[nodiscard]] child_process& process() { return *child_; }
  [[nodiscard]] std::string output() const;
  /// A number out of --summary-json, which is always asked for with `copy`; -1 when there is none.
  [[nodiscard]] std::int64_t summary(const std::string& field) const;

 private:
  std::filesystem::path directory_;
  std::unique_ptr<child_process> child_;
};

struct copy_outcome {
  exit_status status;
  std::string output;
  std::int64_t duplicates = -1;
  std::int64_t peak_memory_bytes = -1;
  std::int64_t documents = -1;
};
/// `sluice copy` from one URI to another, to its end.
copy_outcome copy(const std::string& source, const std::string& destination, std::vector<std::string> more = {},
                  std::vector<std::pair<std::string, std::string>> environment = {},
                  std::vector<std::string> before = {});

/// `before` of a program that lives under a rule of confined.cpp, for example "no-io_uring".
[[nodiscard]] std::vector<std::string> confined(const std::string& rule);

}  // namespace sluice::lab
