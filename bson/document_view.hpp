// Documents as the bytes they are: views that walk BSON without allocating or copying.
//
// A view does not check anything. Bytes that come from outside go through bson::validate (validate.hpp) or
// bson::frame (below) once; afterwards they are walked unchecked. A view owns nothing: the buffer must outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::bson {

using bytes_view = std::span<const std::byte>;

enum class type : std::uint8_t {
  end = 0x00,
  double_ = 0x01,
  string = 0x02,
  document = 0x03,
  array = 0x04,
  binary = 0x05,
  undefined = 0x06,
  object_id = 0x07,
  boolean = 0x08,
  date_time = 0x09,
  null = 0x0A,
  regex = 0x0B,
  db_pointer = 0x0C,
  code = 0x0D,
  symbol = 0x0E,
  code_with_scope = 0x0F,
  int32 = 0x10,
  timestamp = 0x11,
  int64 = 0x12,
  decimal128 = 0x13,
  min_key = 0xFF,
  max_key = 0x7F,
};

/// "string", "objectId", ...: the server's alias of the type (as `$type` takes it).
[[nodiscard]] std::string_view type_name(type t) noexcept;

/// A server timestamp: seconds since the epoch and an ordinal within that second. Orders like the oplog.
struct timestamp {
  std::uint32_t seconds = 0;
  std::uint32_t increment = 0;
  friend auto operator<=>(const timestamp&, const timestamp&) = default;
};

struct object_id {
  std::byte bytes[12] = {};
  friend bool operator==(const object_id&, const object_id&) = default;
};

struct binary_view {
  std::uint8_t subtype = 0;
  bytes_view data;
};

class document_view;

/// One field of a document: type byte, key, value. Valid while the document's bytes are.
class element_view {
 public:
  element_view() = default;
  /// `at` points to the type byte of an element inside validated bytes.
  explicit element_view(const std::byte* at) noexcept;

  [[nodiscard]] bson::type type() const noexcept { return static_cast<bson::type>(*at_); }
  [[nodiscard]] std::string_view key() const noexcept { return {reinterpret_cast<const char*>(at_ + 1), key_bytes_}; }
  /// The value's bytes alone, without type and key.
  [[nodiscard]] bytes_view value() const noexcept { return {at_ + 2 + key_bytes_, value_bytes_}; }
  /// Type byte, key, zero and value: the element as it stands in the document.
  [[nodiscard]] bytes_view whole() const noexcept { return {at_, 2 + key_bytes_ + value_bytes_}; }

  // Typed access: nothing unless the element has exactly that type.
  [[nodiscard]] std::optional<double> as_double() const noexcept;
  [[nodiscard]] std::optional<std::int32_t> as_int32() const noexcept;
  [[nodiscard]] std::optional<std::int64_t> as_int64() const noexcept;
  [[nodiscard]] std::optional<bool> as_bool() const noexcept;
  [[nodiscard]] std::optional<std::string_view> as_string() const noexcept;
  /// Name the view before looping: `for (x : *element.as_array())` loops over a dead optional in C++20.
  [[nodiscard]] std::optional<document_view> as_document() const noexcept;
  /// An array's bytes are a document with keys "0", "1", ...
  [[nodiscard]] std::optional<document_view> as_array() const noexcept;
  /// The data without the inner length that subtype 2 repeats.
  [[nodiscard]] std::optional<binary_view> as_binary() const noexcept;
  [[nodiscard]] std::optional<timestamp> as_timestamp() const noexcept;
  [[nodiscard]] std::optional<object_id> as_object_id() const noexcept;
  /// Milliseconds since the epoch.
  [[nodiscard]] std::optional<std::int64_t> as_date_ms() const noexcept;

  /// Any numeric type as an integer, as servers answer `ok: 1.0` or `n: NumberLong(3)`. Doubles are truncated;
  /// nothing if the value does not fit or is no number (Decimal128 is not converted).
  [[nodiscard]] std::optional<std::int64_t> to_int64() const noexcept;
  /// Booleans, and numbers as servers use them for flags (not zero = true).
  [[nodiscard]] std::optional<bool> to_bool() const noexcept;

  /// False for the default-constructed element that document_view::find returns when there is no such key.
  [[nodiscard]] explicit operator bool() const noexcept { return at_ != nullptr; }

 private:
  const std::byte* at_ = nullptr;
  std::uint32_t key_bytes_ = 0;
  std::uint32_t value_bytes_ = 0;
};

/// A whole document or array, length prefix and terminating zero included.
class document_view {
 public:
  document_view() noexcept;  // the empty document
  /// `begin` points to the length prefix of validated bytes.
  explicit document_view(const std::byte* begin) noexcept : begin_(begin) {}

  [[nodiscard]] std::size_t size_bytes() const noexcept {
    std::int32_t length = 0;
    std::memcpy(&length, begin_, sizeof length);
    return static_cast<std::size_t>(length);
  }
  [[nodiscard]] bytes_view bytes() const noexcept { return {begin_, size_bytes()}; }
  [[nodiscard]] bool empty() const noexcept { return size_bytes() == 5; }

  class iterator {
   public:
    using value_type = element_view;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;
    using reference = element_view;
    using pointer = const element_view*;

    iterator() = default;
    explicit iterator(const std::byte* at) noexcept;
    element_view operator*() const noexcept { return element_; }
    const element_view* operator->() const noexcept { return &element_; }
    iterator& operator++() noexcept;
    iterator operator++(int) noexcept;
    friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.at_ == b.at_; }

   private:
    const std::byte* at_ = nullptr;
    element_view element_;
  };

  [[nodiscard]] iterator begin() const noexcept { return iterator(begin_ + 4); }
  [[nodiscard]] iterator end() const noexcept { return iterator(begin_ + size_bytes() - 1); }

  /// The first field with this key; a false element when there is none. Linear.
  [[nodiscard]] element_view find(std::string_view key) const noexcept;
  /// The same through embedded documents, one key a step: at("cursor", "id").
  template <class... Keys>
  [[nodiscard]] element_view at(std::string_view first, Keys... rest) const noexcept {
    element_view found = find(first);
    if constexpr (sizeof...(rest) == 0) {
      return found;
    } else {
      if (!found) return {};
      auto inner = found.type() == type::array ? found.as_array() : found.as_document();
      return inner ? inner->at(rest...) : element_view{};
    }
  }

 private:
  const std::byte* begin_;
};

/// Cheap outer check for bytes from outside: a length prefix that equals the span's size, and a zero at the end.
/// Everything inside is still unknown; see validate.hpp.
[[nodiscard]] bool framed(bytes_view bytes) noexcept;

}  // namespace sluice::bson
