// Extended JSON where the corpus says nothing: the text itself, shortest doubles, bytes that are no UTF-8.
#include "bson/extended_json.hpp"

#include <bit>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "bson/document.hpp"
#include "bson/validate.hpp"
#include "corpus.hpp"
#include "random_document.hpp"

namespace sluice::bson::test {
namespace {

using namespace std::string_view_literals;

std::string relaxed(double value) {
  return value_to_json(builder().append("n", value).finish().view().find("n"));
}

TEST(bson_json, reads_well) {
  builder out;
  out.append("_id", object_id{}).append("n", 1).append("text", "a\"b\\c\n\0"sv);
  out.open_array("list").push(true).push(2.5).close().append_null("nothing");
  const document done = out.finish();
  EXPECT_EQ(to_json(done), R"({"_id": {"$oid": "000000000000000000000000"}, "n": 1, "text": "a\"b\\c\n\u0000", )"
                           R"("list": [true, 2.5], "nothing": null})");
  EXPECT_EQ(array_to_json(*done.view().find("list").as_array()), "[true, 2.5]");
  EXPECT_EQ(array_to_json(*done.view().find("list").as_array(), json_mode::canonical),
            R"([true, {"$numberDouble": "2.5"}])");
  EXPECT_EQ(value_to_json(done.view().find("n"), json_mode::canonical), R"({"$numberInt": "1"})");
  EXPECT_EQ(value_to_json(element_view()), "null");
  EXPECT_EQ(to_json(document_view()), "{}");
  EXPECT_EQ(array_to_json(document_view()), "[]");
}

TEST(bson_json, doubles_are_short_and_never_look_like_integers) {
  EXPECT_EQ(relaxed(1), "1.0");
  EXPECT_EQ(relaxed(-0.0), "-0.0");
  EXPECT_EQ(relaxed(0.1), "0.1");
  EXPECT_EQ(relaxed(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(relaxed(0.0001), "0.0001");
  EXPECT_EQ(relaxed(0.00001), "1E-05");
  EXPECT_EQ(relaxed(9007199254740993.0), "9007199254740992.0");
  EXPECT_EQ(relaxed(1e16), "1E+16");
  EXPECT_EQ(relaxed(std::numeric_limits<double>::max()), "1.7976931348623157E+308");
  EXPECT_EQ(relaxed(5e-324), "5E-324");
  EXPECT_EQ(relaxed(std::nan("")), R"({"$numberDouble": "NaN"})");
  EXPECT_EQ(relaxed(-std::numeric_limits<double>::infinity()), R"({"$numberDouble": "-Infinity"})");
}

TEST(bson_json, doubles_read_back_as_they_were) {
  random_documents random(new_seed());
  for (int i = 0; i < 20'000; ++i) {
    const auto value = std::bit_cast<double>(random.engine()());
    if (!std::isfinite(value)) continue;
    const std::string text = relaxed(value);
    ASSERT_EQ(std::bit_cast<std::uint64_t>(std::strtod(text.c_str(), nullptr)), std::bit_cast<std::uint64_t>(value))
        << text;
  }
}

TEST(bson_json, binary_is_padded_base64) {
  const auto printed = [](std::string_view text) {
    const document one = builder().append("b", binary_view{4, std::as_bytes(std::span(text))}).finish();
    return value_to_json(one.view().find("b"));
  };
  EXPECT_EQ(printed(""), R"({"$binary": {"base64": "", "subType": "04"}})");
  EXPECT_EQ(printed("f"), R"({"$binary": {"base64": "Zg==", "subType": "04"}})");
  EXPECT_EQ(printed("fo"), R"({"$binary": {"base64": "Zm8=", "subType": "04"}})");
  EXPECT_EQ(printed("foo"), R"({"$binary": {"base64": "Zm9v", "subType": "04"}})");
  EXPECT_EQ(printed("\xFB\xFF\xFE"), R"({"$binary": {"base64": "+//+", "subType": "04"}})");
}

TEST(bson_json, dates_are_text_from_1970_to_9999) {
  const auto printed = [](std::int64_t ms) {
    return value_to_json(builder().append_date_ms("d", ms).finish().view().find("d"));
  };
  EXPECT_EQ(printed(0), R"({"$date": "1970-01-01T00:00:00Z"})");
  EXPECT_EQ(printed(951'782'400'007), R"({"$date": "2000-02-29T00:00:00.007Z"})");
  EXPECT_EQ(printed(253'402'300'799'999), R"({"$date": "9999-12-31T23:59:59.999Z"})");
  EXPECT_EQ(printed(253'402'300'800'000), R"({"$date": {"$numberLong": "253402300800000"}})");
  EXPECT_EQ(printed(-1), R"({"$date": {"$numberLong": "-1"}})");
  EXPECT_EQ(printed(std::numeric_limits<std::int64_t>::min()), R"({"$date": {"$numberLong": "-9223372036854775808"}})");
}

TEST(bson_json, stays_json_when_text_is_no_utf8) {
  const document odd = builder().append("k\xFFy", "a\xC3(\xE2\x82\x80\xF0\x9F").finish();
  ASSERT_FALSE(validate(odd.bytes(), {.check_utf8 = false}));
  EXPECT_EQ(to_json(odd), "{\"k\xEF\xBF\xBDy\": \"a\xEF\xBF\xBD(\xE2\x82\x80\xEF\xBF\xBD\xEF\xBF\xBD\"}");
  EXPECT_NO_THROW(normalized(to_json(odd)));
}

TEST(bson_json, refuses_coefficients_past_34_digits) {
  // 2^113 - 1 has 35 digits: no canonical encoding, which counts as zero.
  const auto bytes = from_hex("18000000136400FFFFFFFFFFFFFFFFFFFFFFFFFFFF413000");
  ASSERT_FALSE(validate(bytes));
  EXPECT_EQ(to_json(document_view(bytes.data())), R"({"d": {"$numberDecimal": "0"}})");
}

}  // namespace
}  // namespace sluice::bson::test
