// Text for a terminal: how many columns it takes, and how to make it take as many as there are. Foreign text (names of
// collections may hold anything) never reaches a terminal unprinted.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::tools {

/// `text` with every byte that is no valid UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string valid_utf8(std::string_view text);

/// As above, and control characters (escape sequences begin with one) replaced by '?'.
[[nodiscard]] std::string printable(std::string_view text);

/// Columns of valid UTF-8 without control characters: 0 for combining marks, 2 for wide East Asian characters.
[[nodiscard]] std::size_t columns(std::string_view text);

/// Exactly `width` columns: filled up with blanks, or its middle replaced by "…".
[[nodiscard]] std::string fitted(std::string_view text, std::size_t width);
[[nodiscard]] std::string right_aligned(std::string_view text, std::size_t width);

/// At most `width` columns, cut at the end.
[[nodiscard]] std::string cut_to(std::string_view text, std::size_t width);

/// `text` behind `mark`, in lines of at most `width` columns; the second and later ones are indented like the first
/// one's text. With a newline at its end.
[[nodiscard]] std::string wrapped(std::string_view text, std::string_view mark, std::size_t width);

/// "1.23 GB": decimal units, as disks and networks are sold.
[[nodiscard]] std::string bytes_text(double bytes);
/// "1:02:03" or "2:03".
[[nodiscard]] std::string duration_text(std::int64_t seconds);
/// "1,234,567".
[[nodiscard]] std::string count_text(std::int64_t count);

}  // namespace sluice::tools
