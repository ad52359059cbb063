// The checkpoint on a real server: as many partitions as a very large cluster has are stored and read back.
#include "engine/state/checkpoint.hpp"

#include <chrono>
#include <memory>

#include <gtest/gtest.h>

#include "tests/integration/wire_lane.hpp"
#include "tests/lab/replica_set.hpp"

namespace sluice::state {
namespace {

TEST(checkpoint_on_a_server, keeps_more_partitions_than_one_batch_holds) {
  constexpr std::int64_t many = 25'000;
  lab::replica_set set;
  const auto uri = wire::parsed(set.uri());
  wire::lane here;
  runtime::cancel_scope scope;
  checkpoint under_test([&] { return wire::connection::open(uri, uri.hosts().front(), scope); }, scope);
  std::vector<bson::document> stored;
  for (std::int64_t i = 0; i < many; ++i) {
    bson::builder one;
    one.append("_id", "shop.orders#" + std::to_string(i)).append("number", i).append("rest", std::string(300, 'x'));
    stored.push_back(one.finish());
  }
  here.run([&]() -> task<void> {
    for (int round = 0; round < 2; ++round) {  // the second one replaces the first
      auto outcome = co_await under_test.store("partitions", stored);
      EXPECT_TRUE(outcome) << outcome.error().message;
    }
    auto loaded = co_await under_test.load("partitions");
    if (!loaded) throw std::runtime_error(loaded.error().message);
    std::int64_t sum = 0;
    for (const auto& one : loaded.value()) sum += one.view().find("number").to_int64().value_or(0);
    EXPECT_EQ(loaded.value().size(), static_cast<std::size_t>(many));
    EXPECT_EQ(sum, many * (many - 1) / 2);
  });
}

}  // namespace
}  // namespace sluice::state
