// Arrays of documents as bytes: walked, cut and sliced; lies in them are faults, never read past.
#include "bson/raw_array.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "bson/document.hpp"
#include "bson/extended_json.hpp"
#include "bson/validate.hpp"
#include "random_document.hpp"

namespace sluice::bson::test {
namespace {

std::vector<std::byte> array_of(int documents) {
  builder out;
  for (int i = 0; i < documents; ++i) out.push(builder().append("x", "text").append("_id", i).finish());
  const document done = out.finish();
  return {done.bytes().begin(), done.bytes().end()};
}

TEST(bson_raw_array, gives_its_documents_in_order) {
  const auto array = array_of(12);
  raw_array_walk walk(array);
  int next = 0;
  while (const auto document = walk.next()) EXPECT_EQ(find_id(*document).as_int32(), next++);
  EXPECT_EQ(next, 12);
  EXPECT_EQ(walk.count(), 12u);
  EXPECT_FALSE(walk.fault());
  EXPECT_EQ(find_id(*document_at(array, 7)).as_int32(), 7);
  EXPECT_FALSE(document_at(array, 12));
}

TEST(bson_raw_array, is_cut_and_sliced_into_sound_arrays) {
  auto array = array_of(12);
  const auto part = slice(array, 9, 12);
  ASSERT_TRUE(part);
  ASSERT_FALSE(validate(*part));
  EXPECT_EQ(array_to_json(document_view(part->data())),
            R"([{"x": "text", "_id": 9}, {"x": "text", "_id": 10}, {"x": "text", "_id": 11}])");
  EXPECT_EQ(to_json(document_view(part->data())).find(R"({"0": )"), 0u);

  raw_array_walk walk(array);
  (void)walk.next();
  const auto shortened = cut_at(array, walk.offset());
  ASSERT_FALSE(validate(shortened));
  EXPECT_EQ(array_to_json(document_view(shortened.data())), R"([{"x": "text", "_id": 0}])");
}

TEST(bson_raw_array, notices_what_is_no_document) {
  builder mixed;
  mixed.push(document()).push(5).push(document());
  const document done = mixed.finish();
  raw_array_walk walk(done.bytes());
  EXPECT_TRUE(walk.next());
  EXPECT_FALSE(walk.next());
  EXPECT_TRUE(walk.fault());
  EXPECT_FALSE(walk.next());
  EXPECT_FALSE(slice(done.bytes(), 0, 3));
}

TEST(bson_raw_array, knows_its_weight_beside_the_documents) {
  for (const int count : {0, 1, 9, 10, 11, 99, 100, 101, 1234}) {
    const auto array = array_of(count);
    std::size_t documents = 0;
    raw_array_walk walk(array);
    while (const auto document = walk.next()) documents += document->size();
    EXPECT_EQ(array_overhead_bytes(walk.count()), array.size() - documents) << count;
  }
}

TEST(bson_raw_array, survives_damage) {
  random_documents random(new_seed());
  const auto array = array_of(12);
  std::size_t faults = 0;
  for (int i = 0; i < 5000; ++i) {
    std::vector<std::byte> damaged(array);
    for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
      damaged[4 + random.below(damaged.size() - 5)] = static_cast<std::byte>(random.below(256));
    }
    ASSERT_TRUE(framed(damaged));
    raw_array_walk walk(damaged);
    while (const auto document = walk.next()) {
      ASSERT_TRUE(framed(*document));
      (void)find_id(*document);
    }
    faults += walk.fault();
  }
  EXPECT_GT(faults, 100u);
}

}  // namespace
}  // namespace sluice::bson::test
