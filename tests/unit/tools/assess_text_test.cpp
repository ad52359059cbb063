#include "tools/assess_text.hpp"

#include <gtest/gtest.h>

#include "tests/unit/http/fake_assessments.hpp"

namespace sluice::tools {
namespace {

using http::test::some_report;

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(assess_text, has_a_mark_for_each_level_below_its_heading) {
  const std::string text = assess_text(some_report(), 100);
  for (const char* part :
       {"  source       a (db1:27017), MongoDB 6.0.27\n", "  destination  not reached\n",
        "\n  Hosts\n  ✓ source db1:27017: answers\n",
        "\n  Disk\n  ! destination: is nearly full\n    → make room\n  ✗ destination: is \"full\"?\n    → make room\n",
        "        db.x()\n        db.y()\n", "  1 thing is in the way, 1 thing worth a look.\n",
        "  Begin with\n      sluice run --source 'x'\n"}) {
    EXPECT_TRUE(holds(text, part)) << part << "\n" << text;
  }
}

TEST(assess_text, a_heading_is_said_once) {
  const std::string text = assess_text(some_report(), 100);
  EXPECT_EQ(text.find("  Disk\n"), text.rfind("  Disk\n"));
}

TEST(assess_text, sums_up_what_was_found) {
  assess::report found = some_report();
  found.found.pop_back();
  EXPECT_TRUE(holds(assess_text(found, 100), "  Nothing is in the way; 1 thing worth a look.\n"));
  found.found.pop_back();
  EXPECT_TRUE(holds(assess_text(found, 100), "  All is well.\n"));
}

TEST(assess_text, wraps_sentences_and_never_lines_to_paste) {
  assess::report found = some_report();
  found.found.back().what = std::string(40, 'a') + " " + std::string(40, 'b');
  found.found.back().commands = {std::string(50, 'c') + " " + std::string(50, 'd')};
  const std::string text = assess_text(found, 70);
  EXPECT_TRUE(holds(text, "\n    " + std::string(40, 'b') + "\n")) << text;
  EXPECT_TRUE(holds(text, std::string(50, 'c') + " " + std::string(50, 'd') + "\n")) << text;
}

TEST(assess_text, names_from_servers_do_nothing_to_a_terminal) {
  assess::report found = some_report();
  found.found.back().subject = "shop.\x1b[2Jevil";
  EXPECT_FALSE(holds(assess_text(found, 100), "\x1b"));
}

}  // namespace
}  // namespace sluice::tools
