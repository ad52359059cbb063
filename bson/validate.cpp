// One pass over the bytes, no recursion, no allocation: a stack of where the open documents end is all it keeps.
#include "bson/validate.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "bson/bytes.hpp"
#include "bson/utf8.hpp"

namespace sluice::bson {

namespace {

constexpr std::int8_t of_variable_size = -1;
constexpr std::int8_t unknown_type = -2;

/// By type byte: the size of values that need no look at their bytes.
constexpr auto plain_sizes = [] {
  std::array<std::int8_t, 256> sizes{};
  sizes.fill(unknown_type);
  const auto set = [&sizes](type t, std::int8_t size) { sizes[static_cast<std::uint8_t>(t)] = size; };
  for (const type t : {type::undefined, type::null, type::min_key, type::max_key}) set(t, 0);
  for (const type t : {type::double_, type::date_time, type::timestamp, type::int64}) set(t, 8);
  set(type::int32, 4);
  set(type::object_id, 12);
  set(type::decimal128, 16);
  for (const type t : {type::string, type::document, type::array, type::binary, type::boolean, type::regex,
                       type::db_pointer, type::code, type::symbol, type::code_with_scope}) {
    set(t, of_variable_size);
  }
  return sizes;
}();

class validation {
 public:
  validation(bytes_view bytes, validate_options options) noexcept
      : begin_(bytes.data()),
        buffer_end_(bytes.data() + bytes.size()),
        levels_max_(std::min(options.depth_max, validate_depth_limit)),
        check_utf8_(options.check_utf8) {}

  [[nodiscard]] std::optional<invalid_bson> run() noexcept {
    if (!check_outer()) return fault_;
    for (;;) {
      if (at_ == last_) {
        if (*at_ != std::byte{0}) return fault_at(at_, "document does not end with a zero byte");
        if (--levels_ == 0) return {};
        ++at_;
        last_ = outer_last_[levels_ - 1];
        continue;
      }
      if (!check_element()) return fault_;
    }
  }

 private:
  // Every check_ function moves on to what comes after and answers true, or notes the fault and answers false.

  bool check_outer() noexcept {
    const auto size = static_cast<std::size_t>(buffer_end_ - begin_);
    if (size < 5) return fail(begin_, "fewer than the five bytes of the empty document");
    if (load<std::int32_t>(begin_) < 5) return fail(begin_, "document length is below five");
    if (load_length(begin_) != size) return fail(begin_, "document length is not the number of bytes");
    if (levels_max_ == 0) return fail(begin_, "nested too deeply");
    levels_ = 1;
    at_ = begin_ + 4;
    last_ = buffer_end_ - 1;
    return true;
  }

  bool check_element() noexcept {
    const std::byte* const element = at_;
    const auto type_byte = std::to_integer<std::uint8_t>(*element);
    ++at_;
    const std::int8_t size = plain_sizes[type_byte];
    if (size == unknown_type) {
      return fail(element, type_byte == 0 ? "document ends before its length says" : "unknown type");
    }
    if (!check_key()) return false;
    if (size == of_variable_size) return check_value(static_cast<type>(type_byte));
    if (room() < size) return fail(at_, "value runs past the document");
    at_ += size;
    return true;
  }

  /// Keys are short: eight bytes at a time finds the zero and any byte that is not ASCII in one go.
  bool check_key() noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101;
    constexpr std::uint64_t high_bits = 0x8080808080808080;
    const std::byte* const key = at_;
    const std::byte* at = at_;
    std::uint64_t not_ascii = 0;
    while (buffer_end_ - at >= 8) {
      const auto word = load<std::uint64_t>(at);
      const std::uint64_t zeros = (word - ones) & ~word & high_bits;
      if (zeros == 0) {
        not_ascii |= word & high_bits;
        at += 8;
        continue;
      }
      // Only the lowest mark is exact: a borrow can set higher ones.
      const int zero_bit = std::countr_zero(zeros) - 7;
      not_ascii |= word & high_bits & ((std::uint64_t{1} << zero_bit) - 1);
      return check_key_end(key, at + zero_bit / 8, not_ascii != 0);
    }
    for (; at < last_; ++at) {
      if (*at == std::byte{0}) break;
      not_ascii |= std::to_integer<std::uint64_t>(*at) & 0x80;
    }
    return check_key_end(key, at, not_ascii != 0);
  }

  bool check_key_end(const std::byte* key, const std::byte* end, bool not_ascii) noexcept {
    if (end >= last_) return fail(key, "key is not terminated within the document");
    if (not_ascii && !check_text(key, end)) return false;
    at_ = end + 1;
    return true;
  }

