// Walking documents. Nothing here looks at a bound: the bytes were validated before.
#include "bson/document_view.hpp"

#include <cmath>

#include "bson/bytes.hpp"

namespace sluice::bson {

namespace {

constexpr std::byte empty_document[5] = {std::byte{5}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}};

[[nodiscard]] std::size_t value_size(type t, const std::byte* value) noexcept {
  switch (t) {
    case type::end:
    case type::undefined:
    case type::null:
    case type::min_key:
    case type::max_key:
      return 0;
    case type::boolean:
      return 1;
    case type::int32:
      return 4;
    case type::double_:
    case type::date_time:
    case type::timestamp:
    case type::int64:
      return 8;
    case type::object_id:
      return 12;
    case type::decimal128:
      return 16;
    case type::string:
    case type::code:
    case type::symbol:
      return 4 + std::size_t{load_length(value)};
    case type::document:
    case type::array:
    case type::code_with_scope:
      return load_length(value);
    case type::binary:
      return 5 + std::size_t{load_length(value)};
    case type::db_pointer:
      return 4 + std::size_t{load_length(value)} + 12;
    case type::regex: {
      const std::size_t pattern = c_string_at(value).size() + 1;
      return pattern + c_string_at(value + pattern).size() + 1;
    }
  }
  return 0;
}

}  // namespace

std::string_view type_name(type t) noexcept {
  switch (t) {
    case type::end:
      return "missing";
    case type::double_:
      return "double";
    case type::string:
      return "string";
    case type::document:
      return "object";
    case type::array:
      return "array";
    case type::binary:
      return "binData";
    case type::undefined:
      return "undefined";
    case type::object_id:
      return "objectId";
    case type::boolean:
      return "bool";
    case type::date_time:
      return "date";
    case type::null:
      return "null";
    case type::regex:
      return "regex";
    case type::db_pointer:
      return "dbPointer";
    case type::code:
      return "javascript";
    case type::symbol:
      return "symbol";
    case type::code_with_scope:
      return "javascriptWithScope";
    case type::int32:
      return "int";
    case type::timestamp:
      return "timestamp";
    case type::int64:
      return "long";
    case type::decimal128:
      return "decimal";
    case type::min_key:
      return "minKey";
    case type::max_key:
      return "maxKey";
  }
  return "unknown";
}

element_view::element_view(const std::byte* at) noexcept
    : at_(at),
      key_bytes_(static_cast<std::uint32_t>(c_string_at(at + 1).size())),
      value_bytes_(static_cast<std::uint32_t>(value_size(type(), at + 2 + key_bytes_))) {}

std::optional<double> element_view::as_double() const noexcept {
  if (at_ == nullptr || type() != type::double_) return {};
  return load<double>(value().data());
}

std::optional<std::int32_t> element_view::as_int32() const noexcept {
  if (at_ == nullptr || type() != type::int32) return {};
  return load<std::int32_t>(value().data());
}

std::optional<std::int64_t> element_view::as_int64() const noexcept {
  if (at_ == nullptr || type() != type::int64) return {};
  return load<std::int64_t>(value().data());
}

std::optional<bool> element_view::as_bool() const noexcept {
  if (at_ == nullptr || type() != type::boolean) return {};
  return value()[0] != std::byte{0};
}

std::optional<std::string_view> element_view::as_string() const noexcept {
  if (at_ == nullptr || type() != type::string) return {};
  return string_at(value().data());
}

std::optional<document_view> element_view::as_document() const noexcept {
  if (at_ == nullptr || type() != type::document) return {};
  return document_view(value().data());
}

std::optional<document_view> element_view::as_array() const noexcept {
  if (at_ == nullptr || type() != type::array) return {};
  return document_view(value().data());
}

std::optional<binary_view> element_view::as_binary() const noexcept {
  if (at_ == nullptr || type() != type::binary) return {};
  binary_view binary{std::to_integer<std::uint8_t>(value()[4]), value().subspan(5)};
  // Subtype 2 repeats the length in front of its data.
  if (binary.subtype == 2 && binary.data.size() >= 4 && load_length(binary.data.data()) == binary.data.size() - 4) {
    binary.data = binary.data.subspan(4);
  }
  return binary;
}

std::optional<timestamp> element_view::as_timestamp() const noexcept {
  if (at_ == nullptr || type() != type::timestamp) return {};
  return timestamp{.seconds = load<std::uint32_t>(value().data() + 4),
                   .increment = load<std::uint32_t>(value().data())};
}

std::optional<object_id> element_view::as_object_id() const noexcept {
  if (at_ == nullptr || type() != type::object_id) return {};
  return load<object_id>(value().data());
}

std::optional<std::int64_t> element_view::as_date_ms() const noexcept {
  if (at_ == nullptr || type() != type::date_time) return {};
  return load<std::int64_t>(value().data());
}

std::optional<std::int64_t> element_view::to_int64() const noexcept {
  if (const auto number = as_int32()) return *number;
  if (const auto number = as_int64()) return number;
  if (const auto number = as_double()) {
    const double whole_number = std::trunc(*number);
    // Both bounds are exact doubles; the comparison is false for NaN.
    if (whole_number >= -0x1p63 && whole_number < 0x1p63) return static_cast<std::int64_t>(whole_number);
  }
  return {};
}

std::optional<bool> element_view::to_bool() const noexcept {
  if (const auto flag = as_bool()) return flag;
  if (const auto number = as_int32()) return *number != 0;
  if (const auto number = as_int64()) return *number != 0;
  if (const auto number = as_double()) return *number != 0;
  return {};
}

document_view::document_view() noexcept : begin_(empty_document) {}

document_view::iterator::iterator(const std::byte* at) noexcept : at_(at) {
  if (*at != std::byte{0}) element_ = element_view(at);
}

document_view::iterator& document_view::iterator::operator++() noexcept {
  *this = iterator(at_ + element_.whole().size());
  return *this;
}

document_view::iterator document_view::iterator::operator++(int) noexcept {
  iterator before = *this;
  ++*this;
  return before;
}

element_view document_view::find(std::string_view key) const noexcept {
  for (const element_view element : *this) {
    if (element.key() == key) return element;
  }
  return {};
}

bool framed(bytes_view bytes) noexcept {
  return bytes.size() >= 5 && load<std::int32_t>(bytes.data()) >= 5 && load_length(bytes.data()) == bytes.size() &&
         bytes.back() == std::byte{0};
}

}  // namespace sluice::bson
