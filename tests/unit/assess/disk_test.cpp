#include "engine/assess/disk.hpp"

#include <gtest/gtest.h>

#include "tests/unit/assess/judged.hpp"

namespace sluice::assess {
namespace {

using test::expect_advice;
using test::holds;

disk_facts some(double free_bytes) {
  disk_facts facts;
  facts.there = {.free_bytes = free_bytes, .oplog_bytes = 10e9, .oplog_bytes_max = 50e9};
  facts.to_store = cluster::stored_sizes{.data_bytes = 100e9, .index_bytes = 20e9};
  return facts;
}

TEST(judge_disk, a_margin_is_wanted_and_less_than_needed_fails) {
  EXPECT_EQ(judge_disk(some(200e9)).at(0).how, level::fine);
  EXPECT_EQ(judge_disk(some(199e9)).at(0).how, level::warning);
  EXPECT_EQ(judge_disk(some(160e9)).at(0).how, level::warning);
  const findings found = judge_disk(some(159e9));
  EXPECT_EQ(found.at(0).how, level::failure);
  EXPECT_TRUE(holds(found[0].what, "has 159 GB free; data 100 GB + indexes 20 GB")) << found[0].what;
  EXPECT_TRUE(holds(found[0].advice, "at least 200 GB")) << found[0].advice;
  expect_advice(found);
}

TEST(judge_disk, what_is_not_known_is_said) {
  disk_facts facts = some(0);
  facts.there.free_bytes.reset();
  EXPECT_EQ(judge_disk(facts).at(0).how, level::warning);
  facts = some(5e9);
  facts.to_store.reset();
  EXPECT_EQ(judge_disk(facts).at(0).how, level::warning);
  facts = some(500e9);
  facts.problem = "not authorized";
  EXPECT_TRUE(holds(judge_disk(facts).at(0).what, "not authorized"));
}

}  // namespace
}  // namespace sluice::assess
