// Views and the builder: typed access, conversions, walking, lookups, nesting.
#include "bson/document.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "bson/compare.hpp"
#include "bson/validate.hpp"
#include "corpus.hpp"

namespace sluice::bson::test {
namespace {

bool same(bytes_view a, bytes_view b) {
  return std::ranges::equal(a, b);
}

TEST(bson_document, is_empty_by_default) {
  const document empty;
  EXPECT_TRUE(empty.view().empty());
  EXPECT_TRUE(document_view().empty());
  EXPECT_EQ(empty.view().begin(), empty.view().end());
  EXPECT_TRUE(same(empty.bytes(), from_hex("0500000000")));
  EXPECT_TRUE(same(builder().finish().bytes(), from_hex("0500000000")));
}

TEST(bson_document, owns_a_copy) {
  document copy;
  {
    const document original = builder().append("a", 1).finish();
    copy = document(original.view());
  }
  EXPECT_EQ(copy.view().find("a").as_int32(), 1);
}

TEST(bson_builder, writes_the_specified_bytes) {
  const document hello = builder().append("hello", "world").finish();
  EXPECT_TRUE(same(hello.bytes(), from_hex("160000000268656C6C6F0006000000776F726C640000")));
  builder nested;
  nested.open_array("BSON").push("awesome").push(5.05).push(1986).close();
  EXPECT_TRUE(same(nested.finish().bytes(),
                   from_hex("310000000442534F4E002600000002300008000000617765736F6D65000131003333333333331440"
                            "103200C20700000000")));
}

TEST(bson_builder, round_trips_every_type) {
  object_id id;
  for (std::size_t i = 0; i < 12; ++i) id.bytes[i] = static_cast<std::byte>(i * 17);
  const std::byte data[] = {std::byte{1}, std::byte{0}, std::byte{255}};
  const document inner = builder().append("x", 1).finish();
  using namespace std::string_view_literals;

  builder out;
  out.append("int32", std::int32_t{-7}).append("int64", std::int64_t{1} << 40).append("double", 0.5);
  out.append("true", true).append("string", "a\0b"sv).append("std", std::string("s")).append("doc", inner);
  out.append("timestamp", timestamp{.seconds = 9, .increment = 3}).append("id", id);
  out.append("binary", binary_view{4, data}).append("old", binary_view{2, data});
  out.append_array("array", inner).append_date_ms("date", -5).append_null("null");
  const document done = out.finish();
  ASSERT_FALSE(validate(done.bytes()));
  const document_view view = done;

  EXPECT_EQ(view.find("int32").as_int32(), -7);
  EXPECT_EQ(view.find("int64").as_int64(), std::int64_t{1} << 40);
  EXPECT_EQ(view.find("double").as_double(), 0.5);
  EXPECT_EQ(view.find("true").as_bool(), true);
  EXPECT_EQ(view.find("string").as_string(), "a\0b"sv);
  EXPECT_EQ(view.find("std").as_string(), "s");
  EXPECT_TRUE(same_bytes(*view.find("doc").as_document(), inner));
  EXPECT_TRUE(same_bytes(*view.find("array").as_array(), inner));
  EXPECT_EQ(view.find("timestamp").as_timestamp(), (timestamp{.seconds = 9, .increment = 3}));
  EXPECT_EQ(view.find("id").as_object_id(), id);
  EXPECT_EQ(view.find("binary").as_binary()->subtype, 4);
  EXPECT_TRUE(same(view.find("binary").as_binary()->data, data));
  EXPECT_TRUE(same(view.find("old").as_binary()->data, data));
  EXPECT_EQ(view.find("old").value().size(), 5 + 4 + sizeof data);
  EXPECT_EQ(view.find("date").as_date_ms(), -5);
  EXPECT_EQ(view.find("null").type(), type::null);

  EXPECT_FALSE(view.find("int32").as_int64());
  EXPECT_FALSE(view.find("string").as_int32());
  EXPECT_FALSE(view.find("doc").as_array());
  EXPECT_FALSE(view.find("array").as_document());
  EXPECT_FALSE(view.find("missing"));
  EXPECT_FALSE(view.find("missing").as_string());
  EXPECT_FALSE(view.find("missing").to_int64());
}

TEST(bson_builder, nests_and_counts_array_elements) {
  builder out;
  out.open_array("a").push(1);
  out.open_document(out.next_index()).append("b", 2).close();
  out.append_null(out.next_index());
  out.open_array(out.next_index()).push("deep").close();
  EXPECT_EQ(out.next_index(), "4");
  out.close();
  const document done = out.finish();
  ASSERT_FALSE(validate(done.bytes()));
  std::string keys;
  const document_view array = *done.view().find("a").as_array();
  for (const element_view element : array) keys += element.key();
  EXPECT_EQ(keys, "0123");
  EXPECT_EQ(done.view().at("a", "1", "b").as_int32(), 2);
  EXPECT_EQ(done.view().at("a", "3", "0").as_string(), "deep");
  EXPECT_FALSE(done.view().at("a", "0", "b"));
  EXPECT_FALSE(done.view().at("x", "0"));
}

TEST(bson_builder, copies_elements_and_starts_anew_after_finish) {
  const document source = builder().append("a", 1).append("b", "two").finish();
  builder out;
  out.append(source.view().find("b")).append("c", source.view().find("a"));
  EXPECT_TRUE(same_bytes(out.finish(), builder().append("b", "two").append("c", 1).finish()));
  out.append_all(source);
  EXPECT_TRUE(same_bytes(out.finish(), source));
  EXPECT_TRUE(out.finish().view().empty());
}

TEST(bson_builder_death, refuses_what_would_not_be_a_document) {
  using namespace std::string_view_literals;
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(builder().append("a\0b"sv, 1), "");
  EXPECT_DEATH((void)builder().open_document("a").finish(), "");
  EXPECT_DEATH(builder().close(), "");
}

TEST(bson_element, converts_numbers_as_servers_answer_them) {
  const auto converted = [](auto value) { return builder().append("n", value).finish().view().find("n").to_int64(); };
  EXPECT_EQ(converted(std::int32_t{-3}), -3);
  EXPECT_EQ(converted(std::numeric_limits<std::int64_t>::min()), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(converted(1.0), 1);
  EXPECT_EQ(converted(-2.9), -2);
  EXPECT_EQ(converted(-0x1p63), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(converted(0x1p63), std::nullopt);
  EXPECT_EQ(converted(std::nan("")), std::nullopt);
  EXPECT_EQ(converted(-std::numeric_limits<double>::infinity()), std::nullopt);
  EXPECT_EQ(converted(true), std::nullopt);
  EXPECT_EQ(converted("1"), std::nullopt);

  const auto flag = [](auto value) { return builder().append("f", value).finish().view().find("f").to_bool(); };
  EXPECT_EQ(flag(true), true);
  EXPECT_EQ(flag(false), false);
  EXPECT_EQ(flag(1.0), true);
  EXPECT_EQ(flag(0), false);
  EXPECT_EQ(flag(std::int64_t{2}), true);
  EXPECT_EQ(flag("true"), std::nullopt);
}

TEST(bson_element, shows_its_bytes) {
  const document one = builder().append("key", std::int32_t{258}).finish();
  const element_view element = *one.view().begin();
  EXPECT_EQ(element.key(), "key");
  EXPECT_TRUE(same(element.value(), from_hex("02010000")));
  EXPECT_TRUE(same(element.whole(), from_hex("106B65790002010000")));
  EXPECT_EQ(type_name(element.type()), "int");
}

TEST(bson_timestamp, orders_like_the_oplog) {
  EXPECT_LT((timestamp{.seconds = 1, .increment = 9}), (timestamp{.seconds = 2, .increment = 1}));
  EXPECT_LT((timestamp{.seconds = 2, .increment = 1}), (timestamp{.seconds = 2, .increment = 2}));
}

TEST(bson_frame, is_checked_without_looking_inside) {
  EXPECT_TRUE(framed(from_hex("0500000000")));
  EXPECT_TRUE(framed(from_hex("06000000FF00")));
  EXPECT_FALSE(framed(from_hex("")));
  EXPECT_FALSE(framed(from_hex("05000000")));
  EXPECT_FALSE(framed(from_hex("0500000001")));
  EXPECT_FALSE(
      framed(from_hex("060000000000"
                      "00")));
  EXPECT_FALSE(framed(from_hex("0000000000")));
}

TEST(bson_difference, is_a_path) {
  const auto doc = [](int deep, bool more) {
    builder out;
    out.append("same", 1).open_document("a").open_array("b").push(1).push(deep).close().close();
    if (more) out.append("more", 1);
    return out.finish();
  };
  EXPECT_EQ(first_difference(doc(2, false), doc(2, false)), "");
  EXPECT_EQ(first_difference(doc(2, false), doc(3, true)), "a.b.1");
  EXPECT_EQ(first_difference(doc(2, false), doc(2, true)), "more");
  EXPECT_EQ(first_difference(doc(2, true), doc(2, false)), "more");
  EXPECT_EQ(first_difference(builder().append("x", 1).finish(), builder().append("y", 1).finish()), "x");
  EXPECT_EQ(first_difference(builder().append("x", 1).finish(), builder().append("x", 1.0).finish()), "x");
  EXPECT_EQ(first_difference(builder().append("", 1).finish(), builder().append("", 2).finish()), "\"\"");
}

}  // namespace
}  // namespace sluice::bson::test
