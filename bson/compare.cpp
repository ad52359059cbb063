// The server's value order (BSONElement::compareElements and its index keys, 4.4 - 8.0), and where documents differ.
#include "bson/compare.hpp"

#include <algorithm>
#include <cstring>

#include "bson/bytes.hpp"
#include "bson/number.hpp"

namespace sluice::bson {

namespace {

/// Types with the same rank compare by value, others by rank.
[[nodiscard]] int rank(type t) noexcept {
  switch (t) {
    case type::min_key:
      return -1;
    case type::end:
    case type::undefined:
      return 0;
    case type::null:
      return 5;
    case type::double_:
    case type::int32:
    case type::int64:
    case type::decimal128:
      return 10;
    case type::string:
    case type::symbol:
      return 15;
    case type::document:
      return 20;
    case type::array:
      return 25;
    case type::binary:
      return 30;
    case type::object_id:
      return 35;
    case type::boolean:
      return 40;
    case type::date_time:
      return 45;
    case type::timestamp:
      return 47;
    case type::regex:
      return 50;
    case type::db_pointer:
      return 55;
    case type::code:
      return 60;
    case type::code_with_scope:
      return 65;
    case type::max_key:
      return 127;
  }
  return 126;
}

/// std::string_view compares as unsigned bytes, shorter first: as the server does with strings and keys.
[[nodiscard]] std::weak_ordering compare_bytes(bytes_view a, bytes_view b) noexcept {
  return text_of(a) <=> text_of(b);
}

/// Documents: field by field, type rank before key before value. Arrays: the same without the keys, as in index keys.
[[nodiscard]] std::weak_ordering compare_fields(document_view a, document_view b, bool with_keys) noexcept {
  auto left = a.begin();
  auto right = b.begin();
  for (; left != a.end() && right != b.end(); ++left, ++right) {
    if (const auto order = rank(left->type()) <=> rank(right->type()); order != 0) return order;
    if (with_keys) {
      if (const auto order = left->key() <=> right->key(); order != 0) return order;
    }
    if (const auto order = compare_values(*left, *right); order != 0) return order;
  }
  return (left != a.end()) <=> (right != b.end());
}

[[nodiscard]] std::weak_ordering compare_code_with_scope(bytes_view a, bytes_view b) noexcept {
  const std::string_view left = string_at(a.data() + 4);
  const std::string_view right = string_at(b.data() + 4);
  if (const auto order = left <=> right; order != 0) return order;
  const auto scope_of = [](bytes_view value, std::string_view code) {
    return document_view(value.data() + 4 + 4 + code.size() + 1);
  };
  return compare_fields(scope_of(a, left), scope_of(b, right), true);
}

/// Binary and dbPointer: by length first; their length prefixes are then equal and do not count.
[[nodiscard]] std::weak_ordering compare_sized(bytes_view a, bytes_view b) noexcept {
  if (const auto order = a.size() <=> b.size(); order != 0) return order;
  return compare_bytes(a, b);
}

}  // namespace

bool same_bytes(document_view a, document_view b) noexcept {
  return a.size_bytes() == b.size_bytes() && std::memcmp(a.bytes().data(), b.bytes().data(), a.size_bytes()) == 0;
}

std::weak_ordering compare_values(element_view a, element_view b) noexcept {
  if (const auto order = rank(a.type()) <=> rank(b.type()); order != 0) return order;
  switch (a.type()) {
    case type::end:
    case type::undefined:
    case type::null:
    case type::min_key:
    case type::max_key:
      return std::weak_ordering::equivalent;
    case type::double_:
    case type::int32:
    case type::int64:
    case type::decimal128:
      return compare(exact(a), exact(b));
    case type::string:
    case type::symbol:
    case type::code:
      return string_at(a.value().data()) <=> string_at(b.value().data());
    case type::document:
      return compare_fields(document_view(a.value().data()), document_view(b.value().data()), true);
    case type::array:
      return compare_fields(document_view(a.value().data()), document_view(b.value().data()), false);
    case type::object_id:
    case type::boolean:
    case type::regex:  // pattern, zero, options, zero: the zeros sort shorter text first, as the server does
      return compare_bytes(a.value(), b.value());
    case type::binary:
    case type::db_pointer:
      return compare_sized(a.value(), b.value());
    case type::date_time:
      return load<std::int64_t>(a.value().data()) <=> load<std::int64_t>(b.value().data());
    case type::timestamp:
      return load<std::uint64_t>(a.value().data()) <=> load<std::uint64_t>(b.value().data());
    case type::code_with_scope:
      return compare_code_with_scope(a.value(), b.value());
  }
  return std::weak_ordering::equivalent;
}

std::string first_difference(document_view a, document_view b) {
  std::string path;
  while (!same_bytes(a, b)) {
    auto left = a.begin();
    auto right = b.begin();
    while (left != a.end() && right != b.end() && std::ranges::equal(left->whole(), right->whole())) {
      ++left;
      ++right;
    }
    // Where one has ended, the other's next field is the difference.
    const element_view differs = left != a.end() ? *left : *right;
    if (!path.empty()) path += '.';
    path += differs.key().empty() ? std::string_view("\"\"") : differs.key();
    if (left == a.end() || right == b.end()) return path;
    const bool nested = left->type() == type::document || left->type() == type::array;
    if (!nested || left->type() != right->type() || left->key() != right->key()) return path;
    a = document_view(left->value().data());
    b = document_view(right->value().data());
  }
  return path;
}

}  // namespace sluice::bson
