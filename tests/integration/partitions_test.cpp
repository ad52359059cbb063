// Collections of a real server, cut into partitions.
#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "engine/plan/record_numbers.hpp"
#include "tests/integration/cluster_lane.hpp"

namespace sluice::plan {
namespace {

using cluster::testing::lane;

class partitions_of : public ::testing::Test {
 protected:
  static constexpr int documents = 20'000;
  static constexpr std::int32_t pieces = 10;

  void load(const std::string& collection) {
    const std::string filler(200, 'x');
    for (int n = 0; n < documents;) {
      std::vector<lab::document> some;
      for (const int end = n + 5000; n < end; ++n) {
        some.push_back(lab::document::json(R"({"_id": )" + std::to_string(n) + R"(, "s": ")" + filler + "\"}"));
      }
      server_.insert("d", collection.c_str(), some);
    }
  }
  /// Keeps one document in `n`.
  void thin_out(const std::string& collection, int n) {
    server_.run("d", R"({"delete": ")" + collection +
                         R"(", "deletes": [{"limit": 0, "q": {"_id": {"$not": {"$mod": [)" + std::to_string(n) +
                         ", 0]}}}}]}");
  }
  auto by_number(const std::string& collection) {
    return on_.must(boundaries_by_number(*node_, {"d", collection}, server_.count("d", collection.c_str()), pieces));
  }

  lab::replica_set set_{cluster::testing::set_of("src")};
  lab::client server_ = set_.connect();
  lane on_;
  std::unique_ptr<wire::connection> node_ = cluster::testing::open(on_, set_.uri());
};

TEST_F(partitions_of, hold_as_many_documents_each) {
  load("c");
  const auto all = on_.must(cluster::read_catalog(*node_, {}, true));
  ASSERT_EQ(all.collections.size(), 1U);
  partitioning how;
  how.node = node_->host();
  how.data_identity = "this";
  how.partition_bytes = static_cast<std::size_t>(all.collections.front().data_bytes) / pieces + 1;
  const auto cut_up = on_.must(cut(*node_, all.collections.front(), how, {.natural_resume = true}));
  ASSERT_EQ(cut_up.size(), static_cast<std::size_t>(pieces));
  const auto even = static_cast<double>(documents) / pieces;
  std::int64_t before_last = 0;
  for (std::size_t i = 0; i + 1 < cut_up.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(cut_up[i].records_max), even, 2) << cut_up[i].id;
    before_last += cut_up[i].records_max;
  }
  EXPECT_NEAR(static_cast<double>(documents - before_last), even, 20);
}

TEST_F(partitions_of, are_found_between_records_that_are_gone) {
  load("c");
  thin_out("c", 2);
  const auto boundaries = by_number("c");
  ASSERT_TRUE(boundaries);
  EXPECT_EQ(boundaries->size(), static_cast<std::size_t>(pieces - 1));
}

TEST_F(partitions_of, are_sampled_where_numbers_say_little) {
  load("c");
  thin_out("c", 4);
  EXPECT_FALSE(by_number("c"));
  server_.run("d", R"({"create": "clustered", "clusteredIndex": {"key": {"_id": 1}, "unique": true}})");
  load("clustered");
  EXPECT_FALSE(by_number("clustered"));
  server_.run("d", R"({"create": "empty"})");
  EXPECT_FALSE(by_number("empty"));
}

}  // namespace
}  // namespace sluice::plan
