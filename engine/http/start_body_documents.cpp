// The document filter of POST /api/v1/start: JSON values, and those that JSON has no word for, as BSON.
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <openssl/evp.h>

#include "engine/http/start_body_namespaces.hpp"

namespace sluice::http {
namespace {

namespace dom = simdjson::dom;

body_refusal bad_value(const std::string& field, const std::string& what) {
  return {"BadValue", in_quotes(field) + " " + what};
}

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stopped, fault] = std::from_chars(text.data(), end, number);
  if (fault != std::errc{} || stopped != end) return {};
  return number;
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < at + count) return {};
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return {};
  }
  return number_in<int>(text.substr(at, count));
}

/// "2026-01-31T12:00:00Z", with or without ".123".
std::optional<std::int64_t> milliseconds_of(std::string_view text) {
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2);
  const auto minute = digits(text, 14, 2);
  const auto second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second || !text.ends_with('Z')) return {};
  if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') return {};
  int fraction = 0;
  if (text.size() != 20) {
    const auto three = text.size() == 24 && text[19] == '.' ? digits(text, 20, 3) : std::nullopt;
    if (!three) return {};
    fraction = *three;
  }
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 59) return {};
  const auto since = std::chrono::sys_days(date).time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count() +
         ((std::int64_t{*hour} * 60 + *minute) * 60 + *second) * 1000 + fraction;
}

bool append_object_id(bson::builder& to, std::string_view hex) {
  bson::object_id id;
  if (hex.size() != 24) return false;
  for (std::size_t i = 0; i < 12; ++i) {
    unsigned byte = 0;
    const char* const end = hex.data() + 2 * i + 2;
    const auto [stopped, fault] = std::from_chars(end - 2, end, byte, 16);
    if (fault != std::errc{} || stopped != end) return false;
    id.bytes[i] = static_cast<std::byte>(byte);
  }
  to.push(id);
  return true;
}

bool append_date(bson::builder& to, const dom::element& value) {
  std::optional<std::int64_t> ms;
  std::string_view text;
  std::int64_t number = 0;
  dom::object inner;
  if (value.get(text) == simdjson::SUCCESS) {
    ms = milliseconds_of(text);
  } else if (value.get(number) == simdjson::SUCCESS) {
    ms = number;
  } else if (value.get(inner) == simdjson::SUCCESS && inner.size() == 1 &&
             inner["$numberLong"].get(text) == simdjson::SUCCESS) {
    ms = number_in<std::int64_t>(text);
  }
  if (!ms) return false;
  to.append_date_ms(to.next_index(), *ms);
  return true;
}

bool append_binary(bson::builder& to, const dom::element& value) {
  dom::object fields;
  std::string_view text;
  std::string_view subtype;
  if (value.get(fields) != simdjson::SUCCESS || fields.size() != 2 || fields["base64"].get(text) != simdjson::SUCCESS ||
      fields["subType"].get(subtype) != simdjson::SUCCESS) {
    return false;
  }
  unsigned kind = 0;
  const char* const end = subtype.data() + subtype.size();
  const auto [stopped, fault] = std::from_chars(subtype.data(), end, kind, 16);
  if (fault != std::errc{} || stopped != end || kind > 0xff || subtype.empty()) return false;
  const std::size_t padding = text.size() - text.substr(0, text.find_last_not_of('=') + 1).size();
  if (text.size() % 4 != 0 || padding > 2) return false;
  std::vector<std::byte> data(text.size() / 4 * 3);
  const int written =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(data.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (written != static_cast<int>(data.size())) return false;
  data.resize(data.size() - padding);
  to.push(bson::binary_view{static_cast<std::uint8_t>(kind), data});
  return true;
}

/// {"$oid": "..."} and the like.
bool append_extended(bson::builder& to, const dom::object& value) {
  if (value.size() != 1) return false;
  const auto [key, inner] = *value.begin();
  std::string_view text;
  const bool is_text = inner.get(text) == simdjson::SUCCESS;
  if (key == "$oid") return is_text && append_object_id(to, text);
  if (key == "$date") return append_date(to, inner);
  if (key == "$binary") return append_binary(to, inner);
  if (key == "$numberInt" && is_text) {
    const auto number = number_in<std::int32_t>(text);
    if (number) to.push(*number);
    return number.has_value();
  }
  if (key == "$numberLong" && is_text) {
    const auto number = number_in<std::int64_t>(text);
    if (number) to.push(*number);
    return number.has_value();
  }
  if (key == "$numberDouble" && is_text) {
    const auto number = number_in<double>(text);
    if (number) to.push(*number);
    return number.has_value();
  }
  return false;
}

bool append_value(bson::builder& to, const dom::element& value) {
  std::string_view text;
  std::int64_t number = 0;
  double real = 0;
  bool truth = false;
  dom::object extended;
  if (value.get(text) == simdjson::SUCCESS) {
    to.push(text);
  } else if (value.get(number) == simdjson::SUCCESS) {
    to.push(number);
  } else if (value.get(real) == simdjson::SUCCESS) {
    to.push(real);
  } else if (value.get(truth) == simdjson::SUCCESS) {
    to.push(truth);
  } else if (value.get(extended) == simdjson::SUCCESS) {
    return append_extended(to, extended);
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::variant<cluster::document_filter, body_refusal> read_document_filter(std::string_view field,
                                                                          const dom::element& value) {
  const std::string name(field);
  dom::object fields;
  if (value.get(fields) != simdjson::SUCCESS) return wrong_type(name, "a document", value);
  static constexpr std::array<std::string_view, 2> known{"field", "matchValues"};
  bson::builder given;
  for (const std::string_view wanted : known) {
    dom::element part;
    if (fields[wanted].get(part) != simdjson::SUCCESS) {
      return body_refusal{"MissingField", in_quotes(name + "." + std::string(wanted)) + " is missing"};
    }
    const std::string of = name + "." + std::string(wanted);
    if (wanted == "field") {
      std::string_view text;
      if (part.get(text) != simdjson::SUCCESS) return wrong_type(of, "a string", part);
      if (text.find('\0') != std::string_view::npos) return bad_value(of, "must not hold a NUL");
      given.append("field", text);
      continue;
    }
    dom::array values;
    if (part.get(values) != simdjson::SUCCESS) return wrong_type(of, "an array", part);
    given.open_array("matchValues");
    std::size_t number = 0;
    for (const dom::element one : values) {
      const std::string which = of + "[" + std::to_string(number++) + "]";
      if (!append_value(given, one)) {
        return bad_value(which,
                         "must be a string, a number, a boolean, or extended JSON of a date, an ObjectId or a "
                         "binary value");
      }
    }
    given.close();
  }
  if (auto refused = refuse_others(name, fields, known)) return *std::move(refused);
  auto filter = cluster::document_filter::of(given.finish());
  if (!filter) return bad_value(name, "is refused: " + filter.error().message);
  return std::move(filter.value());
}

}  // namespace sluice::http
