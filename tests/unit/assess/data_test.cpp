#include "engine/assess/data.hpp"

#include <random>

#include <gtest/gtest.h>

#include "tests/unit/assess/judged.hpp"

namespace sluice::assess {
namespace {

using test::expect_advice;
using test::holds;
using test::only;

template <class IdOf>
std::vector<sampled_record> sample(int size, IdOf id_of) {
  std::vector<sampled_record> records;
  for (int i = 0; i < size; ++i) {
    bson::builder id;
    id.append("_id", static_cast<std::int64_t>(id_of(i)));
    records.push_back({.record = 1000 + i, .id = id.finish()});
  }
  return records;
}

TEST(order_correlation, is_one_in_stored_order_and_minus_one_in_reverse) {
  EXPECT_EQ(order_correlation(sample(100, [](int i) { return i * i; })), 1);
  EXPECT_EQ(order_correlation(sample(100, [](int i) { return -i; })), -1);
  auto shuffled = sample(100, [](int i) { return i; });
  std::mt19937 random(3);
  std::shuffle(shuffled.begin(), shuffled.end(), random);
  EXPECT_EQ(order_correlation(shuffled), 1) << "in whatever order they were found";
}

TEST(order_correlation, is_small_for_random_ids) {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 random(seed);
    const auto correlation = order_correlation(sample(100, [&random](int) { return random(); }));
    ASSERT_TRUE(correlation);
    EXPECT_LT(std::abs(*correlation), correlation_random) << seed;
  }
}

TEST(order_correlation, nearly_in_order_is_in_order) {
  std::mt19937 random(7);
  const auto correlation =
      order_correlation(sample(100, [&random](int i) { return i * 10 + static_cast<int>(random() % 100); }));
  EXPECT_GT(*correlation, 0.9);
}

TEST(order_correlation, of_few_nothing_can_be_said) {
  EXPECT_FALSE(order_correlation(sample(9, [](int i) { return i; })));
}

data_facts random_ids() {
  data_facts facts;
  facts.looked_at = {{.ns = "shop.orders", .correlation = 0.02, .bytes = 1e9, .documents = 1e6},
                     {.ns = "shop.users", .correlation = -0.98, .bytes = 1e8, .documents = 1e5}};
  return facts;
}

TEST(judge_data, random_ids_cost_nothing_in_stored_order) {
  const findings found = judge_data(random_ids());
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].subject, "shop.orders");
  EXPECT_EQ(found[0].how, level::fine);
  EXPECT_TRUE(holds(found[0].what, "its _ids are random"));
  EXPECT_TRUE(holds(found[1].what, "_ids come in stored order: shop.users"));
}

TEST(judge_data, random_ids_are_a_warning_where_the_source_is_read_by_them) {
  data_facts facts = random_ids();
  facts.stored_order = false;
  EXPECT_EQ(judge_data(facts).at(0).how, level::warning);
  EXPECT_TRUE(holds(judge_data(facts)[0].advice, "backup"));
}

TEST(judge_data, random_ids_are_a_warning_where_their_index_outgrows_the_cache) {
  data_facts facts = random_ids();
  facts.destination_cache_bytes = 1e9;
  EXPECT_EQ(judge_data(facts).at(0).how, level::fine);
  facts.destination_cache_bytes = 3e7;
  EXPECT_EQ(judge_data(facts).at(0).how, level::warning);
  expect_advice(judge_data(facts));
}

TEST(judge_data, what_was_not_looked_at_is_not_told) {
  data_facts facts;
  EXPECT_TRUE(judge_data(facts).empty());
  facts.problem = "not authorized";
  EXPECT_EQ(only(judge_data(facts), "data.randomIds").how, level::warning);
}

}  // namespace
}  // namespace sluice::assess
