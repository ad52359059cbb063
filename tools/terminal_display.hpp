// The live display of `sluice copy`: draws lines over the ones before. Knows nothing of what they say.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "tools/progress_view.hpp"

namespace sluice::tools {

/// What to send to a terminal that shows `before` (at a time when it may have been wider: `width` is now's) so that it
/// shows `after`, with the cursor below it.
[[nodiscard]] std::string redraw(const std::vector<std::string>& before, const std::vector<std::string>& after,
                                 std::size_t width);

/// Thread-safe. Hides the cursor while it lives and leaves the last lines standing.
class terminal_display {
 public:
  /// `terminal` is the descriptor of one.
  explicit terminal_display(int terminal);
  ~terminal_display();
  terminal_display(const terminal_display&) = delete;
  terminal_display& operator=(const terminal_display&) = delete;

  [[nodiscard]] terminal_size size() const;
  void show(std::vector<std::string> lines);
  /// Text with its newline, which scrolls by above the display.
  void print_above(std::string_view text);
  /// Takes the lines away and gives the cursor back. Idempotent.
  void clear();

 private:
  void send(std::string_view bytes) const;

  const int terminal_;
  std::mutex mutex_;
  std::vector<std::string> shown_;
  bool finished_ = false;
};

}  // namespace sluice::tools
