#include "engine/assess/estimate.hpp"

#include <gtest/gtest.h>

#include "tests/unit/assess/judged.hpp"

namespace sluice::assess {
namespace {

using test::holds;

/// 100 GB in documents of a kilobyte, between servers of eight cores nearby.
estimate_facts a_hundred_gigabytes() {
  estimate_facts facts;
  facts.bytes = 100e9;
  facts.documents = 100e6;
  facts.read_bytes_per_second = 700e6;
  facts.destination_ping_ms = 0.5;
  facts.workers = 8;
  facts.source_cores = 8;
  facts.destination_cores = 8;
  return facts;
}

TEST(estimate, is_a_range_that_holds_its_middle) {
  const copy_estimate time = estimate(a_hundred_gigabytes());
  EXPECT_GT(time.seconds, 100);
  EXPECT_LT(time.seconds, 500);
  EXPECT_LT(time.seconds_min, time.seconds);
  EXPECT_GT(time.seconds_max, time.seconds);
  EXPECT_EQ(time.limited_by, "destination");
  EXPECT_EQ(time.index_seconds, 0);
}

TEST(estimate, what_was_measured_lies_in_the_range) {
  // docs/performance.md: a million documents, 861 MB, both servers on the same two cores: 10 to 12 s.
  estimate_facts facts;
  facts.bytes = 861e6;
  facts.documents = 1e6;
  facts.read_bytes_per_second = 650e6;
  facts.source_cores = facts.destination_cores = 2;
  facts.one_machine = true;
  const copy_estimate time = estimate(facts);
  EXPECT_LT(time.seconds_min, 10);
  EXPECT_GT(time.seconds_max, 12);
  EXPECT_NEAR(time.seconds, 11, 4);
}

TEST(estimate, names_what_limits) {
  estimate_facts facts = a_hundred_gigabytes();
  facts.read_bytes_per_second = 20e6;
  EXPECT_EQ(estimate(facts).limited_by, "source");
  facts = a_hundred_gigabytes();
  facts.destination_ping_ms = 200;
  EXPECT_EQ(estimate(facts).limited_by, "network");
  EXPECT_GT(estimate(facts).seconds, estimate(a_hundred_gigabytes()).seconds);
}

TEST(estimate, indexes_add_their_share) {
  estimate_facts facts = a_hundred_gigabytes();
  facts.index_entries = 500e6;
  const copy_estimate time = estimate(facts);
  EXPECT_GT(time.index_seconds, 500);
  EXPECT_GT(time.seconds, estimate(a_hundred_gigabytes()).seconds + 500);
  const findings found = judge_estimate(time, facts);
  EXPECT_EQ(found.at(0).how, level::fine);
  EXPECT_TRUE(holds(found[0].what, "of which indexes take")) << found[0].what;
  EXPECT_TRUE(holds(found[0].what, "sluice bench measures it"));
}

TEST(estimate, many_collections_take_their_time_without_any_data) {
  // docs/performance.md: 20,000 without documents in 124 s.
  estimate_facts facts;
  facts.collections = 20'000;
  const copy_estimate time = estimate(facts);
  EXPECT_LT(time.seconds_min, 124);
  EXPECT_GT(time.seconds_max, 124);
}

TEST(estimate, of_a_document_filter_is_an_upper_bound) {
  estimate_facts facts = a_hundred_gigabytes();
  facts.chooses_documents = true;
  EXPECT_TRUE(holds(judge_estimate(estimate(facts), facts).at(0).what, "without the document filter 100 GB in"));
}

TEST(estimate, nothing_to_copy_takes_moments) {
  const copy_estimate time = estimate({});
  EXPECT_LT(time.seconds_max, 10);
  EXPECT_EQ(time.bytes_per_second, 0);
}

}  // namespace
}  // namespace sluice::assess
