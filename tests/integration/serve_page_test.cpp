// The web page in a real browser with a real run behind it: what it shows moves, its buttons work, by mouse and by
// keyboard, on a wide screen and on a phone, and the browser has nothing to complain of.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/integration/sluice_program.hpp"
#include "tests/lab/browser.hpp"
#include "tests/lab/dataset.hpp"
#include "tests/lab/oracle.hpp"
#include "tests/lab/replica_set.hpp"
#include "tests/unit/http/raw_client.hpp"

namespace sluice::lab {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

/// What the page says in an element.
std::string said(browser& in, const std::string& id) {
  return in.evaluate("document.getElementById('" + id + "').textContent");
}

bool becomes(browser& in, const std::string& id, const std::string& text) {
  return eventually([&] { return said(in, id) == text; }, seconds(60));
}

bool holds_soon(browser& in, const std::string& expression) {
  return eventually([&] { return in.evaluate(expression) == "true"; }, seconds(60));
}

void click(browser& in, const std::string& selector) {
  in.evaluate("document.querySelector(\"" + selector + "\").click()");
}

/// As somebody without a mouse gets there: from one to the next, until it has the focus.
bool reach_by_tab(browser& in, const std::string& id) {
  for (int i = 0; i < 60; ++i) {
    in.press("Tab");
    if (in.evaluate("document.activeElement.id") == id) return true;
  }
  return false;
}

/// Pictures are kept where SLUICE_KEEP_PAGE names a folder, for a person to look at.
void expect_picture(browser& in, const std::string& name) {
  const char* const keep = std::getenv("SLUICE_KEEP_PAGE");
  const fs::path file = (keep == nullptr ? lab_directory() : fs::path(keep)) /
                        ("page-" + std::to_string(::getpid()) + "-" + name + ".png");
  in.picture(file);
  EXPECT_GT(fs::file_size(file), 20'000U) << name;
  EXPECT_EQ(in.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"), "0")
      << name << ": it is wider than the screen";
  if (keep == nullptr) fs::remove(file);
}

class served {
 public:
  served(const std::string& cluster0, const std::string& cluster1, std::vector<std::string> more = {})
      : program_(arguments(cluster0, cluster1, std::move(more))) {
    if (!eventually([&] { return http::test::raw_client(port_).connected(); }, seconds(20))) {
      throw failure("sluice does not serve: " + program_.output());
    }
  }
  [[nodiscard]] std::string url() const { return "http://localhost:" + std::to_string(port_) + "/"; }
  void start() const {
    const std::string body = R"({"source": "cluster0", "destination": "cluster1"})";
    http::test::raw_client client(port_);
    client.send("POST /api/v1/start HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body);
    EXPECT_EQ(client.read_reply().status, 200);
  }

 private:
  std::vector<std::string> arguments(const std::string& cluster0, const std::string& cluster1,
                                     std::vector<std::string> more) const {
    std::vector<std::string> all{"--cluster0", cluster0, "--cluster1", cluster1, "--port", std::to_string(port_)};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  const std::uint16_t port_ = free_port();
  sluice_program program_;
};

void slow_inserts(const replica_set& on, bool slow) {
  on.connect().run("admin", slow ? R"({"configureFailPoint": "failCommand", "mode": "alwaysOn",
                   "data": {"failCommands": ["insert"], "blockConnection": true, "blockTimeMS": 400}})"
                                 : R"({"configureFailPoint": "failCommand", "mode": "off"})");
}

TEST(serve_page, shows_a_run_and_cuts_over) {
  constexpr int small_collections = 120;
  replica_set source({.name = "first"});
  replica_set destination({.name = "second"});
  load_lim(source.uri(), {.documents = 60'000});
  client writer = source.connect();
  for (int i = 0; i < small_collections; ++i) {
    writer.run("many", R"({"insert": "c)" + std::to_string(1000 + i) + R"(", "documents": [{"_id": 1}]})");
  }
  writer.run("lim", R"({"createIndexes": "docs", "indexes": [{"key": {"name": 1}, "name": "name_1"}]})");
  const served sluice(source.uri(), destination.uri());
  browser page;
  page.look_through(1280, 1000, false);
  page.open(sluice.url());
  EXPECT_TRUE(becomes(page, "state", "IDLE")) << said(page, "state");
  EXPECT_EQ(page.evaluate("document.getElementById('pause').disabled && document.getElementById('commit').disabled"),
            "true");

  slow_inserts(destination, true);
  sluice.start();
  EXPECT_TRUE(becomes(page, "state", "RUNNING"));
  EXPECT_TRUE(becomes(page, "phase", "collection copy"));
  const std::string copied = said(page, "copied");
  EXPECT_TRUE(eventually([&] { return said(page, "copied") != copied; }, seconds(30))) << "it stands still: " << copied;
  EXPECT_NE(said(page, "obstacle").find("the collections are still being copied"), std::string::npos);
  EXPECT_TRUE(
      holds_soon(page, "document.querySelector('[data-plot=copyBytesPerSecond] .curve').getTotalLength() > 20"));
  slow_inserts(destination, false);

  EXPECT_TRUE(holds_soon(page, "!document.getElementById('commit').disabled")) << said(page, "obstacle");
  EXPECT_EQ(said(page, "phase"), "change event application");
  EXPECT_TRUE(becomes(page, "indexes", "1 of 1"));
  EXPECT_NE(said(page, "verified").find("121 of 121 collections"), std::string::npos) << said(page, "verified");
  EXPECT_EQ(page.evaluate("document.getElementById('verified-bar').getAttribute('aria-valuenow')"), "100");
  EXPECT_TRUE(holds_soon(page, "document.querySelector('[data-plot=lagSeconds] .curve').getTotalLength() > 20"));
  EXPECT_TRUE(holds_soon(page, "document.querySelectorAll('#timeline div').length >= 3"));
  writer.run("lim", R"({"insert": "docs", "documents": [{"_id": "one more"}]})");
  EXPECT_TRUE(holds_soon(page, "Number(document.getElementById('changes').textContent) >= 1"));

  EXPECT_TRUE(becomes(page, "total", std::to_string(small_collections + 1)));
  EXPECT_EQ(page.evaluate("document.getElementById('rows').rows.length"), "50");
  const std::string first_row = "document.getElementById('rows').rows[0].cells[0].textContent";
  click(page, "[data-sort=documents]");
  EXPECT_TRUE(holds_soon(page, first_row + " === 'lim.docs'"));
  click(page, "[data-sort=name]");
  click(page, "#next");
  EXPECT_TRUE(becomes(page, "page", "Page 2 of 3"));
  page.evaluate("document.getElementById('search').focus()");
  page.type("C1007");
  EXPECT_TRUE(becomes(page, "total", "1"));
  EXPECT_EQ(page.evaluate(first_row), "many.c1007");

  expect_picture(page, "light");
  const std::string ground = page.evaluate("getComputedStyle(document.body).backgroundColor");
  page.look_through(1280, 1000, true);
  EXPECT_NE(page.evaluate("getComputedStyle(document.body).backgroundColor"), ground) << "there is no dark mode";
  expect_picture(page, "dark");
  page.look_through(390, 844, false);
  expect_picture(page, "phone");

  page.evaluate("document.activeElement.blur()");
  ASSERT_TRUE(reach_by_tab(page, "pause"));
  page.press("Enter");
  EXPECT_TRUE(becomes(page, "state", "PAUSED")) << said(page, "answer");
  click(page, "#resume");
  EXPECT_TRUE(becomes(page, "state", "RUNNING")) << said(page, "answer");

  EXPECT_TRUE(holds_soon(page, "!document.getElementById('commit').disabled"));
  click(page, "#commit");
  EXPECT_EQ(page.evaluate("document.getElementById('confirm').open"), "true");
  EXPECT_EQ(page.evaluate("document.getElementById('really').disabled"), "true") << "nothing is confirmed yet";
  page.press("Escape");
  EXPECT_TRUE(holds_soon(page, "!document.getElementById('confirm').open"));
  EXPECT_EQ(said(page, "state"), "RUNNING");
  click(page, "#commit");
  expect_picture(page, "confirm");
  click(page, "#stopped");
  click(page, "#really");
  EXPECT_TRUE(becomes(page, "state", "COMMITTED")) << said(page, "answer");

  EXPECT_EQ(page.complaints(), std::vector<std::string>{});
  EXPECT_EQ(page.evaluate("performance.getEntriesByType('resource').every(e => e.name.startsWith(location.origin))"),
            "true");
  const comparison verdict = compare({.source_uri = source.uri(), .destination_uri = destination.uri()});
  EXPECT_TRUE(verdict.equal()) << verdict.text();
}

TEST(serve_page, asks_for_the_token_and_forgets_it) {
  const fs::path token = lab_directory() / ("page-token-" + std::to_string(::getpid()));
  fs::create_directories(lab_directory());
  std::ofstream(token) << "open-sesame-open-sesame\n";
  const std::string nobody = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100";
  const served sluice(nobody, nobody, {"--api-token-file", token.string()});
  fs::remove(token);
  browser page;
  page.open(sluice.url());
  const auto door = [&] { return holds_soon(page, "!document.getElementById('door').hidden"); };
  ASSERT_TRUE(door());
  EXPECT_EQ(page.evaluate("document.activeElement.id"), "token");
  page.type("guessed-guessed-guessed");
  page.press("Enter");
  EXPECT_TRUE(becomes(page, "token-wrong", "This is not the token."));
  page.evaluate("document.getElementById('token').focus()");
  page.type("open-sesame-open-sesame");
  page.press("Enter");
  EXPECT_TRUE(holds_soon(page, "!document.getElementById('house').hidden"));
  EXPECT_TRUE(becomes(page, "link", "live"));
  EXPECT_EQ(
      page.evaluate("document.body.innerHTML.includes('sesame') || localStorage.length + sessionStorage.length > 0 "
                    "|| document.cookie !== ''"),
      "false");
  for (const std::string& complaint : page.complaints()) {
    EXPECT_NE(complaint.find("401"), std::string::npos) << complaint;  // the browser's own words for a refusal
  }
  page.open(sluice.url());
  EXPECT_TRUE(door()) << "it is remembered";
}

// The tests above could see a complaint.
TEST(serve_page, a_fault_would_be_noticed) {
  browser page;
  page.open("data:text/html,<script>console.error('a fault')</script><script>nowhere()</script>");
  EXPECT_TRUE(eventually([&] { return page.complaints().size() == 2; }, seconds(30)));
}

}  // namespace
}  // namespace sluice::lab
