// The JSON document in the body of a POST, before anybody asks what its fields mean. For engine/http only: simdjson's
// header is heavy.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <simdjson.h>

namespace sluice::http {

/// Why a body was not taken; goes out as "error" and "errorDescription".
struct body_refusal {
  // "InvalidJSON", "DuplicateField", "MissingField", "WrongType", "BadValue", "UnknownField", "OptionNotOffered"
  std::string name;
  std::string description;
};

/// The fields of `body`: any bytes at all, any Content-Type; an empty one stands for {}. `parser` owns what `fields`
/// points to.
[[nodiscard]] std::optional<body_refusal> read_body(std::string_view body, simdjson::dom::parser& parser,
                                                    simdjson::dom::object& fields);

/// Of calls that take no options: {} or nothing at all.
[[nodiscard]] std::optional<body_refusal> check_empty_body(std::string_view body);

/// For a message; a sender's megabyte of a name is cut, between two UTF-8 characters.
[[nodiscard]] std::string in_quotes(std::string_view name);

/// "a string", "an array", ...
[[nodiscard]] std::string_view type_name(const simdjson::dom::element& value);

/// `wanted` with its article: "a boolean".
[[nodiscard]] body_refusal wrong_type(std::string_view field, std::string_view wanted,
                                      const simdjson::dom::element& value);

/// The first of `fields`, which are those of the field `of`, that is none of `known`.
[[nodiscard]] std::optional<body_refusal> refuse_others(const std::string& of, const simdjson::dom::object& fields,
                                                        std::span<const std::string_view> known);

}  // namespace sluice::http
