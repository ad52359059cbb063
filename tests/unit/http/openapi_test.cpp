// The description of the API against the API: whatever is asked, the answer is one that is described.
#include <random>
#include <set>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "engine/http/api.hpp"
#include "engine/http/history.hpp"
#include "engine/http/page.hpp"
#include "engine/http/progress_json.hpp"
#include "tests/unit/http/fake_assessments.hpp"
#include "tests/unit/http/fake_controls.hpp"
#include "tests/unit/http/json_schema.hpp"

namespace sluice::http {
namespace {

namespace json = boost::json;
using test::fake_controls;
using test::json_schema;

class openapi : public testing::Test {
 protected:
  [[nodiscard]] const json::object& paths() const { return description_.at("paths").as_object(); }
  [[nodiscard]] const json::value& schema_named(const std::string& name) const {
    return description_.at("components").at("schemas").at(name);
  }
  /// That the description has this reply to this call, as it is.
  void expect_described(const json::value& operation, const response& reply, const std::string& what) const {
    const auto* described = operation.at("responses").as_object().if_contains(std::to_string(reply.status));
    ASSERT_NE(described, nullptr) << what << ": " << reply.status << " is not described; " << reply.body;
    const auto& content = described->at("content").as_object();
    const auto* media = content.if_contains(reply.content_type);
    ASSERT_NE(media, nullptr) << what << ": " << reply.content_type;
    if (reply.content_type != "application/json") return;
    EXPECT_EQ(schema_.complaints(json::parse(reply.body), media->at("schema")), std::vector<std::string>{})
        << what << "\n"
        << reply.body;
  }

  const json::value description_ = json::parse(openapi_json());
  const json_schema schema_{description_};
};

/// Snapshots as no run has them, but as one might.
session::progress random_progress(std::mt19937& random) {
  const auto number = [&](std::int64_t below) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint32_t>(below));
  };
  const auto maybe = [&]() -> std::optional<std::int64_t> {
    if (number(2) == 0) return std::nullopt;
    return number(1000);
  };
  session::progress now;
  now.now = static_cast<session::state>(number(7));
  now.at = static_cast<session::phase>(number(9));
  now.can_commit = number(2) == 0;
  now.can_write = number(2) == 0;
  now.source_name = "cluster0: a:1";
  now.destination_name = "cluster1: b:2";
  now.bytes_copied = number(1000);
  now.documents_copied = number(1000);
  now.indexes_total = static_cast<std::int32_t>(number(3));
  now.seconds_to_complete = maybe();
  now.source_ping_ms = maybe();
  now.source_silent_seconds = maybe();
  if (number(2) == 0) now.pausing = "the last changes";
  if (number(2) == 0) now.warnings = {"mind this", "\"and\" that\n"};
  if (number(3) == 0) now.failure = error{error_kind::server, "b refused", number(2) == 0 ? 0 : 13, "Unauthorized"};
  if (number(2) == 0) now.accounts = {1, 2, {{accounts::account_kind::role, "a.b", "exists, differs"}}};
  session::follow_progress& follow = now.follow;
  if (number(2) == 0) follow.captured_by = "oplog";
  follow.lag_seconds = maybe();
  follow.ddl_lag_seconds = maybe();
  follow.seconds_to_catch_up = maybe();
  follow.oplog_seconds_left = maybe();
  follow.consistent = number(2) == 0;
  follow.changes_per_second = static_cast<double>(number(100)) / 7;
  if (number(2) == 0) follow.last_applied = {1'700'000'000, 1};
  for (std::int64_t i = number(4); i > 0; --i) {
    session::collection_progress one;
    one.ns = "shop.c" + std::to_string(i);
    one.documents_total = number(100);
    one.index_build_fraction = static_cast<double>(number(1001)) / 1000;
    now.collections.push_back(one);
  }
  return now;
}

TEST_F(openapi, describes_what_is_served_and_nothing_else) {
  EXPECT_EQ(description_.at("openapi"), json::value("3.1.0"));
  std::set<std::string> described, served;
  for (const auto& [path, methods] : paths()) {
    for (const auto& [method, operation] : methods.as_object()) {
      described.insert(std::string(method) + " " + std::string(path));
    }
  }
  for (const served_route& one : served_routes()) {
    served.insert((one.method == "GET" ? "get " : "post ") + std::string(one.path));
  }
  EXPECT_EQ(described, served);
}

TEST_F(openapi, names_every_field_of_progress) {
  std::mt19937 random(7);
  const auto& known = schema_named("Progress").at("properties").as_object();
  std::set<std::string> seen;
  for (int i = 0; i < 3000; ++i) {
    const json::value reply = json::parse(progress_json(random_progress(random)));
    for (const auto& [name, field] : reply.at("progress").as_object()) {
      EXPECT_TRUE(known.contains(name)) << name << " is not described";
      seen.insert(std::string(name));
    }
    ASSERT_EQ(schema_.complaints(reply, schema_named("ProgressReply")), std::vector<std::string>{})
        << json::serialize(reply);
  }
  for (const auto& [name, field] : known) EXPECT_TRUE(seen.contains(std::string(name))) << name << " is never told";
}

TEST_F(openapi, knows_every_field_of_start) {
  for (const auto& [name, field] : schema_named("StartRequest").at("properties").as_object()) {
    fake_controls controls;
    const response reply = handle({"POST", "/api/v1/start", "{\"" + std::string(name) + "\":null}"}, controls);
    EXPECT_EQ(reply.body.find("UnknownField"), std::string::npos) << reply.body;
  }
}

// --- whatever is asked ---

class fuzzer {
 public:
  explicit fuzzer(std::uint32_t seed) : random_(seed) {}

