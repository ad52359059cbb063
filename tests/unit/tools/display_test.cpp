// What the live display draws, as text.
#include <algorithm>
#include <array>
#include <limits>

#include <gtest/gtest.h>

#include "tools/progress_view.hpp"
#include "tools/terminal_display.hpp"
#include "tools/terminal_text.hpp"

namespace sluice::tools {
namespace {

using namespace std::chrono_literals;

session::progress copying(int collections) {
  session::progress now;
  now.now = session::state::running;
  now.at = session::phase::collection_copy;
  now.bytes_total = 10'000'000'000;
  now.bytes_copied = 2'500'000'000;
  now.documents_copied = 1'234'567;
  now.collections_total = collections;
  now.copy_bytes_per_second = 1.25e9;
  now.seconds_to_complete = 6;
  for (int i = 0; i < collections; ++i) {
    session::collection_progress one;
    one.ns = "shop.collection" + std::to_string(i);
    one.bytes_total = 1000 + i;
    one.documents_total = 10;
    now.collections.push_back(one);
  }
  return now;
}

bool has(const std::vector<std::string>& lines, const std::string& text) {
  return std::ranges::any_of(lines, [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

TEST(display, says_phase_rate_time_and_total) {
  const auto lines = progress_lines(copying(3), 65s, {100, 24});
  ASSERT_GE(lines.size(), 2U);
  EXPECT_EQ(lines[0], "collection copy · 1.25 GB/s · 0:06 left · 1:05 so far");
  EXPECT_NE(lines[1].find("25 %"), std::string::npos) << lines[1];
  EXPECT_NE(lines[1].find("2.50 GB"), std::string::npos) << lines[1];
  EXPECT_NE(lines[1].find("1,234,567 documents"), std::string::npos) << lines[1];
}

TEST(display, running_collections_come_first_then_the_largest_and_no_finished_ones) {
  session::progress now = copying(50);
  now.collections[7].bytes_copied = 500;
  now.collections[49].bytes_copied = 2000;
  now.collections[49].copied = true;
  const auto lines = progress_lines(now, 1s, {100, 6});  // room for three of them
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_NE(lines[2].find("shop.collection7 "), std::string::npos) << lines[2];
  EXPECT_NE(lines[3].find("shop.collection48"), std::string::npos) << lines[3];
  EXPECT_NE(lines[4].find("shop.collection47"), std::string::npos) << lines[4];
  EXPECT_FALSE(has(lines, "collection49"));
}

TEST(display, index_builds_have_their_own_bars) {
  session::progress now = copying(2);
  now.at = session::phase::index_build;
  now.indexes_total = 4;
  now.indexes_built = 1;
  for (auto& one : now.collections) one.copied = true;
  now.collections[0].indexes_total = 4;
  now.collections[0].indexes_built = 1;
  now.collections[0].index_build_fraction = 0.5;
  const auto lines = progress_lines(now, 1s, {100, 24});
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_NE(lines[1].find("1 of 4"), std::string::npos);
  EXPECT_NE(lines[2].find("37 %"), std::string::npos) << lines[2];
  EXPECT_NE(lines[2].find("index 2 of 4"), std::string::npos);
}

TEST(display, fits_any_terminal) {
  session::progress now = copying(100);
  now.collections[0].ns = "データベース.とても長い名前のコレクション-とても長い名前のコレクション";
  now.collections[0].bytes_copied = 1;
  now.collections[1].ns = "evil.\x1b[2J\n\xff";
  now.collections[1].bytes_copied = 1;
  for (std::size_t width = 0; width < 130; ++width) {
    for (const std::size_t height : {0U, 1U, 2U, 3U, 24U}) {
      const auto lines = progress_lines(now, 1s, {width, height});
      EXPECT_LT(lines.size(), std::max<std::size_t>(height, 1));
      for (const std::string& line : lines) {
        EXPECT_LT(columns(line), std::max<std::size_t>(width, 1)) << width << ": " << line;
        EXPECT_EQ(line.find_first_of("\x1b\n\xff"), std::string::npos);
      }
    }
  }
}

TEST(display, bars_grow_by_eighths_and_are_always_as_wide_as_asked) {
  EXPECT_EQ(bar(0, 4), "····");
  EXPECT_EQ(bar(1, 4), "████");
  EXPECT_EQ(bar(0.5, 4), "██··");
  EXPECT_EQ(bar(0.53125, 4), "██▏·");
  for (const double odd : std::array{-1.0, 2.0, std::numeric_limits<double>::quiet_NaN(), 0.999})
    EXPECT_EQ(columns(bar(odd, 9)), 9U);
}

TEST(display, a_hundred_percent_means_all) {
  session::progress now = copying(1);
  now.bytes_copied = now.bytes_total - 1;
  EXPECT_TRUE(has(progress_lines(now, 1s, {100, 24}), "99 %"));
}

TEST(display, redraw_goes_up_as_many_rows_as_there_are) {
  EXPECT_EQ(redraw({}, {"a"}, 80), "\ra\x1b[K\r\n\x1b[J");
  EXPECT_EQ(redraw({"a", "b"}, {"c"}, 80), "\x1b[2A\rc\x1b[K\r\n\x1b[J");
  // 30 columns on a terminal that has shrunk to 20: two rows.
  EXPECT_EQ(redraw({std::string(30, 'x'), "b"}, {}, 20), "\x1b[3A\r\x1b[J");
}

TEST(display, text_is_measured_and_fitted_in_columns) {
  EXPECT_EQ(columns("aü日"), 4U);
  EXPECT_EQ(fitted("abc", 5), "abc  ");
  EXPECT_EQ(fitted("abcdefgh", 5), "ab…gh");
  EXPECT_EQ(columns(fitted("日本語日本語", 5)), 5U);
  EXPECT_EQ(cut_to("日本語", 3), "日");
  EXPECT_EQ(printable("a\x1b[1m\x7f"), "a?[1m?");
  EXPECT_EQ(valid_utf8("a\xc3"), "a\xEF\xBF\xBD");
  EXPECT_EQ(bytes_text(999), "999 B");
  EXPECT_EQ(bytes_text(1'500'000), "1.50 MB");
  EXPECT_EQ(bytes_text(123e9), "123 GB");
  EXPECT_EQ(duration_text(3661), "1:01:01");
  EXPECT_EQ(count_text(-1234567), "-1,234,567");
  EXPECT_EQ(count_text(999), "999");
}

}  // namespace
}  // namespace sluice::tools
