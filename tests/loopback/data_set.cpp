// One document is made with the builder; everything else is that document with two fields overwritten in place.
#include "tests/loopback/data_set.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <random>
#include <span>
#include <stdexcept>

#include "tests/loopback/protocol.hpp"

namespace sluice::loopback {
namespace {

constexpr std::size_t id_offset = 4 + 1 + 4;  // length, type, "_id\0"
constexpr std::uint32_t object_id_epoch = 0x65000000;
constexpr std::uint64_t endless_documents = std::uint64_t{1} << 40;

std::uint64_t mix(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15ULL;
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31U);
}

template <class Integer>
void store_big_endian(std::byte* at, Integer value) {
  for (std::size_t i = sizeof value; i-- > 0; value = static_cast<Integer>(value >> 8U))
    at[i] = std::byte(value & 0xFFU);
}

void write_id(std::byte* at, id_type kind, std::uint64_t index) {
  if (kind == id_type::int64) {
    std::memcpy(at, &index, sizeof index);
  } else {
    store_big_endian(at, object_id_epoch);
    store_big_endian(at + 4, index);
  }
}

std::string random_text(std::mt19937_64& random, std::size_t length) {
  std::string text(length, ' ');
  for (char& c : text) c = static_cast<char>('a' + random() % 26);
  return text;
}

void append_id(bson::builder& into, id_type kind, std::uint64_t index) {
  if (kind == id_type::int64) {
    into.append("_id", static_cast<std::int64_t>(index));
    return;
  }
  bson::object_id id;
  write_id(id.bytes, kind, index);
  into.append("_id", id);
}

bson::document make_template(const data_set_options& options) {
  std::mt19937_64 random(options.seed);
  bson::builder document;
  append_id(document, options.ids, 0);
  document.append("check", std::int64_t{0});
  if (options.document_bytes >= 320) {
    document.append("name", random_text(random, 24)).append("amount", static_cast<double>(random() % 10'000) / 100);
    document.open_document("nested").append("city", random_text(random, 12)).append("zip", std::int32_t{12'345});
    document.append("at", bson::timestamp{.seconds = 1, .increment = 1}).close();
    document.open_array("tags").push(random_text(random, 8)).push(random_text(random, 8)).close();
  }
  constexpr std::size_t payload_overhead = 1 + 8 + 4 + 1;  // type, "payload\0", length, the string's zero
  const std::size_t without_payload = document.size_bytes() + payload_overhead + 1;
  assert(without_payload <= options.document_bytes);
  document.append("payload", random_text(random, options.document_bytes - without_payload));
  return document.finish();
}

}  // namespace

data_set::data_set(data_set_options options) : options_(std::move(options)) {
  if (options_.document_bytes < document_bytes_min || options_.document_bytes > batch_bytes_max) {
    throw std::invalid_argument("document bytes must lie between " + std::to_string(document_bytes_min) + " and " +
                                std::to_string(batch_bytes_max));
  }
  const bson::document made = make_template(options_);
  template_.assign(made.bytes().begin(), made.bytes().end());
  if (options_.collections == 0) {
    element_offsets_.push_back(0);
    return;
  }
  elements_.reserve(batch_bytes_max + options_.document_bytes);
  const std::uint64_t documents_max = options_.endless ? 100'000 : std::min<std::uint64_t>(options_.documents, 100'000);
  for (std::uint64_t i = 0; i < documents_max; ++i) {
    const std::string key = std::to_string(i);
    if (i > 0 && elements_.size() + 2 + key.size() + template_.size() > batch_bytes_max) break;
    elements_.push_back(std::byte(bson::type::document));
    for (const char c : key) elements_.push_back(std::byte(c));
    elements_.push_back(std::byte{0});
    element_offsets_.push_back(static_cast<std::uint32_t>(elements_.size()));
    elements_.insert(elements_.end(), template_.begin(), template_.end());
    patch(elements_.data() + element_offsets_.back(), 0, i);
  }
  element_offsets_.push_back(static_cast<std::uint32_t>(elements_.size()));
}

std::string data_set::collection_name(std::uint64_t collection) const {
  return collection == 0 ? "docs" : "docs_" + std::to_string(collection);
}

std::uint64_t data_set::end_index() const {
  return options_.endless ? endless_documents : options_.documents;
}

void data_set::patch(std::byte* document, std::uint64_t collection, std::uint64_t index) const {
  write_id(document + id_offset, options_.ids, index);
  const std::size_t id_bytes = options_.ids == id_type::int64 ? 8 : 12;
  const std::uint64_t check = mix(mix(options_.seed + collection) + index);
  std::memcpy(document + id_offset + id_bytes + 1 + sizeof "check", &check, sizeof check);
}

bson::document data_set::document_at(std::uint64_t collection, std::uint64_t index) const {
  std::vector<std::byte> bytes = template_;
  patch(bytes.data(), collection, index);
  return bson::document(std::move(bytes));
}

bson::document data_set::id_at(std::uint64_t index) const {
  bson::builder only_id;
  append_id(only_id, options_.ids, index);
  return only_id.finish();
}

std::uint64_t data_set::lower_bound(bson::element_view id) const {
  if (id.type() == bson::type::max_key) return end_index();
  if (options_.ids == id_type::int64) {
    const auto value = id.to_int64();
    if (value) return *value < 0 ? 0 : std::min(static_cast<std::uint64_t>(*value), end_index());
    // Numbers sort before everything else but MinKey and null.
    return id.type() == bson::type::min_key || id.type() == bson::type::null ? 0 : end_index();
  }
  const auto value = id.as_object_id();
  if (!value) {
    const bool above = id.type() == bson::type::boolean || id.type() == bson::type::date_time ||
                       id.type() == bson::type::timestamp || id.type() == bson::type::regex;
    return above ? end_index() : 0;
  }
  std::array<std::byte, 12> first{};
  write_id(first.data(), options_.ids, 0);
  const int epoch = std::memcmp(value->bytes, first.data(), 4);
  if (epoch != 0) return epoch < 0 ? 0 : end_index();
  std::uint64_t index = 0;
  for (std::size_t i = 4; i < 12; ++i) index = index << 8U | std::to_integer<std::uint64_t>(value->bytes[i]);
  return std::min(index, end_index());
}

std::optional<std::uint64_t> data_set::index_of(bson::element_view id) const {
  const std::uint64_t index = lower_bound(id);
  if (index >= end_index()) return std::nullopt;
  const bson::document there = id_at(index);
  const auto found = (*there.view().begin());
  const auto number = found.to_int64();
  if (number) return number == id.to_int64() ? std::optional(index) : std::nullopt;
  return found.as_object_id() == id.as_object_id() ? std::optional(index) : std::nullopt;
}

bson::bytes_view data_set::elements(std::uint64_t collection, std::uint64_t first, std::uint64_t count,
                                    scratch& own) const {
  count = std::min(count, batch_documents_max());
  // The offset of the next document, less its element's type and key; the last offset has no key in front of it.
  const auto end_of = [this](std::uint64_t documents) -> std::size_t {
    return documents == 0 ? 0 : element_offsets_[documents - 1] + template_.size();
  };
  if (options_.same_ids || (first == 0 && collection == 0)) return std::span(elements_).first(end_of(count));
  if (own.empty()) own = elements_;
  for (std::uint64_t i = 0; i < count; ++i) patch(own.data() + element_offsets_[i], collection, first + i);
  return std::span<const std::byte>(own).first(end_of(count));
}

}  // namespace sluice::loopback
