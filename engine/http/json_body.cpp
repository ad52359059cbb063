#include "engine/http/json_body.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/runtime/limits.hpp"
#include "engine/runtime/nearest_name.hpp"

namespace sluice::http {
namespace {

namespace dom = simdjson::dom;

// The deepest documented field is at level 5 (sharding.shardingEntries[].shardCollection.key[]).
constexpr std::size_t depth_max = 32;

/// A document with the same key twice means two things to two readers; refused at every level. Depth is bounded by the
/// parser.
std::optional<body_refusal> refuse_duplicate_keys(const dom::element& value) {
  if (dom::array elements; value.get(elements) == simdjson::SUCCESS) {
    for (const dom::element element : elements) {
      if (auto refused = refuse_duplicate_keys(element)) return refused;
    }
    return {};
  }
  dom::object fields;
  if (value.get(fields) != simdjson::SUCCESS) return {};
  std::set<std::string_view> seen;
  for (const auto [key, field] : fields) {
    if (!seen.insert(key).second) return body_refusal{"DuplicateField", in_quotes(key) + " is given twice"};
    if (auto refused = refuse_duplicate_keys(field)) return refused;
  }
  return {};
}

}  // namespace

std::optional<body_refusal> read_body(std::string_view body, dom::parser& parser, dom::object& fields) {
  if (body.empty()) body = "{}";
  simdjson::error_code fault = parser.allocate(body.size(), depth_max);
  // simdjson reads some bytes past the end, so it gets a padded copy.
  const simdjson::padded_string padded(body);
  dom::element document;
  if (fault == simdjson::SUCCESS) fault = parser.parse(padded).get(document);
  if (fault != simdjson::SUCCESS) {
    return body_refusal{"InvalidJSON", std::string("the body is no JSON document: ") + simdjson::error_message(fault)};
  }
  if (document.get(fields) != simdjson::SUCCESS) {
    return body_refusal{"InvalidJSON", "the body must be a JSON document, not " + std::string(type_name(document))};
  }
  return refuse_duplicate_keys(document);
}

std::optional<body_refusal> check_empty_body(std::string_view body) {
  dom::parser parser(limits::http_body_bytes_max);
  dom::object fields;
  if (auto refused = read_body(body, parser, fields)) return refused;
  for (const auto [key, value] : fields) {
    return body_refusal{"UnknownField", in_quotes(key) + " is no field of this call; it takes none: send {}"};
  }
  return std::nullopt;
}

std::string in_quotes(std::string_view name) {
  constexpr std::size_t shown_max = 64;
  if (name.size() <= shown_max) return "\"" + std::string(name) + "\"";
  std::size_t end = shown_max;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0U) == 0x80U) --end;
  return "\"" + std::string(name.substr(0, end)) + "...\"";
}

std::string_view type_name(const dom::element& value) {
  switch (value.type()) {
    case dom::element_type::ARRAY:
      return "an array";
    case dom::element_type::OBJECT:
      return "a document";
    case dom::element_type::STRING:
      return "a string";
    case dom::element_type::BOOL:
      return "a boolean";
    case dom::element_type::NULL_VALUE:
      return "null";
    default:
      return "a number";
  }
}

body_refusal wrong_type(std::string_view field, std::string_view wanted, const dom::element& value) {
  return {"WrongType", in_quotes(field) + " must be " + std::string(wanted) + ", not " + std::string(type_name(value))};
}

std::optional<body_refusal> refuse_others(const std::string& of, const dom::object& fields,
                                          std::span<const std::string_view> known) {
  for (const auto [key, value] : fields) {
    if (std::ranges::find(known, key) != known.end()) continue;
    return body_refusal{"UnknownField",
                        in_quotes(of + "." + std::string(key)) + " is no option" + runtime::did_you_mean(key, known)};
  }
  return {};
}

}  // namespace sluice::http
