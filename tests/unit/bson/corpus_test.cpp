// Every case of the specification's BSON corpus: valid ones are walked, printed and rebuilt, faulty ones are refused.
#include "corpus.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "bson/extended_json.hpp"
#include "bson/validate.hpp"
#include "rebuild.hpp"

namespace sluice::bson::test {
namespace {

bool same(bytes_view a, bytes_view b) {
  return std::ranges::equal(a, b);
}

TEST(bson_corpus, is_all_there) {
  EXPECT_EQ(the_corpus().files, 31u);
  EXPECT_GT(the_corpus().valid.size(), 700u);
  EXPECT_GT(the_corpus().decode_errors.size(), 60u);
}

TEST(bson_corpus, valid_documents_are_accepted_and_rebuilt_byte_by_byte) {
  for (const valid_case& test : the_corpus().valid) {
    SCOPED_TRACE(test.name);
    const auto fault = validate(test.canonical_bson);
    ASSERT_FALSE(fault) << fault->reason << " at " << fault->offset;
    ASSERT_TRUE(framed(test.canonical_bson));
    EXPECT_TRUE(same(rebuild(document_view(test.canonical_bson.data())).bytes(), test.canonical_bson));
  }
}

TEST(bson_corpus, canonical_json_is_the_specified_one) {
  for (const valid_case& test : the_corpus().valid) {
    SCOPED_TRACE(test.name);
    const std::string json = to_json(document_view(test.canonical_bson.data()), json_mode::canonical);
    EXPECT_EQ(normalized(json), normalized(test.canonical_json)) << json;
  }
}

TEST(bson_corpus, relaxed_json_is_the_specified_one) {
  int compared = 0;
  for (const valid_case& test : the_corpus().valid) {
    if (!test.relaxed_json) continue;
    SCOPED_TRACE(test.name);
    ++compared;
    const std::string json = to_json(document_view(test.canonical_bson.data()), json_mode::relaxed);
    EXPECT_EQ(normalized(json), normalized(*test.relaxed_json)) << json;
  }
  EXPECT_GT(compared, 20);
}

// Degenerate documents are tolerated, print like their canonical form, and become it where the builder decides: in
// the keys of arrays. A regular expression's options are bytes to the builder; only printing sorts them.
TEST(bson_corpus, degenerate_documents_are_accepted_and_become_canonical) {
  int arrays = 0;
  for (const valid_case& test : the_corpus().valid) {
    if (!test.degenerate_bson) continue;
    SCOPED_TRACE(test.name);
    ASSERT_FALSE(validate(*test.degenerate_bson));
    const document_view degenerate(test.degenerate_bson->data());
    EXPECT_EQ(normalized(to_json(degenerate, json_mode::canonical)), normalized(test.canonical_json));
    const document rebuilt = rebuild(degenerate);
    if (test.type == "0x04") {
      ++arrays;
      EXPECT_TRUE(same(rebuilt.bytes(), test.canonical_bson));
    } else {
      EXPECT_TRUE(same(rebuilt.bytes(), *test.degenerate_bson));
    }
  }
  EXPECT_EQ(arrays, 3);
}

TEST(bson_corpus, faulty_documents_are_refused) {
  for (const decode_error& test : the_corpus().decode_errors) {
    SCOPED_TRACE(test.name);
    const auto fault = validate(test.bson);
    ASSERT_TRUE(fault);
    EXPECT_LE(fault->offset, test.bson.size());
    EXPECT_FALSE(fault->reason.empty());
  }
}

}  // namespace
}  // namespace sluice::bson::test
