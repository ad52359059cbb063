// Partitions: cut evenly, stored and read back, compared by the records at which they end.
#include "engine/plan/partition.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "engine/plan/partitioner.hpp"
#include "engine/runtime/limits.hpp"

namespace sluice::plan {
namespace {

bson::document token(std::int64_t record) {
  bson::builder out;
  out.append("$recordId", record);
  return out.finish();
}

bson::document token(const std::string& key) {
  bson::builder out;
  out.append("$recordId", bson::binary_view{0, std::as_bytes(std::span(key))});
  return out.finish();
}

bson::document id(std::int64_t value) {
  bson::builder out;
  out.append("_id", value);
  return out.finish();
}

TEST(partition, survives_the_checkpoint_with_every_field) {
  partition p;
  p.id = "db.a.b#3";
  p.ns = {"db", "a.b"};
  p.data_ns = {"db", "system.buckets.a.b"};
  p.renamed_to = {"other", "system.buckets.c"};
  p.filter = id(6);
  p.uuid = std::vector<std::byte>(16, std::byte{7});
  p.kind = cluster::collection_kind::timeseries;
  p.number = 3;
  p.of = 8;
  p.after = token(100);
  p.until = token(900);
  p.until_id = id(5);
  p.records_max = 800;
  p.node = {"::1", 27018};
  p.data_identity = "abc";
  p.documents_estimate = 11;
  p.bytes_estimate = 12;
  p.batch_documents = 13;
  const auto read = partition_from(to_document(p));
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(to_document(read.value()).bytes().size(), to_document(p).bytes().size());
  EXPECT_TRUE(std::ranges::equal(to_document(read.value()).bytes(), to_document(p).bytes()));
  EXPECT_EQ(read.value().uuid, p.uuid);
  EXPECT_EQ(read.value().node, p.node);
  EXPECT_EQ(read.value().data_ns, p.data_ns);
  EXPECT_EQ(read.value().destination().to_string(), "other.system.buckets.c");
  EXPECT_TRUE(std::ranges::equal(read.value().filter.bytes(), p.filter.bytes()));
  p.renamed_to.reset();
  EXPECT_EQ(partition_from(to_document(p)).value().destination(), p.data_ns);
}

TEST(partition, a_checkpoint_of_something_else_is_refused) {
  bson::builder out;
  out.append("_id", "x").append("order", "sideways");
  EXPECT_TRUE(partition_from(out.finish()).has_error());
}

TEST(partition, tokens_order_by_number_or_by_key_bytes) {
  EXPECT_TRUE(reaches(token(5), token(5)));
  EXPECT_TRUE(reaches(token(6), token(5)));
  EXPECT_FALSE(reaches(token(4), token(5)));
  EXPECT_TRUE(reaches(token(std::string("b")), token(std::string("aaaa"))));  // bytes before length
  EXPECT_FALSE(reaches(token(std::string("a")), token(std::string("aa"))));
}

TEST(partition, batches_hold_about_the_target_and_never_too_many_documents) {
  EXPECT_EQ(batch_documents_for(10), limits::batch_documents_max);
  EXPECT_EQ(batch_documents_for(0), limits::batch_documents_max);
  EXPECT_EQ(batch_documents_for(16'000'000), 1);
  const auto middle = batch_documents_for(4096);
  EXPECT_NEAR(static_cast<double>(middle) * 4096, static_cast<double>(limits::batch_bytes_target), 4096);
  EXPECT_EQ(batch_documents_for(4096, limits::batch_bytes_target_far), 4 * middle);
}

TEST(partition, a_destination_far_away_gets_larger_batches) {
  using namespace std::chrono_literals;
  EXPECT_EQ(batch_bytes_for(1ms), limits::batch_bytes_target);
  EXPECT_EQ(batch_bytes_for(2ms), limits::batch_bytes_target);
  EXPECT_EQ(batch_bytes_for(3ms), limits::batch_bytes_target_far);
}

TEST(partitioner, boundaries_are_even_ascending_and_distinct) {
  std::vector<record_sample> samples;
  for (std::int64_t i = 100; i > 0; --i) {
    samples.push_back({token(i * 10), id(i)});
    samples.push_back({token(i * 10), id(i)});  // $sample may give a document twice
  }
  const auto chosen = choose_boundaries(samples, 4);
  ASSERT_EQ(chosen.size(), 3U);
  EXPECT_EQ(chosen[0].token.view().find("$recordId").to_int64(), 260);
  EXPECT_EQ(chosen[1].token.view().find("$recordId").to_int64(), 510);
  EXPECT_EQ(chosen[2].token.view().find("$recordId").to_int64(), 760);
  EXPECT_EQ(chosen[0].id.view().find("_id").to_int64(), 26);
}

TEST(partitioner, few_samples_make_few_partitions) {
  std::vector<record_sample> one;
  one.push_back({token(7), id(7)});
  EXPECT_EQ(choose_boundaries(one, 10).size(), 1U);
  EXPECT_TRUE(choose_boundaries({}, 10).empty());
}

TEST(partitioner, every_worker_gets_several_partitions_within_bounds) {
  EXPECT_EQ(partition_bytes_for(0, 4), limits::partition_bytes_min);
  EXPECT_EQ(partition_bytes_for(std::int64_t{1} << 42, 4), limits::partition_bytes_target);
  const auto gigabytes = partition_bytes_for(std::int64_t{3} << 30, 4);
  EXPECT_EQ(gigabytes, (std::size_t{3} << 30) / 16);
}

}  // namespace
}  // namespace sluice::plan