  std::size_t number(std::size_t below) { return random_() % below; }
  std::mt19937& random() { return random_; }

  json::value anything(int depth = 0) {
    switch (number(depth > 2 ? 6 : 8)) {
      case 0:
        return nullptr;
      case 1:
        return number(2) == 0;
      case 2:
        return static_cast<std::int64_t>(number(1000)) - 500;
      case 3:
        return static_cast<double>(number(1000)) / 7;
      case 4:
        return json::value(std::string(number(20), 'x'));
      case 5:
        return json::value("cluster" + std::to_string(number(3)));
      case 6: {
        json::array out;
        for (std::size_t i = number(3); i > 0; --i) out.push_back(anything(depth + 1));
        return out;
      }
      default: {
        json::object out;
        for (std::size_t i = number(3); i > 0; --i) out["f" + std::to_string(number(5))] = anything(depth + 1);
        return out;
      }
    }
  }

  /// Of the schema's kind, more or less.
  json::value of(const json::value& schema) {
    const auto& wanted = schema.as_object();
    if (const auto* all = wanted.if_contains("enum")) return all->at(number(all->as_array().size()));
    if (const auto* any = wanted.if_contains("oneOf")) return of(any->at(number(any->as_array().size())));
    const std::string type = wanted.contains("type") ? std::string(wanted.at("type").as_string()) : "string";
    if (type == "boolean") return number(2) == 0;
    if (type == "integer") return static_cast<std::int64_t>(number(100));
    if (type == "array") return json::array{};
    if (type == "object") return json::object{};
    return json::value("text");
  }

  /// A body as the schema has it, then damaged in some way, most of the time.
  json::value body(const json::value& schema) {
    json::object out;
    const auto& wanted = schema.as_object();
    for (const auto& [name, field] : wanted.at("properties").as_object()) {
      const auto& required = wanted.at("required").as_array();
      const bool needed = std::find(required.begin(), required.end(), json::value(name)) != required.end();
      if (needed || number(8) == 0) out[name] = of(field);
    }
    if (number(3) == 0) out["unknown" + std::to_string(number(9))] = anything();
    if (number(3) == 0 && !out.empty())
      std::next(out.begin(), static_cast<std::ptrdiff_t>(number(out.size())))->value() = anything();
    if (number(4) == 0 && !out.empty())
      out.erase(std::next(out.begin(), static_cast<std::ptrdiff_t>(number(out.size()))));
    if (number(20) == 0) return anything();
    return out;
  }

