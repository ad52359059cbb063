// `_id`s written so that equal keys are equal bytes. Each part tells its own end, so no two keys run into each other.
#include "bson/id_key.hpp"

#include "bson/bytes.hpp"
#include "bson/number.hpp"

namespace sluice::bson {

namespace {

void append_tag(std::string& key, type t) {
  key.push_back(static_cast<char>(t));
}

template <class Value>
void append_raw(std::string& key, Value value) {
  std::byte raw[sizeof value];
  store(raw, value);
  key += text_of(raw);
}

void append_number(std::string& key, const exact_number& number) {
  switch (number.held_as) {
    case exact_number::form::integer:
      append_tag(key, type::int64);
      append_raw(key, number.integer);
      break;
    case exact_number::form::binary:
      append_tag(key, type::double_);
      append_raw(key, number.binary);
      break;
    case exact_number::form::decimal:
      append_tag(key, type::decimal128);
      append_raw(key, number.decimal.coefficient);
      append_raw(key, number.decimal.exponent);
      key.push_back(number.decimal.negative ? '-' : '+');
      break;
  }
}

void append_value(std::string& key, element_view value);

void append_fields(std::string& key, document_view fields, bool with_keys) {
  for (const element_view field : fields) {
    if (with_keys) {
      append_tag(key, type::string);  // keeps an empty key apart from the end
      key += field.key();
      key.push_back('\0');
    }
    append_value(key, field);
  }
  append_tag(key, type::end);
}

void append_value(std::string& key, element_view value) {
  const type t = value.type();
  if (is_number(t)) return append_number(key, exact(value));
  switch (t) {
    case type::document:
    case type::array:
      append_tag(key, t);
      return append_fields(key, document_view(value.value().data()), t == type::document);
    case type::code_with_scope: {
      append_tag(key, t);
      const std::string_view code = string_at(value.value().data() + 4);
      append_raw(key, static_cast<std::uint32_t>(code.size()));
      key += code;
      return append_fields(key, document_view(value.value().data() + 4 + 4 + code.size() + 1), true);
    }
    case type::symbol:  // one key with the string of the same text
      append_tag(key, type::string);
      break;
    default:
      append_tag(key, t);
      break;
  }
  key += text_of(value.value());
}

}  // namespace

std::string id_key(element_view id) {
  std::string key;
  if (id) append_value(key, id);
  return key;
}

bool holds_string(element_view id) noexcept {
  if (!id) return false;
  switch (id.type()) {
    case type::string:
    case type::symbol:
      return true;
    case type::document:
    case type::array:
      for (const element_view inner : document_view(id.value().data())) {
        if (holds_string(inner)) return true;
      }
      return false;
    case type::code_with_scope: {
      const std::byte* const value = id.value().data();
      for (const element_view inner : document_view(value + 4 + 4 + load_length(value + 4))) {
        if (holds_string(inner)) return true;
      }
      return false;
    }
    default:
      return false;
  }
}

}  // namespace sluice::bson
