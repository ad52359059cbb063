// The server's value order: across types, inside each type, and numbers against exact rational arithmetic.
#include "bson/compare.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "bson/document.hpp"
#include "bson/extended_json.hpp"
#include "numbers.hpp"
#include "random_document.hpp"

namespace sluice::bson::test {
namespace {

using namespace std::string_view_literals;

element_view only(const document& holder) {
  return *holder.view().begin();
}

/// A field of a type for which the builder has no append, from its value's bytes.
document of_type(type t, std::string_view value) {
  std::vector<std::byte> bytes(4 + 2 + value.size() + 1);
  const auto length = static_cast<std::int32_t>(bytes.size());
  std::memcpy(bytes.data(), &length, sizeof length);
  bytes[4] = static_cast<std::byte>(t);
  std::memcpy(bytes.data() + 6, value.data(), value.size());
  return document(std::move(bytes));
}

template <class Value>
document of(Value value) {
  return builder().append("", value).finish();
}

document array_of(const document& fields) {
  return builder().append_array("", fields).finish();
}
document date(std::int64_t ms) {
  return builder().append_date_ms("", ms).finish();
}
document binary(std::uint8_t subtype, std::string_view data) {
  return of(binary_view{subtype, std::as_bytes(std::span(data))});
}
document id(std::uint8_t last) {
  object_id value;
  value.bytes[11] = static_cast<std::byte>(last);
  return of(value);
}

/// Each value below the next, whatever pair is taken.
void expect_ascending(const std::vector<document>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = 0; j < values.size(); ++j) {
      EXPECT_EQ(compare_values(only(values[i]), only(values[j])), i <=> j)
          << to_json(values[i]) << " and " << to_json(values[j]);
    }
  }
}

void expect_equal(const document& a, const document& b) {
  EXPECT_EQ(compare_values(only(a), only(b)), std::weak_ordering::equivalent) << to_json(a) << " and " << to_json(b);
}

TEST(bson_compare, types_in_the_servers_order) {
  const document one = builder().append("a", 1).finish();
  std::vector<document> values;
  values.push_back(of_type(type::min_key, ""));
  values.push_back(of_type(type::undefined, ""));
  values.push_back(builder().append_null("").finish());
  values.push_back(of(1));
  values.push_back(of("text"));
  values.push_back(of(one));
  values.push_back(array_of(one));
  values.push_back(binary(0, "data"));
  values.push_back(id(1));
  values.push_back(of(false));
  values.push_back(of(true));
  values.push_back(date(0));
  values.push_back(of(timestamp{}));
  values.push_back(of_type(type::regex, "a\0i\0"sv));
  values.push_back(of_type(type::db_pointer, "\2\0\0\0a\0abcdefghijkl"sv));
  values.push_back(of_type(type::code, "\2\0\0\0a\0"sv));
  values.push_back(of_type(type::code_with_scope, "\x0F\0\0\0\2\0\0\0a\0\5\0\0\0\0"sv));
  values.push_back(of_type(type::max_key, ""));
  expect_ascending(values);
}

TEST(bson_compare, values_within_their_types) {
  std::vector<document> texts;
  for (const auto text : {""sv, "\0"sv, "A"sv, "a"sv, "a\0"sv, "a\0b"sv, "ab"sv, "b"sv, "\x7F"sv, "é"sv, "\xFF"sv}) {
    texts.push_back(of(text));
  }
  expect_ascending(texts);
  // Binary: by length, then subtype, then bytes.
  expect_ascending(
      {binary(5, "z"), binary(0, "aa"), binary(0, "ab"), binary(0, "\xFF\x01"), binary(128, "aa"), binary(0, "aaa")});
  expect_ascending({binary(0, "z"), binary(0, std::string(256, 'a')), binary(0, std::string(65536, 'a'))});
  expect_ascending({date(std::numeric_limits<std::int64_t>::min()), date(-1), date(0), date(1)});
  // Timestamps are unsigned.
  expect_ascending({of(timestamp{}), of(timestamp{.seconds = 1, .increment = 5}), of(timestamp{.seconds = 2}),
                    of(timestamp{.seconds = 0x80000000}), of(timestamp{.seconds = 0xFFFFFFFF, .increment = 1})});
  expect_ascending({id(0), id(1), id(200)});
  expect_ascending(
      {of_type(type::regex, "a\0\0"sv), of_type(type::regex, "a\0i\0"sv), of_type(type::regex, "ab\0\0"sv)});
  expect_ascending({of_type(type::db_pointer, "\2\0\0\0b\0abcdefghijkl"sv),
                    of_type(type::db_pointer, "\2\0\0\0b\0abcdefghijkm"sv),
                    of_type(type::db_pointer, "\3\0\0\0aa\0abcdefghijkl"sv)});
  const auto scoped = [](std::string_view code, const document& scope) {
    std::string value(8, '\0');
    value[0] = static_cast<char>(8 + code.size() + 1 + scope.bytes().size());
    value[4] = static_cast<char>(code.size() + 1);
    value.append(code).push_back('\0');
    for (const std::byte byte : scope.bytes()) value.push_back(static_cast<char>(byte));
    return of_type(type::code_with_scope, value);
  };
  expect_ascending({scoped("f", of(1)), scoped("f", of(2)), scoped("f", of("a")), scoped("g", document())});
  expect_equal(scoped("f", of(1)), scoped("f", of(1.0)));
}

