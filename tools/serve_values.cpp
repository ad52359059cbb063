#include "tools/serve_values.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "engine/http/start_body_namespaces.hpp"

namespace sluice::tools {
namespace {

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::optional<log_level> parse_verbosity(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, log_level>, 7> levels{{{"TRACE", log_level::trace},
                                                                          {"DEBUG", log_level::debug},
                                                                          {"INFO", log_level::info},
                                                                          {"WARN", log_level::warn},
                                                                          {"ERROR", log_level::error},
                                                                          {"FATAL", log_level::fatal},
                                                                          {"PANIC", log_level::fatal}}};
  for (const auto& [level_name, level] : levels) {
    if (same_letters(name, level_name)) return level;
  }
  return std::nullopt;
}

std::optional<log_format> parse_log_format(std::string_view name) {
  if (name == "auto") return log_format::automatic;
  if (name == "text") return log_format::text;
  if (name == "json") return log_format::json;
  return std::nullopt;
}

bool is_capture_way(std::string_view name) noexcept {
  return name == "auto" || name == "oplog" || name == "change-stream";
}

std::optional<std::string> read_documents(std::string_view name, const std::string& json,
                                          cluster::document_filter& into) {
  simdjson::dom::parser parser;
  simdjson::dom::element value;
  const simdjson::padded_string padded(json);
  if (const auto fault = parser.parse(padded).get(value); fault != simdjson::SUCCESS) {
    return "\"" + std::string(name) + R"(" must be a JSON document {"field": ..., "matchValues": [...]}: )" +
           simdjson::error_message(fault);
  }
  auto filter = http::read_document_filter(name, value);
  if (const auto* refused = std::get_if<http::body_refusal>(&filter)) return refused->description;
  into = std::get<cluster::document_filter>(std::move(filter));
  return std::nullopt;
}

std::optional<std::string> read_sharding(const std::string& json, std::optional<cluster::sharding_choice>& into) {
  simdjson::dom::parser parser;
  simdjson::dom::element value;
  const simdjson::padded_string padded(json);
  if (const auto fault = parser.parse(padded).get(value); fault != simdjson::SUCCESS) {
    return std::string(R"("sharding" must be a JSON document {"shardingEntries": [...]}: )") +
           simdjson::error_message(fault);
  }
  auto choice = http::read_sharding(value);
  if (const auto* refused = std::get_if<http::body_refusal>(&choice)) return refused->description;
  into = std::get<cluster::sharding_choice>(std::move(choice));
  return std::nullopt;
}

}  // namespace sluice::tools
