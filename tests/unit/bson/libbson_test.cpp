// libbson as a second opinion, on the corpus and on random documents.
#include <memory>

#include <bson/bson.h>
#include <gtest/gtest.h>

#include "bson/compare.hpp"
#include "bson/extended_json.hpp"
#include "bson/validate.hpp"
#include "corpus.hpp"
#include "random_document.hpp"
#include "rebuild.hpp"

namespace sluice::bson::test {
namespace {

class as_libbson {
 public:
  explicit as_libbson(bytes_view bytes)
      : opened_(bson_init_static(&bson_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size())) {}

  bool valid() const {
    const auto flags = static_cast<bson_validate_flags_t>(BSON_VALIDATE_UTF8 | BSON_VALIDATE_UTF8_ALLOW_NULL);
    return opened_ && bson_validate(&bson_, flags, nullptr);
  }
  std::string json(json_mode mode) const {
    std::size_t length = 0;
    const std::unique_ptr<char, decltype(&bson_free)> text(mode == json_mode::canonical
                                                               ? bson_as_canonical_extended_json(&bson_, &length)
                                                               : bson_as_relaxed_extended_json(&bson_, &length),
                                                           &bson_free);
    return text ? std::string(text.get(), length) : std::string();
  }

 private:
  bson_t bson_;
  bool opened_;
};

void expect_agreement(bytes_view bytes) {
  ASSERT_FALSE(validate(bytes));
  const as_libbson other(bytes);
  ASSERT_TRUE(other.valid());
  const document_view ours(bytes.data());
  for (const json_mode mode : {json_mode::canonical, json_mode::relaxed}) {
    const std::string json = to_json(ours, mode);
    std::string expected = other.json(mode);
    // libbson 1.23 goes on with dates past the year 9999; the specification does not (datetime.json, Y10K).
    if (mode == json_mode::relaxed && expected.find(R"("10000-01-01T00:00:00Z")") != std::string::npos) {
      expected = R"({"a": {"$date": {"$numberLong": "253402300800000"}}})";
    }
    ASSERT_FALSE(expected.empty());
    ASSERT_EQ(normalized(json), normalized(expected)) << json << "\n" << expected;
  }
}

TEST(bson_libbson, agrees_on_the_corpus) {
  for (const valid_case& test : the_corpus().valid) {
    SCOPED_TRACE(test.name);
    expect_agreement(test.canonical_bson);
  }
}

TEST(bson_libbson, agrees_on_random_documents) {
  random_documents random(new_seed());
  std::size_t bytes_seen = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::vector<std::byte> bytes = random.document();
    bytes_seen += bytes.size();
    ASSERT_NO_FATAL_FAILURE(expect_agreement(bytes));
    ASSERT_TRUE(same_bytes(rebuild(document_view(bytes.data())), document_view(bytes.data())));
  }
  EXPECT_GT(bytes_seen, 100'000u);
}

}  // namespace
}  // namespace sluice::bson::test
