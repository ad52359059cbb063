#include "tools/terminal_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

namespace sluice::tools {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

struct character {
  char32_t code = 0;
  std::size_t length = 0;  // in bytes
};

/// The character at the front, or nothing if the bytes there are no valid UTF-8.
std::optional<character> decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return character{first, 1};
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return std::nullopt;
  char32_t code = first & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return std::nullopt;
    code = (code << 6U) | (byte(i) & 0x3FU);
  }
  constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
  const bool valid = code >= smallest[length] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
  if (!valid) return std::nullopt;
  return character{code, length};
}

std::size_t width_of(char32_t code) {
  const auto within = [code](char32_t first, char32_t last) { return code >= first && code <= last; };
  const bool combining = within(0x300, 0x36F) || within(0x200B, 0x200F) || within(0x20D0, 0x20FF) ||
                         within(0xFE00, 0xFE0F) || within(0x1AB0, 0x1AFF) || code == 0xFEFF;
  if (combining) return 0;
  const bool wide = within(0x1100, 0x115F) || within(0x2E80, 0xA4CF) || within(0xAC00, 0xD7A3) ||
                    within(0xF900, 0xFAFF) || within(0xFE30, 0xFE6F) || within(0xFF00, 0xFF60) ||
                    within(0x1F300, 0x1FAFF) || within(0x20000, 0x3FFFD);
  return wide ? 2 : 1;
}

bool is_control(char32_t code) {
  // C0, DEL, C1, and what turns the direction of the text around.
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

template <class Change>
std::string each_character(std::string_view text, Change change) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::optional<character> next = decode(text);
    if (next) {
      out.append(change(*next, text.substr(0, next->length)));
    } else {
      out.append(replacement);
    }
    text.remove_prefix(next ? next->length : 1);
  }
  return out;
}

/// The longest beginning of at most `width` columns, and how many it takes.
std::string_view beginning(std::string_view text, std::size_t width, std::size_t& taken) {
  std::size_t end = 0;
  taken = 0;
  while (end < text.size()) {
    const character next = decode(text.substr(end)).value_or(character{U'?', 1});
    if (taken + width_of(next.code) > width) break;
    taken += width_of(next.code);
    end += next.length;
  }
  return text.substr(0, end);
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  return each_character(text, [](character /*code*/, std::string_view bytes) { return bytes; });
}

std::string printable(std::string_view text) {
  return each_character(text, [](character which, std::string_view bytes) {
    return is_control(which.code) ? std::string_view("?") : bytes;
  });
}

std::size_t columns(std::string_view text) {
  std::size_t taken = 0;
  static_cast<void>(beginning(text, SIZE_MAX, taken));
  return taken;
}

std::string cut_to(std::string_view text, std::size_t width) {
  std::size_t taken = 0;
  return std::string(beginning(text, width, taken));
}

std::string fitted(std::string_view text, std::size_t width) {
  const std::size_t needed = columns(text);
  if (needed <= width) return std::string(text) + std::string(width - needed, ' ');
  if (width < 3) return cut_to(text, width) + std::string(width - columns(cut_to(text, width)), ' ');
  // The end tells collections of one database apart, so it gets the larger half.
  const std::size_t front_width = (width - 1) / 2;
  std::size_t front_taken = 0;
  std::string out(beginning(text, front_width, front_taken));
  out += "…";
  const std::size_t tail_width = width - front_taken - 1;
  std::string_view tail = text;
  while (columns(tail) > tail_width) tail.remove_prefix(decode(tail).value_or(character{U'?', 1}).length);
  out += tail;
  return out + std::string(width - columns(out), ' ');
}

std::string right_aligned(std::string_view text, std::size_t width) {
  const std::size_t needed = columns(text);
  return needed >= width ? std::string(text) : std::string(width - needed, ' ') + std::string(text);
}

std::string wrapped(std::string_view text, std::string_view mark, std::size_t width) {
  std::string out = std::string(mark);
  std::size_t used = columns(mark);
  const std::string indent(used, ' ');
  bool first = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!first && used + 1 + columns(word) > width) {
      out += "\n" + indent;
      used = indent.size();
      first = true;
    }
    if (!first) {
      out += ' ';
      ++used;
    }
    out += word;
    used += columns(word);
    first = false;
  }
  return out + "\n";
}

std::string bytes_text(double bytes) {
  constexpr std::array<std::string_view, 6> units{"B", "KB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < units.size()) {
    bytes /= 1000;
    ++unit;
  }
  const int decimals = unit == 0 || bytes >= 100 ? 0 : bytes >= 10 ? 1 : 2;
  return fmt::format("{:.{}f} {}", bytes, decimals, units[unit]);
}

std::string duration_text(std::int64_t seconds) {
  seconds = std::max<std::int64_t>(seconds, 0);
  const std::int64_t hours = seconds / 3600;
  const std::int64_t minutes = seconds / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, seconds % 60);
  return fmt::format("{}:{:02}", minutes, seconds % 60);
}

std::string count_text(std::int64_t count) {
  std::string digits = std::to_string(count);
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

}  // namespace sluice::tools
