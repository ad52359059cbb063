// The HTML report as people see it: in a real browser, wide and as narrow as a phone. Nothing complains, nothing is
// fetched, the plots are drawn, and nothing is cut off.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include <unistd.h>

#include "tests/integration/bench_program.hpp"

namespace sluice::lab {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

/// Asked inside the page, since the page itself has no script: what is drawn, and how wide it is.
constexpr const char* probe_script = R"js(<script>
addEventListener("load", () => {
  const drawn = [...document.querySelectorAll("svg.plot")].filter(e => e.getBoundingClientRect().width > 100
      && e.getBoundingClientRect().height > 10);
  const curves = [...document.querySelectorAll("path.curve")].filter(e => e.getTotalLength() > 20);
  const bars = [...document.querySelectorAll(".fill")].filter(e => e.getBoundingClientRect().width > 1);
  const root = document.documentElement;
  root.setAttribute("data-seen", `plots=${drawn.length} curves=${curves.length} bars=${bars.length}` +
      ` overflow=${root.scrollWidth - root.clientWidth} fetched=${performance.getEntriesByType("resource").length}`);
});
</script></body>)js";

class browser {
 public:
  browser() : place_(lab_directory() / ("chromium-" + std::to_string(::getpid()))) { fs::create_directories(place_); }
  ~browser() {
    std::error_code ignored;
    fs::remove_all(place_, ignored);
  }
  browser(const browser&) = delete;
  browser& operator=(const browser&) = delete;

  struct seen {
    std::string document;
    std::string messages;
    std::uintmax_t picture_bytes = 0;
  };
  seen open(const fs::path& page, const std::string& size, const std::vector<std::string>& more = {}) {
    const fs::path picture = place_ / "picture.png";
    seen found;
    found.document = run(page, size, more, {"--dump-dom"}, found.messages);
    std::string ignored;
    run(page, size, more, {"--screenshot=" + picture.string()}, ignored);
    found.messages += ignored;
    found.picture_bytes = fs::exists(picture) ? fs::file_size(picture) : 0;
    return found;
  }

 private:
  std::string run(const fs::path& page, const std::string& size, const std::vector<std::string>& more,
                  const std::vector<std::string>& what, std::string& messages) {
    const fs::path profile = place_ / ("profile-" + std::to_string(++runs_));
    const fs::path errors = place_ / "errors";
    std::string command =
        "timeout 90 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
        "--disable-background-networking --disable-component-update --disable-sync "
        "--enable-logging=stderr --user-data-dir=" +
        profile.string() + " --window-size=" + size;
    for (const auto& flags : {more, what}) {
      for (const std::string& one : flags) command += " " + one;
    }
    command += " file://" + page.string();
    const fs::path output = place_ / "output";
    const int status = std::system((command + " >" + output.string() + " 2>" + errors.string()).c_str());
    messages = read_file(errors);
    EXPECT_EQ(status, 0) << "chromium (tools/bootstrap installs it): " << messages;
    return read_file(output);
  }

  fs::path place_;
  int runs_ = 0;
};

int number(const std::string& seen, const std::string& name) {
  std::smatch found;
  const bool there = std::regex_search(seen, found, std::regex(name + "=(-?[0-9]+)"));
  return there ? std::stoi(found[1]) : -1;
}

TEST(bench_page, is_drawn_by_a_browser_without_a_complaint) {
  replica_set source({.name = "source"});
  replica_set destination({.name = "destination"});
  const fs::path file = lab_directory() / ("bench-" + std::to_string(::getpid()) + ".html");
  const auto outcome =
      bench(source.uri(), destination.uri(), {"--documents", "40000", "--changes", "4000", "--html", file.string()});
  ASSERT_TRUE(outcome.status.success()) << outcome.output;
  const std::string page = read_file(file);
  ASSERT_FALSE(page.empty());

  const fs::path probed = file.string() + ".probed.html";
  std::string with_probe = page;
  with_probe.replace(with_probe.rfind("</body>"), 7, probe_script);
  std::ofstream(probed) << with_probe;

  browser chromium;
  for (const std::string size : {"1280,1000", "500,900"}) {
    for (const std::vector<std::string>& scheme :
         {std::vector<std::string>{}, std::vector<std::string>{"--blink-settings=preferredColorScheme=0"}}) {
      const auto seen = chromium.open(probed, size, scheme);
      EXPECT_EQ(count(seen.messages, "CONSOLE"), 0U) << seen.messages;
      std::smatch what;
      ASSERT_TRUE(std::regex_search(seen.document, what, std::regex("data-seen=\"([^\"]*)\""))) << seen.messages;
      const std::string told = what[1];
      EXPECT_GE(number(told, "plots"), 8) << told;   // four curves, four rows of latencies
      EXPECT_EQ(number(told, "curves"), 4) << told;  // read, write, copy, apply
      EXPECT_GE(number(told, "bars"), 10) << told;
      EXPECT_EQ(number(told, "overflow"), 0) << told << " at " << size;
      EXPECT_EQ(number(told, "fetched"), 0) << told;
      EXPECT_GT(seen.picture_bytes, 20'000U);
    }
  }
  // Where SLUICE_KEEP_PAGE is set, a person can look at it, too.
  if (std::getenv("SLUICE_KEEP_PAGE") == nullptr) fs::remove(file);
  fs::remove(probed);
}

// The test above can see a complaint.
TEST(bench_page, a_page_with_a_fault_would_be_noticed) {
  const fs::path file = lab_directory() / ("bench-faulty-" + std::to_string(::getpid()) + ".html");
  std::ofstream(file) << "<!doctype html><html><body><script>console.error('a fault')</script></body></html>";
  browser chromium;
  EXPECT_GE(count(chromium.open(file, "800,600").messages, "CONSOLE"), 1U);
  fs::remove(file);
}

}  // namespace
}  // namespace sluice::lab
