// What an operator types into a shell, run by bash itself, and the small change of tests that follow a page: files, and
// words put in the place of others. Knows neither Sluice nor any page.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/lab/child_process.hpp"

namespace sluice::lab {

[[nodiscard]] std::string read_file(const std::filesystem::path& file);
void write_file(const std::filesystem::path& file, const std::string& text);

/// `text` with `with` wherever `what` was.
[[nodiscard]] std::string replaced(std::string text, const std::string& what, const std::string& with);

struct said {
  exit_status status;
  std::string text;  // without the ends of the last lines
};

/// Lines in a shell that ends at the first that fails. What they leave in the background is in the shell's process
/// group, goes on after its end, and dies with this object.
class typed_shell {
 public:
  using variables = std::vector<std::pair<std::string, std::string>>;

  /// `folder` must be there; the lines run in it, and leave there what they say.
  typed_shell(const std::filesystem::path& folder, const std::string& lines, const variables& environment = {});
  ~typed_shell();
  typed_shell(const typed_shell&) = delete;
  typed_shell& operator=(const typed_shell&) = delete;

  /// To the end of the lines; a shell that does not end within `limit` is killed and ends with -1.
  said wait(std::chrono::seconds limit = std::chrono::seconds(60));
  [[nodiscard]] bool running() { return child_.running(); }

 private:
  const std::filesystem::path output_;
  child_process child_;
};

}  // namespace sluice::lab
