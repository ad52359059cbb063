// Extended JSON v2. Always valid JSON: text that is no UTF-8 shows U+FFFD in place of each wrong byte.
#include "bson/extended_json.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "bson/bytes.hpp"
#include "bson/decimal128.hpp"
#include "bson/utf8.hpp"

namespace sluice::bson {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";

[[nodiscard]] std::string hex(bytes_view bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    text += hex_digits[std::to_integer<unsigned>(byte) >> 4];
    text += hex_digits[std::to_integer<unsigned>(byte) & 0xF];
  }
  return text;
}

[[nodiscard]] std::string base64(bytes_view bytes) {
  constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8 | (i < have ? std::to_integer<std::uint32_t>(bytes[at + i]) : 0);
    }
    for (std::size_t i = 0; i < 4; ++i) text += i <= have ? alphabet[group >> (18 - 6 * i) & 0x3F] : '=';
  }
  return text;
}

/// The shortest decimal that reads back as the same double, always recognizable as no integer: "1.0", "1E+300".
[[nodiscard]] std::string finite_double(double value) {
  char buffer[32];
  const double magnitude = std::abs(value);
  const bool plain = magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e16);
  const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  std::string text(buffer, std::to_chars(buffer, buffer + sizeof buffer, value, format).ptr);
  if (!plain) {
    std::replace(text.begin(), text.end(), 'e', 'E');
  } else if (text.find('.') == std::string::npos) {
    text += ".0";
  }
  return text;
}

[[nodiscard]] std::string double_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return finite_double(value);
}

/// RFC 3339 with milliseconds where there are some. For years 1970 to 9999 only.
[[nodiscard]] std::string iso_date(std::int64_t ms_since_epoch) {
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(ms_since_epoch)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char buffer[64];
  int length = std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                             static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                             static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                             static_cast<int>(clock.seconds().count()));
  std::string text(buffer, static_cast<std::size_t>(length));
  if (const auto ms = static_cast<int>(clock.subseconds().count()); ms != 0) {
    length = std::snprintf(buffer, sizeof buffer, ".%03d", ms);
    text.append(buffer, static_cast<std::size_t>(length));
  }
  return text + 'Z';
}

class writer {
 public:
  explicit writer(json_mode mode) noexcept : canonical_(mode == json_mode::canonical) {}

  void document(document_view fields) {
    json_ += '{';
    const char* separator = "";
    for (const element_view field : fields) {
      json_ += separator;
      separator = ", ";
      string(field.key());
      json_ += ": ";
      value(field);
    }
    json_ += '}';
  }

  void array(document_view elements) {
    json_ += '[';
    const char* separator = "";
    for (const element_view element : elements) {
      json_ += separator;
      separator = ", ";
      value(element);
    }
    json_ += ']';
  }

  void value(element_view element) {
    const std::byte* const bytes = element.value().data();
    switch (element.type()) {
      case type::end:
        json_ += "null";
        break;
      case type::double_:
        number("$numberDouble", double_text(load<double>(bytes)), std::isfinite(load<double>(bytes)));
        break;
      case type::int32:
        number("$numberInt", std::to_string(load<std::int32_t>(bytes)), true);
        break;
      case type::int64:
        number("$numberLong", std::to_string(load<std::int64_t>(bytes)), true);
        break;
      case type::decimal128:
        number("$numberDecimal", to_string(decimal128::decode(bytes)), false);
        break;
      case type::string:
        string(string_at(bytes));
        break;
      case type::document:
        document(document_view(bytes));
        break;
      case type::array:
        array(document_view(bytes));
        break;
      case type::binary:
        binary(*element.as_binary());
        break;
      case type::undefined:
        json_ += R"({"$undefined": true})";
        break;
      case type::object_id:
        object_id(bytes);
        break;
      case type::boolean:
        json_ += *element.as_bool() ? "true" : "false";
        break;
      case type::date_time:
        date(load<std::int64_t>(bytes));
        break;
      case type::null:
        json_ += "null";
        break;
      case type::regex:
        regex(bytes);
        break;
      case type::db_pointer:
        json_ += R"({"$dbPointer": {"$ref": )";
        string(string_at(bytes));
        json_ += R"(, "$id": )";
        object_id(bytes + 4 + load_length(bytes));
        json_ += "}}";
        break;
      case type::code:
        tagged("$code", string_at(bytes));
        break;
      case type::symbol:
        tagged("$symbol", string_at(bytes));
        break;
      case type::code_with_scope:
        json_ += R"({"$code": )";
        string(string_at(bytes + 4));
        json_ += R"(, "$scope": )";
        document(document_view(bytes + 8 + load_length(bytes + 4)));
        json_ += '}';
        break;
      case type::timestamp: {
        const auto time = *element.as_timestamp();
        json_ += R"({"$timestamp": {"t": )" + std::to_string(time.seconds) + R"(, "i": )" +
                 std::to_string(time.increment) + "}}";
        break;
      }
      case type::min_key:
        json_ += R"({"$minKey": 1})";
        break;
      case type::max_key:
        json_ += R"({"$maxKey": 1})";
        break;
    }
  }