 private:
  std::mt19937 random_;
};

TEST_F(openapi, every_answer_to_any_call_is_described) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  fuzzer random(seed);
  std::set<std::string> met;
  history past;
  past.add(std::chrono::system_clock::now(), random_progress(random.random()));
  for (int round = 0; round < 20'000 && !HasFailure(); ++round) {
    const auto& [path, methods] =
        *std::next(paths().begin(), static_cast<std::ptrdiff_t>(random.number(paths().size())));
    const auto& [method, operation] =
        *std::next(methods.as_object().begin(), static_cast<std::ptrdiff_t>(random.number(methods.as_object().size())));
    fake_controls controls;
    if (random.number(4) != 0) controls.set(random_progress(random.random()));
    if (random.number(10) == 0) controls.refuse_with(failure(error_kind::network, "b is gone"));
    std::string target(path), body;
    if (operation.as_object().contains("parameters")) {
      char separator = '?';
      for (const json::value& parameter : operation.at("parameters").as_array()) {
        if (random.number(2) == 0) continue;
        const json::value value = random.number(3) == 0 ? random.anything() : random.of(parameter.at("schema"));
        target += separator + std::string(parameter.at("name").as_string()) + "=" +
                  (value.is_string() ? std::string(value.as_string()) : json::serialize(value));
        separator = '&';
      }
      if (random.number(10) == 0) target += separator + std::string("unknown=1");
    }
    bool fits = true;
    if (operation.as_object().contains("requestBody") && random.number(10) != 0) {
      const json::value& schema =
          schema_.resolved(operation.at("requestBody").at("content").at("application/json").at("schema"));
      const json::value sent = random.body(schema);
      // {} says as much as no body, which a call that takes one may go without.
      fits = schema_.complaints(sent, schema).empty() || sent == json::object{};
      body = json::serialize(sent);
      if (random.number(20) == 0) {
        body.resize(random.number(body.size() + 1));
        fits = true;  // or not: that is the parser's business
      }
    }
    request_view request{method == "get" ? "GET" : "POST", target, body};
    if (random.number(20) == 0) request.host = "evil.example";
    if (random.number(20) == 0) request.origin = "http://evil.example";
    test::fake_assessments assessing;
    context with{.past = &past};
    if (random.number(10) != 0) with.assessing = &assessing;
    if (random.number(2) == 0) assessing.end(test::some_report());
    if (random.number(4) == 0) static_cast<void>(assessing.begin({}));
    if (random.number(10) == 0) with.access.token = "a token that nobody shows";
    const response reply = handle(request, controls, with);
    const std::string what = std::string(request.method) + " " + target + " " + body;
    expect_described(operation, reply, what);
    if (!fits) {
      EXPECT_TRUE(reply.status >= 400 && reply.status < 500) << what << " was answered " << reply.status;
    }
    met.insert(std::to_string(reply.status));
  }
  for (const char* status : {"200", "400", "401", "403", "404", "409", "421", "500", "503"}) {
    EXPECT_TRUE(met.contains(status)) << "no call of this test was answered " << status;
  }
}

TEST_F(openapi, the_judge_would_notice) {
  const json::value schema = json::parse(R"({"type":"object","required":["a"],"additionalProperties":false,
      "properties":{"a":{"type":"integer","minimum":0},"b":{"type":["string","null"]}}})");
  const auto count = [&](const char* text) { return schema_.complaints(json::parse(text), schema).size(); };
  EXPECT_EQ(count(R"({"a":1,"b":null})"), 0U);
  EXPECT_EQ(count(R"({"b":"x"})"), 1U);
  EXPECT_EQ(count(R"({"a":-1})"), 1U);
  EXPECT_EQ(count(R"({"a":"1","b":2})"), 2U);
  EXPECT_EQ(count(R"({"a":1,"c":1})"), 1U);
  EXPECT_EQ(schema_.complaints(1, json::parse(R"({"multipleOf":2})")).size(), 1U) << "a keyword that is not checked";
}

}  // namespace
}  // namespace sluice::http
