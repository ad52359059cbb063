#include "engine/http/assessment_json.hpp"

#include <boost/json.hpp>

namespace sluice::http {
namespace {

namespace json = boost::json;

json::value or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::object to_json(const assess::side_name& of) {
  return {{"name", or_null(of.name)},
          {"kind", or_null(of.kind)},
          {"version", or_null(of.version)},
          {"fcv", or_null(of.fcv)}};
}

json::object to_json(const assess::finding& of) {
  json::object out;
  out["check"] = of.check;
  out["level"] = assess::to_string(of.how);
  out["heading"] = assess::to_string(of.under);
  out["subject"] = of.subject;
  out["what"] = of.what;
  out["advice"] = of.advice;
  json::array commands;
  for (const std::string& line : of.commands) commands.push_back(json::value(line));
  out["commands"] = std::move(commands);
  json::object figures;
  for (const assess::figure& one : of.figures) figures[one.name] = one.value;
  out["figures"] = std::move(figures);
  return out;
}

json::value to_json(const std::optional<assess::copy_estimate>& of) {
  if (!of) return nullptr;
  return json::object{{"bytes", of->bytes},
                      {"documents", of->documents},
                      {"seconds", of->seconds},
                      {"secondsMin", of->seconds_min},
                      {"secondsMax", of->seconds_max},
                      {"indexSeconds", of->index_seconds},
                      {"bytesPerSecond", of->bytes_per_second},
                      {"limitedBy", of->limited_by}};
}

}  // namespace

std::string assessment_json(const assess::report& of) {
  json::object out;
  out["format"] = "sluice-assess";
  out["formatVersion"] = assessment_format_version;
  out["began"] = of.began;
  out["seconds"] = of.seconds;
  out["verdict"] = assess::to_string(assess::verdict_of(of));
  out["failures"] = assess::count(of.found, assess::level::failure);
  out["warnings"] = assess::count(of.found, assess::level::warning);
  out["source"] = to_json(of.source);
  out["destination"] = to_json(of.destination);
  json::array findings;
  for (const assess::finding& one : of.found) findings.push_back(to_json(one));
  out["findings"] = std::move(findings);
  out["estimate"] = to_json(of.time);
  out["command"] = or_null(of.command);
  return json::serialize(out);
}

}  // namespace sluice::http