  [[nodiscard]] std::string take() && { return std::move(json_); }

 private:
  void tagged(std::string_view name, std::string_view text) {
    json_ += "{\"";
    json_ += name;
    json_ += "\": ";
    string(text);
    json_ += '}';
  }

  /// `has_literal`: relaxed mode may write it as a JSON number.
  void number(std::string_view name, std::string_view text, bool has_literal) {
    if (canonical_ || !has_literal) return tagged(name, text);
    json_ += text;
  }

  void object_id(const std::byte* bytes) { tagged("$oid", hex({bytes, 12})); }

  void date(std::int64_t ms) {
    constexpr std::int64_t year_10000_ms = 253'402'300'800'000;
    if (!canonical_ && ms >= 0 && ms < year_10000_ms) return tagged("$date", iso_date(ms));
    json_ += R"({"$date": )";
    tagged("$numberLong", std::to_string(ms));
    json_ += '}';
  }

  void binary(binary_view data) {
    const std::byte subtype[] = {static_cast<std::byte>(data.subtype)};
    json_ += R"({"$binary": {"base64": ")" + base64(data.data) + R"(", "subType": ")" + hex(subtype) + "\"}}";
  }

  void regex(const std::byte* bytes) {
    const std::string_view pattern = c_string_at(bytes);
    std::string options(c_string_at(bytes + pattern.size() + 1));
    std::sort(options.begin(), options.end());  // the specification wants them in alphabetical order
    json_ += R"({"$regularExpression": {"pattern": )";
    string(pattern);
    json_ += R"(, "options": )";
    string(options);
    json_ += "}}";
  }

  void string(std::string_view text) {
    json_ += '"';
    while (!text.empty()) {
      const std::size_t valid_bytes = utf8_prefix_bytes(text);
      escaped(text.substr(0, valid_bytes));
      text.remove_prefix(valid_bytes);
      if (text.empty()) break;
      json_ += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    }
    json_ += '"';
  }

  void escaped(std::string_view text) {
    for (const char c : text) {
      switch (c) {
        case '"':
        case '\\':
          json_ += '\\';
          json_ += c;
          break;
        case '\b':
          json_ += "\\b";
          break;
        case '\f':
          json_ += "\\f";
          break;
        case '\n':
          json_ += "\\n";
          break;
        case '\r':
          json_ += "\\r";
          break;
        case '\t':
          json_ += "\\t";
          break;
        default:
          if (static_cast<unsigned char>(c) < 0x20) {
            json_ += "\\u00";
            json_ += hex_digits[static_cast<unsigned char>(c) >> 4];
            json_ += hex_digits[static_cast<unsigned char>(c) & 0xF];
          } else {
            json_ += c;
          }
      }
    }
  }

  const bool canonical_;
  std::string json_;
};

}  // namespace

std::string to_json(document_view document, json_mode mode) {
  writer json(mode);
  json.document(document);
  return std::move(json).take();
}

std::string array_to_json(document_view array, json_mode mode) {
  writer json(mode);
  json.array(array);
  return std::move(json).take();
}

std::string value_to_json(element_view element, json_mode mode) {
  if (!element) return "null";
  writer json(mode);
  json.value(element);
  return std::move(json).take();
}

}  // namespace sluice::bson
