// `_id` keys: equal bytes exactly where the server sees one key, which is where its order sees no difference.
#include "bson/id_key.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "bson/compare.hpp"
#include "bson/document.hpp"
#include "bson/extended_json.hpp"
#include "bson/validate.hpp"
#include "numbers.hpp"
#include "random_document.hpp"

namespace sluice::bson::test {
namespace {

element_view only(const document& holder) {
  return *holder.view().begin();
}
std::string key_of(const document& holder) {
  return id_key(only(holder));
}

template <class Value>
document of(Value value) {
  return builder().append("_id", value).finish();
}
document in_document(std::string_view key, const document& value) {
  return of(builder().append(key, only(value)).finish());
}
document in_array(const document& value) {
  return builder().append_array("_id", builder().append("0", only(value)).finish()).finish();
}

TEST(bson_id_key, one_number_is_one_key_at_every_depth) {
  const std::vector<document> ones = {of(1), of(std::int64_t{1}), of(1.0), decimal(false, 100, -2),
                                      decimal(false, 1, 0)};
  const std::vector<document> zeros = {of(0), of(std::int64_t{0}), of(0.0), of(-0.0), decimal(true, 0, 3)};
  for (const auto& same : {ones, zeros}) {
    for (const document& number : same) {
      EXPECT_EQ(key_of(number), key_of(same[0])) << to_json(number, json_mode::canonical);
      EXPECT_EQ(key_of(in_document("a", number)), key_of(in_document("a", same[0])));
      EXPECT_EQ(key_of(in_array(number)), key_of(in_array(same[0])));
      EXPECT_EQ(key_of(in_document("a", in_array(in_document("b", number)))),
                key_of(in_document("a", in_array(in_document("b", same[0])))));
    }
  }
  EXPECT_NE(key_of(ones[0]), key_of(zeros[0]));
  EXPECT_EQ(key_of(of(std::nan(""))), key_of(of(-std::nan("3"))));
  EXPECT_EQ(key_of(of(std::nan(""))), key_of(decimal_special("7C")));
  EXPECT_EQ(key_of(of(INFINITY)), key_of(decimal_special("78")));
  EXPECT_NE(key_of(of(INFINITY)), key_of(of(-INFINITY)));
  EXPECT_EQ(key_of(of(0.5)), key_of(decimal(false, 500, -3)));
  EXPECT_NE(key_of(of(0.1)), key_of(decimal(false, 1, -1)));
  EXPECT_NE(key_of(of((std::int64_t{1} << 53) + 1)), key_of(of(0x1p53)));
}

TEST(bson_id_key, tells_apart_what_the_server_does) {
  const document xy = of(builder().append("x", 1).append("y", 2).finish());
  const document yx = of(builder().append("y", 2).append("x", 1).finish());
  std::vector<document> different = {xy, yx};
  different.push_back(of(builder().append("x", 1).append("z", 2).finish()));
  different.push_back(of(builder().append("x", 1).finish()));
  different.push_back(of(document()));
  different.push_back(of(builder().append("", document()).finish()));
  different.push_back(builder().append_array("_id", document()).finish());
  different.push_back(in_array(of(1)));
  different.push_back(of("1"));
  different.push_back(of(""));
  different.push_back(of("A"));
  different.push_back(of("a"));
  different.push_back(of(1));
  different.push_back(of(true));
  different.push_back(of(false));
  different.push_back(builder().append_date_ms("_id", 1).finish());
  different.push_back(of(timestamp{.seconds = 0, .increment = 1}));
  different.push_back(builder().append_null("_id").finish());
  different.push_back(of(binary_view{0, {}}));
  different.push_back(of(binary_view{4, {}}));
  for (std::size_t i = 0; i < different.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      EXPECT_NE(key_of(different[i]), key_of(different[j]))
          << to_json(different[i]) << " and " << to_json(different[j]);
    }
  }
}

// Each field and each end must be told apart from any value's bytes: here a number spells the rest of another document.
TEST(bson_id_key, parts_do_not_run_into_each_other) {
  const document inside = of(builder().append("a", builder().append("", 0x0800666564636261).finish()).finish());
  const document beside = of(builder()
                                 .append("a", document())
                                 .append("\x12"
                                         "abcdef",
                                         false)
                                 .finish());
  EXPECT_NE(key_of(inside), key_of(beside));
}

TEST(bson_id_key, the_name_of_the_field_does_not_count) {
  EXPECT_EQ(id_key(only(builder().append("_id", 5).finish())), id_key(only(builder().append("other", 5).finish())));
  EXPECT_EQ(id_key(element_view()), "");
}

TEST(bson_id_key, equal_exactly_for_equal_numbers) {
  random_documents random(new_seed());
  random_numbers numbers(random);
  int equal = 0;
  for (int i = 0; i < 6000; ++i) {
    const document a = numbers.next();
    const document b = random.chance(2) ? numbers.same_value_otherwise(a) : numbers.next();
    const bool same = exact_value(only(a)) == exact_value(only(b));
    equal += same;
    ASSERT_EQ(key_of(a) == key_of(b), same)
        << to_json(a, json_mode::canonical) << " and " << to_json(b, json_mode::canonical);
  }
  EXPECT_GT(equal, 500);
}

/// Small documents over few keys and few values, so that equal ones come up often, in every notation of numbers.
class small_ids {
 public:
  explicit small_ids(random_documents& random) : random_(random) {}

