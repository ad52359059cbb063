// Random documents of every type, written byte by byte without the builder that they help to test. For tests only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "bson/document_view.hpp"

namespace sluice::bson::test {

/// From SLUICE_SEED, to repeat a failure, else another one each time; printed.
inline std::uint64_t new_seed() {
  const char* given = std::getenv("SLUICE_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "seed: repeat with SLUICE_SEED=" << seed << '\n';
  return seed;
}

class random_documents {
 public:
  explicit random_documents(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  bool chance(std::uint64_t one_in) { return below(one_in) == 0; }
  std::mt19937_64& engine() { return random_; }

  std::vector<std::byte> document(int depth_max = 4) { return fields(depth_max, false); }

  /// Type byte, key and value.
  void element(std::vector<std::byte>& out, std::string_view key, int depth_max) {
    static constexpr type types[] = {
        type::double_,    type::string,  type::document,        type::array, type::binary,    type::undefined,
        type::object_id,  type::boolean, type::date_time,       type::null,  type::regex,     type::db_pointer,
        type::code,       type::symbol,  type::code_with_scope, type::int32, type::timestamp, type::int64,
        type::decimal128, type::min_key, type::max_key};
    type t = types[below(std::size(types))];
    const bool nests = t == type::document || t == type::array || t == type::code_with_scope;
    if (nests && depth_max <= 0) t = type::int32;
    out.push_back(static_cast<std::byte>(t));
    c_string(out, key);
    value(out, t, depth_max);
  }

  std::string text(bool with_zeros) {
    static constexpr std::string_view pieces[] = {
        "a", "Z", "0", " ",           "\"", "\\", "/", "\n", "\t", "\x01", "\x7f", "key", "value of some length",
        "é", "€", "😀", "\xEF\xBF\xBD"};
    std::string out;
    for (std::uint64_t i = below(6); i > 0; --i) {
      out += pieces[below(std::size(pieces))];
      if (with_zeros && chance(12)) out += '\0';
    }
    return out;
  }

 private:
  std::vector<std::byte> fields(int depth_max, bool array) {
    std::vector<std::byte> out(4);
    const std::uint64_t count = below(7);
    for (std::uint64_t i = 0; i < count; ++i) element(out, array ? std::to_string(i) : text(false), depth_max - 1);
    out.push_back(std::byte{0});
    set_length(out, 0);
    return out;
  }

  void value(std::vector<std::byte>& out, type t, int depth_max) {
    switch (t) {
      case type::double_: {
        static constexpr double numbers[] = {0.0, -0.0, 1.0, -1.5, 0.1, 1e300, 5e-324, 1e16, 123456789.25};
        return raw(out, chance(2) ? numbers[below(std::size(numbers))] : finite_double());
      }
      case type::string:
      case type::code:
      case type::symbol:
        return string(out, text(true));
      case type::document:
      case type::array:
        return append(out, fields(depth_max, t == type::array));
      case type::binary: {
        const std::uint64_t size = below(9);
        const bool repeats_length = chance(5);
        raw(out, static_cast<std::int32_t>(size + (repeats_length ? 4 : 0)));
        out.push_back(static_cast<std::byte>(repeats_length ? 2 : below(2) * 128));
        if (repeats_length) raw(out, static_cast<std::int32_t>(size));
        return bytes(out, size);
      }
      case type::object_id:
        return bytes(out, 12);
      case type::boolean:
        return out.push_back(static_cast<std::byte>(below(2)));
      case type::date_time:
        return raw(out, static_cast<std::int64_t>(below(270'000'000'000'000)) - 20'000'000'000'000);
      case type::regex:
        c_string(out, text(false));
        return c_string(out, chance(2) ? "" : "imx");
      case type::db_pointer:
        string(out, text(false));
        return bytes(out, 12);
      case type::code_with_scope: {
        const std::size_t begin = out.size();
        raw(out, std::int32_t{0});
        string(out, text(true));
        append(out, fields(depth_max, false));
        return set_length(out, begin);
      }
      case type::int32:
        return raw(out, static_cast<std::int32_t>(random_()));
      case type::timestamp:
      case type::int64:
        return bytes(out, 8);
      case type::decimal128:
        bytes(out, 16);
        // Below 2^112: past 10^34 the encoding is not canonical, which libbson prints as if it were.
        out[out.size() - 2] &= ~std::byte{1};
        return;
      default:
        return;
    }
  }

  double finite_double() {
    for (;;) {
      const std::uint64_t bits = random_();
      double number = 0;
      std::memcpy(&number, &bits, sizeof number);
      if (number - number == 0) return number;
    }
  }

  void bytes(std::vector<std::byte>& out, std::uint64_t count) {
    for (; count > 0; --count) out.push_back(static_cast<std::byte>(below(256)));
  }
  template <class Value>
  static void raw(std::vector<std::byte>& out, Value number) {
    std::byte at[sizeof number];
    std::memcpy(at, &number, sizeof number);
    out.insert(out.end(), at, at + sizeof at);
  }
  static void append(std::vector<std::byte>& out, const std::vector<std::byte>& more) {
    out.insert(out.end(), more.begin(), more.end());
  }
  static void c_string(std::vector<std::byte>& out, std::string_view text) {
    for (const char c : text) out.push_back(static_cast<std::byte>(c));
    out.push_back(std::byte{0});
  }
  static void string(std::vector<std::byte>& out, std::string_view text) {
    raw(out, static_cast<std::int32_t>(text.size() + 1));
    c_string(out, text);
  }
  static void set_length(std::vector<std::byte>& out, std::size_t begin) {
    const auto length = static_cast<std::int32_t>(out.size() - begin);
    std::memcpy(out.data() + begin, &length, sizeof length);
  }

  std::mt19937_64 random_;
};

}  // namespace sluice::bson::test
