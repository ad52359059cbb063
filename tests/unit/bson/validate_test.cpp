// The validator: what it accepts and refuses and where, and that damaged bytes neither make it nor the walkers run past
// their end (each mutated document lies in a buffer of exactly its size: the address sanitizer sees one byte too many).
#include "bson/validate.hpp"

#include <gtest/gtest.h>

#include "bson/compare.hpp"
#include "bson/document.hpp"
#include "bson/extended_json.hpp"
#include "bson/id_key.hpp"
#include "corpus.hpp"
#include "random_document.hpp"

namespace sluice::bson::test {
namespace {

std::vector<std::byte> nested(std::uint32_t levels, type t) {
  builder out;
  for (std::uint32_t i = 1; i < levels; ++i) t == type::array ? out.open_array("0") : out.open_document("d");
  for (std::uint32_t i = 1; i < levels; ++i) out.close();
  const document done = out.finish();
  return {done.bytes().begin(), done.bytes().end()};
}

std::vector<std::byte> with_string(std::string_view text) {
  const document done = builder().append("s", text).finish();
  return {done.bytes().begin(), done.bytes().end()};
}

std::vector<std::byte> with_key(std::string_view key) {
  const document done = builder().append(key, 1).finish();
  return {done.bytes().begin(), done.bytes().end()};
}

/// Everything that walks a document, walks it.
std::size_t walk(document_view fields) {
  std::size_t seen = to_json(fields, json_mode::canonical).size() + to_json(fields, json_mode::relaxed).size();
  for (const element_view field : fields) {
    seen += id_key(field).size() + holds_string(field);
    EXPECT_EQ(compare_values(field, field), std::weak_ordering::equivalent);
  }
  EXPECT_EQ(first_difference(fields, fields), "");
  return seen;
}

/// Validates a copy that ends where its allocation ends; walks it if it is accepted.
bool accepted_and_walked(const std::vector<std::byte>& bytes, bool check_utf8) {
  const std::vector<std::byte> exact(bytes.begin(), bytes.end());
  const auto fault = validate(exact, {.check_utf8 = check_utf8});
  if (fault) {
    EXPECT_LE(fault->offset, exact.size());
    EXPECT_FALSE(fault->reason.empty());
    return false;
  }
  EXPECT_GT(walk(document_view(exact.data())), 0u);
  return true;
}

TEST(bson_validate, says_what_is_wrong_and_where) {
  struct fault_case {
    std::string_view hex;
    std::size_t offset;
    std::string_view reason;
  };
  static constexpr fault_case cases[] = {
      {"", 0, "fewer than the five bytes of the empty document"},
      {"04000000", 0, "fewer than the five bytes of the empty document"},
      {"0400000000", 0, "document length is below five"},
      {"FFFFFFFF00", 0, "document length is below five"},
      {"0600000000", 0, "document length is not the number of bytes"},
      {"0500000001", 4, "document does not end with a zero byte"},
      {"060000000000", 4, "document ends before its length says"},
      {"0800000014610000", 4, "unknown type"},
      {"080000000A616200", 5, "key is not terminated within the document"},
      {"0A000000106100010000", 7, "value runs past the document"},
      {"090000000861000200", 7, "boolean is neither 0 nor 1"},
      {"0D000000026100000000000000", 7, "string length is below one"},
      {"0E00000002610003000000620000", 7, "string length runs past the document"},
      {"0E00000002610002000000626300", 12, "string does not end with a zero byte"},
      {"0E00000002610002000000FF0000", 11, "text is not UTF-8"},
      {"0C0000001080000100000000", 5, "text is not UTF-8"},
      {"0D000000056100FFFFFFFF0000", 7, "binary length is negative"},
      {"0D000000056100010000000000", 7, "binary length runs past the document"},
      {"10000000056100030000000201020300", 7, "binary of subtype 2 is too short for its inner length"},
      {"120000000561000500000002020000004200", 12,
       "inner length of a binary of subtype 2 differs from its outer length"},
      {"0B0000000B610062636400", 7, "regular expression is not terminated within the document"},
      {"0D000000036100050000000100", 11, "document does not end with a zero byte"},
      {"0D000000036100040000000000", 7, "embedded document's length is below five"},
      {"0D000000036100060000000000", 7, "embedded document's length runs past the document"},
  };
  for (const fault_case& test : cases) {
    SCOPED_TRACE(std::string(test.hex));
    const auto bytes = from_hex(test.hex);
    const auto fault = validate(bytes);
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->reason, test.reason);
    EXPECT_EQ(fault->offset, test.offset);
  }
}

TEST(bson_validate, bounds_the_depth) {
  for (const type t : {type::document, type::array}) {
    EXPECT_FALSE(validate(nested(200, t)));
    const auto fault = validate(nested(201, t));
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->reason, "nested too deeply");
    EXPECT_FALSE(validate(nested(7, t), {.depth_max = 7}));
    EXPECT_TRUE(validate(nested(8, t), {.depth_max = 7}));
    EXPECT_FALSE(validate(nested(validate_depth_limit, t), {.depth_max = 1'000'000}));
    EXPECT_TRUE(validate(nested(validate_depth_limit + 1, t), {.depth_max = 1'000'000}));
    EXPECT_TRUE(validate(nested(1, t), {.depth_max = 0}));
  }
}

