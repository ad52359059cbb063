// Documents that own their bytes, and how they are built. Not for the data path.
#include "bson/document.hpp"

#include <cassert>
#include <limits>

#include "bson/bytes.hpp"

namespace sluice::bson {

namespace {

void append_bytes(std::vector<std::byte>& out, bytes_view bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

template <class Value>
void append_value(std::vector<std::byte>& out, Value value) {
  std::byte raw[sizeof value];
  store(raw, value);
  append_bytes(out, raw);
}

void append_length(std::vector<std::byte>& out, std::size_t length) {
  assert(length <= std::numeric_limits<std::int32_t>::max());
  append_value(out, static_cast<std::int32_t>(length));
}

}  // namespace

document::document() : document(document_view()) {}

document::document(document_view view) : bytes_(view.bytes().begin(), view.bytes().end()) {}

builder::builder() {
  // Most commands fit: one allocation instead of five or six while the document grows (bench: batch/hand_over).
  constexpr std::size_t usual_bytes = 192;
  constexpr std::size_t usual_depth = 4;
  bytes_.reserve(usual_bytes);
  open_.reserve(usual_depth);
  append_length(bytes_, 0);
  open_.push_back({});
}

void builder::key(type t, std::string_view name) {
  assert(name.find('\0') == std::string_view::npos);
  bytes_.push_back(static_cast<std::byte>(t));
  append_bytes(bytes_, std::as_bytes(std::span(name)));
  bytes_.push_back(std::byte{0});
  ++open_.back().elements;
}

builder& builder::append(std::string_view name, std::int32_t value) {
  key(type::int32, name);
  append_value(bytes_, value);
  return *this;
}

builder& builder::append(std::string_view name, std::int64_t value) {
  key(type::int64, name);
  append_value(bytes_, value);
  return *this;
}

builder& builder::append(std::string_view name, double value) {
  key(type::double_, name);
  append_value(bytes_, value);
  return *this;
}

builder& builder::append(std::string_view name, bool value) {
  key(type::boolean, name);
  bytes_.push_back(static_cast<std::byte>(value ? 1 : 0));
  return *this;
}

builder& builder::append(std::string_view name, std::string_view value) {
  key(type::string, name);
  append_length(bytes_, value.size() + 1);
  append_bytes(bytes_, std::as_bytes(std::span(value)));
  bytes_.push_back(std::byte{0});
  return *this;
}

builder& builder::append(std::string_view name, document_view value) {
  key(type::document, name);
  append_bytes(bytes_, value.bytes());
  return *this;
}

builder& builder::append_array(std::string_view name, document_view value) {
  key(type::array, name);
  append_bytes(bytes_, value.bytes());
  return *this;
}

builder& builder::append(std::string_view name, timestamp value) {
  key(type::timestamp, name);
  append_value(bytes_, value.increment);
  append_value(bytes_, value.seconds);
  return *this;
}

builder& builder::append(std::string_view name, object_id value) {
  key(type::object_id, name);
  append_bytes(bytes_, value.bytes);
  return *this;
}

builder& builder::append(std::string_view name, binary_view value) {
  key(type::binary, name);
  const bool repeats_length = value.subtype == 2;
  append_length(bytes_, value.data.size() + (repeats_length ? 4 : 0));
  bytes_.push_back(static_cast<std::byte>(value.subtype));
  if (repeats_length) append_length(bytes_, value.data.size());
  append_bytes(bytes_, value.data);
  return *this;
}

builder& builder::append_date_ms(std::string_view name, std::int64_t ms_since_epoch) {
  key(type::date_time, name);
  append_value(bytes_, ms_since_epoch);
  return *this;
}

builder& builder::append_null(std::string_view name) {
  key(type::null, name);
  return *this;
}

builder& builder::append_min_key(std::string_view name) {
  key(type::min_key, name);
  return *this;
}

builder& builder::append_max_key(std::string_view name) {
  key(type::max_key, name);
  return *this;
}

builder& builder::append(std::string_view name, element_view value) {
  assert(value);
  key(value.type(), name);
  append_bytes(bytes_, value.value());
  return *this;
}

builder& builder::append(element_view element) {
  assert(element);
  append_bytes(bytes_, element.whole());
  ++open_.back().elements;
  return *this;
}

builder& builder::append_all(document_view fields) {
  for (const element_view element : fields) append(element);
  return *this;
}

builder& builder::open_document(std::string_view name) {
  key(type::document, name);
  open_.push_back({.begin = bytes_.size()});
  append_length(bytes_, 0);
  return *this;
}

builder& builder::open_array(std::string_view name) {
  key(type::array, name);
  open_.push_back({.begin = bytes_.size(), .is_array = true});
  append_length(bytes_, 0);
  return *this;
}

builder& builder::close() {
  assert(open_.size() > 1);
  bytes_.push_back(std::byte{0});
  const std::size_t begin = open_.back().begin;
  const std::size_t length = bytes_.size() - begin;
  assert(length <= std::numeric_limits<std::int32_t>::max());
  store(bytes_.data() + begin, static_cast<std::int32_t>(length));
  open_.pop_back();
  return *this;
}

std::string builder::next_index() const {
  assert(open_.back().is_array || open_.size() == 1);
  return std::to_string(open_.back().elements);
}

document builder::finish() {
  assert(open_.size() == 1);
  bytes_.push_back(std::byte{0});
  assert(bytes_.size() <= std::numeric_limits<std::int32_t>::max());
  store(bytes_.data(), static_cast<std::int32_t>(bytes_.size()));
  document done(std::move(bytes_));
  bytes_.clear();
  append_length(bytes_, 0);
  open_.front() = {};
  return done;
}

}  // namespace sluice::bson
