// /api/v1/assess, and the JSON of an assessment.
#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "engine/http/api.hpp"
#include "engine/http/assessment_json.hpp"
#include "engine/http/page.hpp"
#include "tests/unit/http/fake_assessments.hpp"
#include "tests/unit/http/fake_controls.hpp"
#include "tests/unit/http/json_schema.hpp"

namespace sluice::http {
namespace {

namespace json = boost::json;
using test::fake_assessments;
using test::fake_controls;
using test::some_report;

class assessment_api : public testing::Test {
 protected:
  response call(std::string_view method, std::string_view body = {}) {
    return handle({method, "/api/v1/assess", body}, controls_, {.assessing = &assessing_});
  }
  json::value look() { return json::parse(call("GET").body); }

  fake_controls controls_;
  fake_assessments assessing_;
};

TEST_F(assessment_api, begins_one_at_a_time_and_tells_what_came_of_it) {
  EXPECT_EQ(look(), json::parse(R"({"success":true,"underWay":false,"assessment":null})"));
  EXPECT_EQ(call("POST").status, 200U);
  EXPECT_EQ(look().at("underWay"), json::value(true));
  const response second = call("POST", "{}");
  EXPECT_EQ(second.status, 409U);
  EXPECT_EQ(json::parse(second.body).at("error"), json::value("IllegalState"));
  assessing_.end(some_report());
  EXPECT_EQ(look().at("underWay"), json::value(false));
  EXPECT_EQ(look().at("assessment"), json::parse(assessment_json(some_report())))
      << "as sluice assess --json prints it";
  EXPECT_EQ(call("POST", "{}").status, 200U);
  EXPECT_EQ(look().at("assessment").at("verdict"), json::value("failure")) << "the last one stays until the next ends";
  assessing_.end(failure(error_kind::cancelled, "it was \"cancelled\""));
  EXPECT_EQ(look(),
            json::parse(R"({"success":true,"underWay":false,"assessment":null,"failure":"it was \"cancelled\""})"));
  EXPECT_TRUE(controls_.started().empty());
}

TEST_F(assessment_api, takes_the_body_of_a_start) {
  EXPECT_EQ(call("POST", " {} ").status, 200U);
  assessing_.end(some_report());
  EXPECT_EQ(call("POST", R"({"source":"cluster1","destination":"cluster0","includeNamespaces":[{"database":"shop"}]})")
                .status,
            200U);
  ASSERT_EQ(assessing_.begun().size(), 2U);
  EXPECT_FALSE(assessing_.begun()[0]);
  ASSERT_TRUE(assessing_.begun()[1]);
  EXPECT_EQ(assessing_.begun()[1]->source, "cluster1");
  EXPECT_EQ(assessing_.begun()[1]->include, std::vector<std::string>{"shop"});
  assessing_.end(some_report());
  for (const char* wrong : {"[]", "{", R"({"source":"cluster9"})", R"({"unknown":1})", "null"}) {
    EXPECT_EQ(call("POST", wrong).status, 400U) << wrong;
  }
  EXPECT_EQ(assessing_.begun().size(), 2U);
}

TEST_F(assessment_api, has_two_methods_and_no_others) {
  EXPECT_EQ(call("HEAD").status, 200U);
  const response wrong = call("DELETE");
  EXPECT_EQ(wrong.status, 405U);
  EXPECT_EQ(wrong.allow, "GET, HEAD, POST");
}

TEST_F(assessment_api, a_program_that_assesses_nothing_says_so) {
  for (const char* method : {"GET", "POST"}) {
    const response reply = handle({method, "/api/v1/assess"}, controls_);
    EXPECT_EQ(reply.status, 404U);
    EXPECT_EQ(json::parse(reply.body).at("error"), json::value("NotOffered"));
  }
}

TEST_F(assessment_api, every_report_is_as_it_is_described) {
  const json::value description = json::parse(openapi_json());
  const test::json_schema schema(description);
  const auto& wanted = description.at("components").at("schemas").at("AssessmentReply");
  for (const assess::report& found : {some_report(), assess::report{}}) {
    assessing_.end(found);
    EXPECT_EQ(schema.complaints(look(), wanted), std::vector<std::string>{}) << json::serialize(look());
  }
}

TEST(assessment_json, counts_levels_and_keeps_figures_and_lines) {
  const json::value found = json::parse(assessment_json(some_report()));
  EXPECT_EQ(found.at("verdict"), json::value("failure"));
  EXPECT_EQ(found.at("failures"), json::value(1));
  EXPECT_EQ(found.at("warnings"), json::value(1));
  EXPECT_EQ(found.at("destination").at("name"), json::value(nullptr));
  EXPECT_EQ(found.at("findings").at(1).at("figures").at("freeBytes"), json::value(12.5));
  EXPECT_EQ(found.at("findings").at(2).at("commands"), (json::array{"db.x()", "db.y()"}));
  EXPECT_EQ(found.at("findings").at(2).at("what"), json::value("is \"full\"\n"));
  const json::value nothing = json::parse(assessment_json({}));
  EXPECT_EQ(nothing.at("verdict"), json::value("ok"));
  EXPECT_EQ(nothing.at("estimate"), json::value(nullptr));
  EXPECT_EQ(nothing.at("command"), json::value(nullptr));
}

}  // namespace
}  // namespace sluice::http