  document next() {
    builder out;
    append(out, "_id", 3);
    return out.finish();
  }

 private:
  void append(builder& out, std::string_view key, int depth) {
    static constexpr std::string_view keys[] = {"a", "b", ""};
    const std::string name(key);
    switch (random_.below(depth > 0 ? 10 : 7)) {
      case 0:
        out.append(name, static_cast<std::int32_t>(random_.below(2)));
        break;
      case 1:
        out.append(name, static_cast<std::int64_t>(random_.below(2)));
        break;
      case 2:
        out.append(name, static_cast<double>(random_.below(3)) / 2);
        break;
      case 3: {
        const int zeros = static_cast<int>(random_.below(3));
        const document number = decimal(false, random_.below(2) * 5 * power_of_ten(zeros), -zeros - 1);
        out.append(name, only(number));
        break;
      }
      case 4:
        out.append(name, random_.chance(2) ? "a" : "");
        break;
      case 5:
        out.append(name, random_.chance(2));
        break;
      case 6:
        out.append_null(name);
        break;
      case 7:
        out.open_array(name);
        for (std::uint64_t i = random_.below(3); i > 0; --i) append(out, out.next_index(), depth - 1);
        out.close();
        break;
      default:
        out.open_document(name);
        for (std::uint64_t i = random_.below(3); i > 0; --i) append(out, keys[random_.below(3)], depth - 1);
        out.close();
        break;
    }
  }

  random_documents& random_;
};

TEST(bson_id_key, equal_exactly_where_the_order_sees_no_difference) {
  random_documents random(new_seed());
  small_ids ids(random);
  std::size_t equal_not_same = 0;
  std::vector<document> documents;
  documents.reserve(900);
  for (int i = 0; i < 900; ++i) documents.push_back(ids.next());
  for (const document& a : documents) {
    for (const document& b : documents) {
      const bool equivalent = compare_values(only(a), only(b)) == 0;
      ASSERT_EQ(key_of(a) == key_of(b), equivalent)
          << to_json(a, json_mode::canonical) << " and " << to_json(b, json_mode::canonical);
      equal_not_same += equivalent && !same_bytes(a, b);
    }
  }
  EXPECT_GT(equal_not_same, 1000u);
}

TEST(bson_id_key, equal_exactly_where_the_order_sees_no_difference_for_every_type) {
  random_documents random(new_seed());
  std::vector<std::vector<std::byte>> bytes;
  bytes.reserve(200);
  for (int i = 0; i < 200; ++i) bytes.push_back(random.document(2));
  std::vector<element_view> values;
  for (const auto& one : bytes) {
    for (const element_view value : document_view(one.data())) values.push_back(value);
  }
  for (const element_view a : values) {
    for (const element_view b : values) {
      ASSERT_EQ(id_key(a) == id_key(b), compare_values(a, b) == 0)
          << value_to_json(a, json_mode::canonical) << " and " << value_to_json(b, json_mode::canonical);
    }
  }
}

TEST(bson_id_key, holds_string_looks_everywhere) {
  EXPECT_TRUE(holds_string(only(of("a"))));
  EXPECT_TRUE(holds_string(only(in_document("a", of("")))));
  EXPECT_TRUE(holds_string(only(in_document("a", in_array(of("x"))))));
  EXPECT_FALSE(holds_string(only(of(1))));
  EXPECT_FALSE(holds_string(only(in_document("key", in_array(of(object_id{}))))));
  EXPECT_FALSE(holds_string(element_view()));
  // A symbol, and a string in the scope of code: collations may reach both.
  const auto first = [](std::string_view hex) {
    const auto bytes = from_hex(hex);
    EXPECT_FALSE(validate(bytes));
    return holds_string(*document_view(bytes.data()).begin());
  };
  EXPECT_TRUE(first("0D0000000E0002000000610000"));
  EXPECT_TRUE(first("1F0000000F00180000000200000061000E0000000273000200000078000000"));
  EXPECT_FALSE(first("1D0000000F00160000000200000061000C000000107300010000000000"));
}

}  // namespace
}  // namespace sluice::bson::test
