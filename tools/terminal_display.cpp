#include "tools/terminal_display.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/terminal_text.hpp"

namespace sluice::tools {
namespace {

constexpr std::string_view hide_cursor = "\x1b[?25l";
constexpr std::string_view show_cursor = "\x1b[?25h";
constexpr std::string_view clear_to_end_of_line = "\x1b[K";
constexpr std::string_view clear_to_end_of_screen = "\x1b[J";

/// A terminal that got narrower has wrapped what was there.
std::size_t rows_of(const std::vector<std::string>& lines, std::size_t width) {
  std::size_t rows = 0;
  for (const std::string& line : lines) {
    const std::size_t taken = columns(line);
    rows += width == 0 || taken == 0 ? 1 : (taken + width - 1) / width;
  }
  return rows;
}

}  // namespace

std::string redraw(const std::vector<std::string>& before, const std::vector<std::string>& after, std::size_t width) {
  std::string out;
  if (const std::size_t rows = rows_of(before, width); rows > 0) out += "\x1b[" + std::to_string(rows) + "A";
  out += "\r";
  for (const std::string& line : after) out.append(line).append(clear_to_end_of_line).append("\r\n");
  return out.append(clear_to_end_of_screen);
}

terminal_display::terminal_display(int terminal) : terminal_(terminal) {
  send(hide_cursor);
}

terminal_display::~terminal_display() {
  const std::lock_guard guard(mutex_);
  if (!finished_) send(show_cursor);
}

terminal_size terminal_display::size() const {
  winsize window{};
  if (::ioctl(terminal_, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0) return {};
  return {window.ws_col, window.ws_row};
}

void terminal_display::show(std::vector<std::string> lines) {
  const std::lock_guard guard(mutex_);
  if (finished_) return;
  send(redraw(shown_, lines, size().width));
  shown_ = std::move(lines);
}

void terminal_display::print_above(std::string_view text) {
  const std::lock_guard guard(mutex_);
  const std::size_t width = size().width;
  std::string out = redraw(shown_, {}, width);
  out += text;
  out += redraw({}, shown_, width);
  send(out);
}

void terminal_display::clear() {
  const std::lock_guard guard(mutex_);
  if (finished_) return;
  send(redraw(shown_, {}, size().width).append(show_cursor));
  shown_.clear();
  finished_ = true;
}

void terminal_display::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::write(terminal_, bytes.data(), bytes.size());
    if (sent < 0 && errno != EINTR) return;  // the terminal is gone; the copy is not
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace sluice::tools