  bool check_value(type t) noexcept {
    switch (t) {
      case type::string:
      case type::code:
      case type::symbol:
        return check_string(room());
      case type::document:
      case type::array:
        return open(room());
      case type::boolean:
        if (room() < 1) return fail(at_, "value runs past the document");
        if (*at_ > std::byte{1}) return fail(at_, "boolean is neither 0 nor 1");
        ++at_;
        return true;
      case type::binary:
        return check_binary();
      case type::regex:
        return check_c_string() && check_c_string();
      case type::db_pointer:
        if (room() < 12) return fail(at_, "value runs past the document");
        if (!check_string(room() - 12)) return false;
        at_ += 12;
        return true;
      default:
        return check_code_with_scope();
    }
  }

  bool check_string(std::ptrdiff_t available) noexcept {
    if (available < 5) return fail(at_, "string runs past the document");
    const auto length = load<std::int32_t>(at_);
    if (length < 1) return fail(at_, "string length is below one");
    if (length > available - 4) return fail(at_, "string length runs past the document");
    const std::byte* const zero = at_ + 4 + length - 1;
    if (*zero != std::byte{0}) return fail(zero, "string does not end with a zero byte");
    if (!check_text(at_ + 4, zero)) return false;
    at_ = zero + 1;
    return true;
  }

  bool check_c_string() noexcept {
    const std::byte* const zero = std::find(at_, last_, std::byte{0});
    if (zero == last_) return fail(at_, "regular expression is not terminated within the document");
    if (!check_text(at_, zero)) return false;
    at_ = zero + 1;
    return true;
  }

  bool check_binary() noexcept {
    if (room() < 5) return fail(at_, "binary runs past the document");
    const auto length = load<std::int32_t>(at_);
    if (length < 0) return fail(at_, "binary length is negative");
    if (length > room() - 5) return fail(at_, "binary length runs past the document");
    if (at_[4] == std::byte{2}) {
      if (length < 4) return fail(at_, "binary of subtype 2 is too short for its inner length");
      if (load<std::int32_t>(at_ + 5) != length - 4) {
        return fail(at_ + 5, "inner length of a binary of subtype 2 differs from its outer length");
      }
    }
    at_ += 5 + length;
    return true;
  }

  bool check_code_with_scope() noexcept {
    constexpr std::int32_t shortest = 4 + 5 + 5;
    if (room() < shortest) return fail(at_, "code with scope runs past the document");
    const auto length = load<std::int32_t>(at_);
    if (length < shortest) return fail(at_, "code with scope is shorter than its parts");
    if (length > room()) return fail(at_, "length of code with scope runs past the document");
    const std::byte* const end = at_ + length;
    at_ += 4;
    if (!check_string(end - at_ - 5)) return false;
    if (load<std::int32_t>(at_) != end - at_) return fail(at_, "scope does not fill the code with scope");
    return open(end - at_);
  }

  /// Steps into the document at at_, which may take `available` bytes.
  bool open(std::ptrdiff_t available) noexcept {
    if (available < 5) return fail(at_, "embedded document runs past the document");
    const auto length = load<std::int32_t>(at_);
    if (length < 5) return fail(at_, "embedded document's length is below five");
    if (length > available) return fail(at_, "embedded document's length runs past the document");
    if (levels_ == levels_max_) return fail(at_, "nested too deeply");
    outer_last_[levels_ - 1] = last_;
    ++levels_;
    last_ = at_ + length - 1;
    at_ += 4;
    return true;
  }

  bool check_text(const std::byte* begin, const std::byte* end) noexcept {
    if (!check_utf8_) return true;
    const std::string_view text = text_of({begin, end});
    const std::size_t valid_bytes = utf8_prefix_bytes(text);
    return valid_bytes == text.size() || fail(begin + valid_bytes, "text is not UTF-8");
  }

  [[nodiscard]] std::ptrdiff_t room() const noexcept { return last_ - at_; }

  bool fail(const std::byte* at, std::string_view reason) noexcept {
    fault_ = fault_at(at, reason);
    return false;
  }
  [[nodiscard]] invalid_bson fault_at(const std::byte* at, std::string_view reason) const noexcept {
    return {.offset = static_cast<std::size_t>(at - begin_), .reason = reason};
  }

  const std::byte* const begin_;
  const std::byte* const buffer_end_;
  const std::uint32_t levels_max_;
  const bool check_utf8_;

  const std::byte* at_ = nullptr;
  const std::byte* last_ = nullptr;  // the terminating zero of the innermost open document
  std::uint32_t levels_ = 0;
  invalid_bson fault_;
  std::array<const std::byte*, validate_depth_limit> outer_last_;  // last_ of the documents around it
};

}  // namespace

std::optional<invalid_bson> validate(bytes_view bytes, validate_options options) noexcept {
  return validation(bytes, options).run();
}

}  // namespace sluice::bson