TEST(bson_compare, documents_field_by_field) {
  const auto doc = [](std::string_view key, auto value) { return of(builder().append(key, value).finish()); };
  // Type rank before key before value; what ends first is less.
  expect_ascending({of(document()), doc("a", 1), doc("a", 2), doc("b", 1), doc("a", "x"), doc("a", true)});
  expect_ascending({doc("a", 1), of(builder().append("a", 1).append("b", 1).finish()), doc("a", 2)});
  expect_equal(doc("a", 1), doc("a", 1.0));
  const auto xy = builder().append("x", 1).append("y", 2).finish();
  const auto yx = builder().append("y", 2).append("x", 1).finish();
  expect_ascending({of(xy), of(yx)});
  expect_equal(array_of(builder().append("0", 1).finish()), array_of(builder().append("other", 1).finish()));
  expect_ascending({array_of(document()), array_of(builder().push(1).finish()),
                    array_of(builder().push(1).push(0).finish()), array_of(builder().push(2).finish())});
}

TEST(bson_compare, strings_and_symbols_are_one_type) {
  expect_equal(of("abc"), of_type(type::symbol, "\4\0\0\0abc\0"sv));
}

TEST(bson_compare, numbers_of_all_types) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  constexpr std::int64_t two_53 = std::int64_t{1} << 53;
  expect_ascending({
      of(std::nan("")),
      of(-infinity),
      decimal(true, 1, 6000),
      of(-1e300),
      of(std::numeric_limits<std::int64_t>::min()),
      of(-1.5),
      of(-1),
      decimal(true, 1, -6176),
      of(0),
      decimal(false, 1, -6176),
      of(5e-324),
      decimal(false, 1, -1),  // 0.1 exactly; the double next to it is a little more
      of(0.1),
      of(1),
      of(two_53),
      of(two_53 + 1),
      of(std::numeric_limits<std::int64_t>::max() - 1),
      of(std::numeric_limits<std::int64_t>::max()),
      of(0x1p63),
      decimal(false, 9223372036854775809u, 0),
      of(1e300),
      of(std::numeric_limits<double>::max()),
      decimal(false, 1, 309),
      of(infinity),
  });
  expect_equal(of(1), of(1.0));
  expect_equal(of(std::int64_t{1}), decimal(false, 100, -2));
  expect_equal(of(0), of(-0.0));
  expect_equal(of(-0.0), decimal(true, 0, 17));
  expect_equal(of(0.5), decimal(false, 5, -1));
  expect_equal(of(0x1p63), decimal(false, 9223372036854775808u, 0));
  expect_equal(of(std::numeric_limits<std::int64_t>::min()), decimal(true, 9223372036854775808u, 0));
  expect_equal(of(1e22), decimal(false, 1, 22));
  expect_equal(of(infinity), decimal_special("78"));
  expect_equal(of(-infinity), decimal_special("F8"));
  expect_equal(of(std::nan("")), decimal_special("7C"));
  expect_equal(of(std::nan("")), of(-std::nan("7")));
}

TEST(bson_compare, numbers_agree_with_exact_arithmetic) {
  random_documents random(new_seed());
  random_numbers numbers(random);
  int equal = 0;
  for (int i = 0; i < 6000; ++i) {
    const document a = numbers.next();
    const document b = random.chance(2) ? numbers.same_value_otherwise(a) : numbers.next();
    const rational left = exact_value(only(a));
    const rational right = exact_value(only(b));
    const int expected = left.compare(right);
    equal += expected == 0;
    ASSERT_EQ(compare_values(only(a), only(b)), expected <=> 0)
        << to_json(a, json_mode::canonical) << " and " << to_json(b, json_mode::canonical);
    ASSERT_EQ(compare_values(only(b), only(a)), 0 <=> expected);
  }
  EXPECT_GT(equal, 500);
}

TEST(bson_compare, is_an_order) {
  random_documents random(new_seed());
  std::vector<std::vector<std::byte>> bytes;
  bytes.reserve(150);
  for (int i = 0; i < 150; ++i) bytes.push_back(random.document(2));
  std::vector<element_view> values;
  for (const auto& one : bytes) {
    for (const element_view value : document_view(one.data())) values.push_back(value);
  }
  for (const element_view a : values) {
    for (const element_view b : values) {
      ASSERT_EQ(compare_values(a, b), 0 <=> compare_values(b, a)) << value_to_json(a) << " and " << value_to_json(b);
    }
  }
  // In sorted order every earlier one must be no greater than every later one: that needs transitivity.
  std::sort(values.begin(), values.end(), [](element_view a, element_view b) { return compare_values(a, b) < 0; });
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = i + 1; j < values.size(); ++j) ASSERT_TRUE(compare_values(values[i], values[j]) <= 0);
  }
}

}  // namespace
}  // namespace sluice::bson::test
