#include "engine/http/api.hpp"

#include <algorithm>
#include <array>

#include <boost/json.hpp>

#include "engine/http/assessment_json.hpp"
#include "engine/http/history.hpp"
#include "engine/http/json_body.hpp"
#include "engine/http/metrics.hpp"
#include "engine/http/namespaces_json.hpp"
#include "engine/http/page.hpp"
#include "engine/http/progress_json.hpp"
#include "engine/http/start_body.hpp"

namespace sluice::http {
namespace {

namespace json = boost::json;

std::string_view query_of(const request_view& request) {
  const std::size_t mark = request.target.find('?');
  return mark == std::string_view::npos ? std::string_view{} : request.target.substr(mark + 1);
}

response progress(const request_view& /*request*/, session::controls& controls, const context& /*with*/) {
  return {200, progress_json(controls.snapshot(false))};
}

response namespaces(const request_view& request, session::controls& controls, const context& /*with*/) {
  const auto parsed = parse_namespaces_query(query_of(request));
  if (const auto* refused = std::get_if<std::string>(&parsed)) return refusal(400, "BadParameter", *refused);
  return {200, namespaces_json(controls.snapshot(true), std::get<namespaces_query>(parsed))};
}

/// How the last minutes, or days, went.
response past(const request_view& request, session::controls& /*controls*/, const context& with) {
  const auto back = parse_history_query(query_of(request));
  if (!back) {
    return refusal(400, "BadParameter",
                   "this call takes one parameter, \"seconds\": how far to look back, a whole number from 1 to " +
                       std::to_string(history_seconds_max));
  }
  static const history nothing;
  return {200, (with.past == nullptr ? nothing : *with.past).json(*back)};
}

response events(const request_view& /*request*/, session::controls& /*controls*/, const context& /*with*/) {
  response reply;
  reply.content_type = "text/event-stream";
  reply.events = true;
  return reply;
}

response page(const request_view& /*request*/, session::controls& /*controls*/, const context& /*with*/) {
  response reply{200, std::string(page_html())};
  reply.content_type = "text/html; charset=utf-8";
  reply.page_policy = page_policy();
  return reply;
}

response description(const request_view& /*request*/, session::controls& /*controls*/, const context& /*with*/) {
  return {200, std::string(openapi_json())};
}

/// The session's answer to a call.
response answer_with(const result<>& outcome) {
  if (outcome) return {200, R"({"success":true})"};
  const error& why = outcome.error();
  const std::string_view name =
      why.server_code_name.empty() ? to_string(why.kind) : std::string_view(why.server_code_name);
  switch (why.kind) {
    case error_kind::refused:
      return refusal(409, "IllegalState", why.message);
    case error_kind::configuration:
      return refusal(400, "BadValue", why.message);
    default:
      return refusal(500, name, why.message);
  }
}

std::string_view start_refusal_name(error_kind kind) {
  switch (kind) {
    case error_kind::network:
    case error_kind::timeout:
      return "HostUnreachable";
    case error_kind::authentication:
      return "AuthenticationFailed";
    case error_kind::configuration:
      return "BadValue";
    default:
      return "StartRefused";
  }
}

response start(const request_view& request, session::controls& controls, const context& /*with*/) {
  const auto parsed = parse_start_body(request.body);
  if (const auto* refused = std::get_if<body_refusal>(&parsed)) {
    return refusal(400, refused->name, refused->description);
  }
  response reply = answer_with(controls.start(std::get<session::start_request>(parsed)));
  reply.begins = reply.status == 200;
  return reply;
}

/// pause, resume, commit and reverse: calls without options.
template <result<> (session::controls::*call)()>
response plain_call(const request_view& request, session::controls& controls, const context& /*with*/) {
  if (const auto refused = check_empty_body(request.body)) {
    return refusal(400, refused->name, refused->description);
  }
  return answer_with((controls.*call)());
}

response no_assessments() {
  return refusal(404, "NotOffered", "this program runs one migration and assesses none; sluice assess does");
}

/// Of the migration that a start with this body would begin; without one, as the program was told.
response begin_assessment(const request_view& request, session::controls& /*controls*/, const context& with) {
  if (with.assessing == nullptr) return no_assessments();
  std::optional<session::start_request> wanted;
  if (check_empty_body(request.body)) {  // it says something
    auto parsed = parse_start_body(request.body);
    if (const auto* refused = std::get_if<body_refusal>(&parsed)) {
      return refusal(400, refused->name, refused->description);
    }
    wanted = std::get<session::start_request>(std::move(parsed));
  }
  return answer_with(with.assessing->begin(wanted));
}

response assessment(const request_view& /*request*/, session::controls& /*controls*/, const context& with) {
  if (with.assessing == nullptr) return no_assessments();
  const assess::service_state now = with.assessing->look();
  // What was found are the very words of sluice assess --json.
  const bool found = now.last && now.last->has_value();
  std::string body = R"({"success":true,"underWay":)" + std::string(now.under_way ? "true" : "false");
  body += R"(,"assessment":)" + (found ? assessment_json(now.last->value()) : std::string("null"));
  if (now.last && !found) body += R"(,"failure":)" + json::serialize(json::value(now.last->error().message));
  return {200, body + "}"};
}

response metrics(const request_view& /*request*/, session::controls& controls, const context& /*with*/) {
  response reply{200, metrics_text(controls.snapshot(false))};
  reply.content_type = metrics_content_type;
  return reply;
}

/// That it answers is all that it says: whoever restarts a process by this must not restart one whose run has failed,
/// since that would take its `error` away.
response health(const request_view& /*request*/, session::controls& controls, const context& /*with*/) {
  json::object reply;
  reply["success"] = true;
  reply["state"] = to_string(controls.snapshot(false).now);
  return {200, json::serialize(reply)};
}

/// Why the process cannot do its work now; empty when it can. Asked by whoever may reach the port, so that it names no
/// hosts.
std::string unready(const session::progress& now) {
  if (now.now == session::state::initializing) return "it still looks for a run that an earlier process left";
  if (now.now == session::state::failed) return "the run has failed; progress says why";
  const auto silent = [](const char* side, std::int64_t seconds) {
    return std::string("the ") + side + " has not answered for " + std::to_string(seconds) + " s";
  };
  if (now.source_silent_seconds) return silent("source", *now.source_silent_seconds);
  if (now.destination_silent_seconds) return silent("destination", *now.destination_silent_seconds);
  return {};
}

response readiness(const request_view& /*request*/, session::controls& controls, const context& /*with*/) {
  const session::progress now = controls.snapshot(false);
  if (const std::string reason = unready(now); !reason.empty()) return refusal(503, "NotReady", reason);
  json::object reply;
  reply["success"] = true;
  reply["state"] = to_string(now.now);
  return {200, json::serialize(reply)};
}

/// Who may call it where a token is asked for.
enum class reach : std::uint8_t { with_token, open };

struct route {
  std::string_view path;
  std::string_view method;
  response (*answer)(const request_view&, session::controls&, const context&);
  reach who = reach::with_token;
};

constexpr std::array routes{
    route{"/api/v1/progress", "GET", progress},
    route{"/api/v1/namespaces", "GET", namespaces},
    route{"/api/v1/history", "GET", past},
    route{"/api/v1/events", "GET", events},
    route{"/api/v1/openapi.json", "GET", description},
    route{"/api/v1/start", "POST", start},
    route{"/api/v1/assess", "GET", assessment},
    route{"/api/v1/assess", "POST", begin_assessment},
    route{"/api/v1/pause", "POST", plain_call<&session::controls::pause>},
    route{"/api/v1/resume", "POST", plain_call<&session::controls::resume>},
    route{"/api/v1/commit", "POST", plain_call<&session::controls::commit>},
    route{"/api/v1/reverse", "POST", plain_call<&session::controls::reverse>},
    route{"/metrics", "GET", metrics},
    route{"/healthz", "GET", health, reach::open},
    route{"/readyz", "GET", readiness, reach::open},
    route{"/", "GET", page, reach::open},
};

bool takes(const route& one, std::string_view method) {
  return one.method == method || (one.method == "GET" && method == "HEAD");
}

/// Of a path with several methods the one that is meant; else any of that path.
const route* find_route(std::string_view path, std::string_view method) {
  const route* found = routes.end();
  for (const route& one : routes) {
    if (one.path == path && (found == routes.end() || takes(one, method))) found = &one;
  }
  return found;
}

/// For the Allow header.
std::string methods_of(std::string_view path) {
  std::string all;
  for (const route& one : routes) {
    if (one.path != path) continue;
    all += (all.empty() ? "" : ", ") + std::string(one.method == "GET" ? "GET, HEAD" : one.method);
  }
  return all;
}

response unknown_path() {
  return refusal(404, "NotFound", "there is nothing at this path; what is served is in /api/v1/openapi.json");
}

}  // namespace

response refusal(unsigned status, std::string_view name, std::string_view description) {
  json::object reply;
  reply["success"] = false;
  reply["error"] = name;
  reply["errorDescription"] = description;
  return {status, json::serialize(reply)};
}

std::vector<served_route> served_routes() {
  std::vector<served_route> all;
  for (const route& one : routes) all.push_back({one.path, one.method});
  return all;
}

std::optional<response> started(session::controls& controls) {
  const auto begun = controls.beginning();
  if (!begun) return std::nullopt;
  if (*begun) return answer_with(*begun);
  const error& why = begun->error();
  const bool unnamed = why.server_code_name.empty();
  // What the operator can mend, as opposed to a fault of this program.
  return refusal(400, unnamed ? start_refusal_name(why.kind) : std::string_view(why.server_code_name), why.message);
}

response handle(const request_view& request, session::controls& controls, const context& with) {
  const std::string_view path = request.target.substr(0, request.target.find('?'));
  const auto found = find_route(path, request.method);
  const bool open = found != routes.end() && found->who == reach::open;
  if (auto refused = refuse_stranger(request, with.access, open)) return *std::move(refused);
  if (found == routes.end()) return unknown_path();
  if (!takes(*found, request.method)) {
    const std::string allowed = methods_of(path);
    response reply = refusal(405, "MethodNotAllowed", std::string(path) + " takes only " + allowed);
    reply.allow = allowed;
    return reply;
  }
  return found->answer(request, controls, with);
}

}  // namespace sluice::http
