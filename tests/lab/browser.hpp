// A real browser that nobody sees: chromium, told what to do over its debugging pipe, as its own developer tools do.
// Knows no page.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/lab/child_process.hpp"
#include "tests/lab/mongo.hpp"

namespace sluice::lab {

/// Every member throws when the browser does not answer in time, or has gone.
class browser {
 public:
  browser();
  ~browser();
  browser(const browser&) = delete;
  browser& operator=(const browser&) = delete;

  /// Until the page is loaded.
  void open(const std::string& url);
  /// In CSS pixels, from now on; a narrow screen is a phone's.
  void look_through(int width, int height, bool dark);
  /// The value of a JavaScript expression, as a string; a promise is waited for. Throws with the page's words where the
  /// expression throws.
  std::string evaluate(const std::string& expression);
  /// "Tab", "Enter", " ", or a letter: pressed and let go, as a keyboard does.
  void press(const std::string& key);
  /// Typed into what has the focus.
  void type(const std::string& text);
  void picture(const std::filesystem::path& file);

  /// What the page has complained of since it was opened: errors and warnings of its console, exceptions, and what the
  /// browser refused it (a broken Content-Security-Policy among them).
  [[nodiscard]] std::vector<std::string> complaints();

 private:
  document command(const std::string& method, const std::string& parameters = "{}", bool of_page = true);
  document next_message(std::chrono::steady_clock::time_point deadline);
  void note(const document& event);

  std::filesystem::path place_;
  pid_t pid_ = -1;
  int to_ = -1;
  int from_ = -1;
  std::string unread_;
  std::int64_t number_ = 0;
  std::string session_;
  bool loaded_ = false;
  std::vector<std::string> complaints_;
};

}  // namespace sluice::lab