TEST(bson_validate, knows_utf8_when_asked) {
  struct text_case {
    std::string_view text;
    bool valid;
  };
  using namespace std::string_view_literals;
  static constexpr text_case cases[] = {
      {"", true},
      {"plain ascii, longer than eight bytes", true},
      {"é", true},
      {"€", true},
      {"😀", true},
      {"\xF4\x8F\xBF\xBF", true},
      {"\x80", false},
      {"\xC3", false},
      {"\xC0\xAF", false},
      {"\xC1\xBF", false},
      {"\xE0\x9F\xBF", false},
      {"\xE0\xA0\x80", true},
      {"\xED\xA0\x80", false},
      {"\xED\x9F\xBF", true},
      {"\xEE\x80\x80", true},
      {"\xF0\x8F\xBF\xBF", false},
      {"\xF0\x90\x80\x80", true},
      {"\xF4\x90\x80\x80", false},
      {"\xF5\x80\x80\x80", false},
      {"\xFF", false},
      {"\xE2\x82", false},
      {"\xE2\x28\xA1", false},
      {"\xF0\x9F\x98", false},
      {"12345678\xFF", false},
      {"1234567\xC3\xA9", true},
  };
  for (const text_case& test : cases) {
    SCOPED_TRACE(std::string(test.text));
    EXPECT_EQ(!validate(with_string(test.text)), test.valid);
    EXPECT_EQ(!validate(with_key(test.text)), test.valid);
    EXPECT_EQ(!validate(with_key(std::string("long key before ") + std::string(test.text))), test.valid);
    EXPECT_FALSE(validate(with_string(test.text), {.check_utf8 = false}));
    EXPECT_FALSE(validate(with_key(test.text), {.check_utf8 = false}));
  }
  EXPECT_FALSE(validate(with_string("zero\0inside"sv)));
}

TEST(bson_validate, keys_of_every_length_end_where_they_end) {
  for (std::size_t length = 0; length < 40; ++length) {
    const std::string key(length, 'k');
    const auto bytes = with_key(key);
    ASSERT_FALSE(validate(bytes)) << length;
    EXPECT_EQ(document_view(bytes.data()).begin()->key(), key);
    // The same with a byte above ASCII right behind the key's zero, which must not count as part of it.
    const document after = builder().append(key, std::int32_t{-1}).append("next", std::int32_t{-128}).finish();
    EXPECT_FALSE(validate(after.bytes())) << length;
  }
}

TEST(bson_validate, refuses_every_truncation_of_the_corpus) {
  for (const valid_case& test : the_corpus().valid) {
    SCOPED_TRACE(test.name);
    for (std::size_t size = 0; size < test.canonical_bson.size(); ++size) {
      std::vector<std::byte> cut(test.canonical_bson.begin(),
                                 test.canonical_bson.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_FALSE(accepted_and_walked(cut, true)) << size;
      if (size < 5) continue;
      // A length that fits what is left: now the damage is inside.
      const auto length = static_cast<std::int32_t>(size);
      std::memcpy(cut.data(), &length, sizeof length);
      (void)accepted_and_walked(cut, false);
      cut.back() = std::byte{0};
      (void)accepted_and_walked(cut, false);
    }
  }
}

TEST(bson_validate, every_byte_flip_is_refused_or_walked) {
  std::size_t accepted = 0;
  std::size_t refused = 0;
  for (const valid_case& test : the_corpus().valid) {
    const bool decimals = test.type == "0x13";  // hundreds of cases of one shape: three changes a byte suffice
    for (std::size_t at = 0; at < test.canonical_bson.size(); ++at) {
      std::vector<std::byte> damaged = test.canonical_bson;
      for (unsigned change = 1; change < 256; change += decimals ? 100 : 7) {
        damaged[at] = test.canonical_bson[at] ^ static_cast<std::byte>(change);
        ++(accepted_and_walked(damaged, change % 2 == 0) ? accepted : refused);
      }
    }
  }
  EXPECT_GT(accepted, 1000u);
  EXPECT_GT(refused, 1000u);
}

TEST(bson_validate, random_damage_is_refused_or_walked) {
  random_documents random(new_seed());
  std::size_t accepted = 0;
  std::size_t refused = 0;
  for (int i = 0; i < 4000; ++i) {
    std::vector<std::byte> bytes = random.document();
    ASSERT_TRUE(accepted_and_walked(bytes, true));
    for (std::uint64_t changes = 1 + random.below(3); changes > 0; --changes) {
      bytes[random.below(bytes.size())] =
          static_cast<std::byte>(random.chance(2) ? random.below(20) : random.below(256));
    }
    ++(accepted_and_walked(bytes, random.chance(2)) ? accepted : refused);
  }
  EXPECT_GT(accepted, 100u);
  EXPECT_GT(refused, 100u);
}

}  // namespace
}  // namespace sluice::bson::test
