// The BSON corpus (tests/data/bson-corpus) as test input, and JSON compared by value. For tests only.
#pragma once

#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

#include "bson/document_view.hpp"

namespace sluice::bson::test {

inline std::vector<std::byte> from_hex(std::string_view hex) {
  std::vector<std::byte> bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(hex.data() + at, hex.data() + at + 2, value, 16);
    if (error != std::errc() || end != hex.data() + at + 2) throw std::invalid_argument("no hexadecimal digits");
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

struct valid_case {
  std::string name;  // file and description
  std::string type;  // the file's bson_type: "0x0B"
  std::vector<std::byte> canonical_bson;
  std::string canonical_json;
  std::optional<std::string> relaxed_json;
  std::optional<std::vector<std::byte>> degenerate_bson;
};

struct decode_error {
  std::string name;
  std::vector<std::byte> bson;
};

struct corpus {
  std::vector<valid_case> valid;
  std::vector<decode_error> decode_errors;
  std::size_t files = 0;
};

/// Everything but parseErrors: those are texts for a parser of Extended JSON or of decimal numbers, and there is none.
inline const corpus& the_corpus() {
  static const corpus loaded = [] {
    corpus all;
    for (const auto& entry : std::filesystem::directory_iterator(SLUICE_TEST_DATA "/bson-corpus")) {
      if (entry.path().extension() != ".json") continue;
      ++all.files;
      const std::string file = entry.path().filename().string();
      simdjson::dom::parser parser;
      simdjson::dom::object root = parser.load(entry.path().string()).get_object();
      const std::string type(root["bson_type"].get_string().value());
      const auto named = [&file](simdjson::dom::element test) {
        return file + ": " + std::string(test["description"].get_string().value());
      };
      const auto text = [](simdjson::dom::element test, std::string_view key) -> std::optional<std::string> {
        std::string_view found;
        if (test[key].get_string().get(found) != simdjson::SUCCESS) return {};
        return std::string(found);
      };
      simdjson::dom::array tests;
      if (root["valid"].get_array().get(tests) == simdjson::SUCCESS) {
        for (const simdjson::dom::element test : tests) {
          valid_case one{named(test),
                         type,
                         from_hex(*text(test, "canonical_bson")),
                         *text(test, "canonical_extjson"),
                         text(test, "relaxed_extjson"),
                         {}};
          if (const auto degenerate = text(test, "degenerate_bson")) one.degenerate_bson = from_hex(*degenerate);
          all.valid.push_back(std::move(one));
        }
      }
      if (root["decodeErrors"].get_array().get(tests) == simdjson::SUCCESS) {
        for (const simdjson::dom::element test : tests) {
          all.decode_errors.push_back({named(test), from_hex(*text(test, "bson"))});
        }
      }
    }
    return all;
  }();
  return loaded;
}

inline void append_normalized(std::string& out, simdjson::dom::element value);

inline void append_double(std::string& out, double number) {
  char text[64];
  out.append(text, static_cast<std::size_t>(std::snprintf(text, sizeof text, "double %a", number)));
}

inline void append_member(std::string& out, std::string_view key, simdjson::dom::element value) {
  out += std::to_string(key.size()) + ":";
  out += key;
  out += '=';
  std::string_view text;
  const bool is_double = key == "$numberDouble" && value.get_string().get(text) == simdjson::SUCCESS;
  // "1.0E+3" and "1000.0" are one value: the specification leaves the notation open.
  if (is_double && text != "NaN") {
    append_double(out, std::strtod(std::string(text).c_str(), nullptr));
  } else {
    append_normalized(out, value);
  }
}

inline void append_normalized(std::string& out, simdjson::dom::element value) {
  using simdjson::dom::element_type;
  switch (value.type()) {
    case element_type::OBJECT:
      out += '{';
      for (const auto member : simdjson::dom::object(value)) {
        append_member(out, member.key, member.value);
        out += ',';
      }
      out += '}';
      break;
    case element_type::ARRAY:
      out += '[';
      for (const simdjson::dom::element inner : simdjson::dom::array(value)) {
        append_normalized(out, inner);
        out += ',';
      }
      out += ']';
      break;
    case element_type::STRING: {
      const std::string_view text = value.get_string();
      out += '"' + std::to_string(text.size()) + ':';
      out += text;
      break;
    }
    case element_type::INT64:
      out += "int " + std::to_string(value.get_int64().value());
      break;
    case element_type::UINT64:
      out += "int " + std::to_string(value.get_uint64().value());
      break;
    case element_type::DOUBLE:
      append_double(out, value.get_double());
      break;
    case element_type::BOOL:
      out += value.get_bool() ? "true" : "false";
      break;
    case element_type::NULL_VALUE:
      out += "null";
      break;
  }
}

/// Two JSON texts have equal results exactly when they hold the same values, in the same order of keys.
/// Throws when the text is no JSON.
inline std::string normalized(std::string_view json) {
  simdjson::dom::parser parser;
  const simdjson::padded_string padded(json);
  std::string out;
  append_normalized(out, parser.parse(padded));
  return out;
}

}  // namespace sluice::bson::test
