// The web page as it is served: one file that asks nobody but its own server, under a policy that holds it to that.
#include "engine/http/page.hpp"

#include <regex>
#include <string>

#include <gtest/gtest.h>

#include "engine/http/api.hpp"
#include "tests/unit/http/fake_controls.hpp"

namespace sluice::http {
namespace {

TEST(page, is_served_with_its_policy_to_who_shows_no_token) {
  test::fake_controls controls;
  const response reply = handle({"GET", "/"}, controls, {.access = {.token = "a token of some length"}});
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.content_type, "text/html; charset=utf-8");
  EXPECT_EQ(reply.body, page_html());
  const std::string policy(reply.page_policy);
  EXPECT_TRUE(policy.starts_with("default-src 'none'; script-src 'sha256-")) << policy;
  for (const char* part :
       {"; style-src 'sha256-", "; connect-src 'self';", "frame-ancestors 'none'", "base-uri 'none'"}) {
    EXPECT_NE(policy.find(part), std::string::npos) << policy;
  }
  EXPECT_EQ(policy.find("unsafe"), std::string::npos) << policy;
}

TEST(page, names_no_other_place) {
  const std::string html(page_html());
  const std::regex reference("(?:src|href|action)\\s*=|url\\(|@import|https?://[^\"' ]*");
  for (std::sregex_iterator it(html.begin(), html.end(), reference); it != std::sregex_iterator(); ++it) {
    const std::string found = it->str();
    const std::string around = html.substr(static_cast<std::size_t>(it->position()), 40);
    const bool is_empty_icon = around.starts_with("href=\"data:,\"");
    const bool is_xml_name = found == "http://www.w3.org/2000/svg";
    EXPECT_TRUE(is_empty_icon || is_xml_name) << around;
  }
}

}  // namespace
}  // namespace sluice::http
