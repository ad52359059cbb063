// What of a source is migrated, to which names, sharded by what.
#include "engine/cluster/migration_scope.hpp"

#include <utility>

#include <gtest/gtest.h>

#include "engine/cluster/catalog.hpp"
#include "tests/unit/cluster/fixture.hpp"

namespace sluice::cluster {
namespace {

using testing::json;
using testing::text;

catalog of(std::vector<namespace_name> names) {
  catalog all;
  for (auto& ns : names) {
    all.collections.emplace_back();
    all.collections.back().ns = std::move(ns);
  }
  return all;
}

TEST(narrow, gives_collections_the_keys_that_were_chosen) {
  auto all = of({{"blog", "orders"}, {"shop", "orders"}, {"shop", "orders.old"}});
  migration_scope scope;
  scope.sharding.entries.push_back({{"shop", "orders"}, json(R"({"customer": 1, "_id": "hashed"})")});
  scope.sharding.entries.push_back({{"shop", "gone"}, json(R"({"a": 1})")});
  const auto narrowed = narrow(all, scope);
  ASSERT_TRUE(narrowed) << narrowed.error().message;
  EXPECT_TRUE(all.collections[0].shard_key.view().empty());
  EXPECT_EQ(text(all.collections[1].shard_key), text(R"({"customer": 1, "_id": "hashed"})"));
  EXPECT_TRUE(all.collections[2].shard_key.view().empty());
}

TEST(narrow, names_of_keys_are_those_of_the_source) {
  auto all = of({{"shop", "orders"}, {"store", "orders"}});
  migration_scope scope;
  auto names = namespace_map::of({{"shop", "market"}});
  ASSERT_TRUE(names) << names.error().message;
  scope.names = std::move(names).value();
  scope.sharding.entries.push_back({{"shop", "orders"}, json(R"({"a": 1})")});
  scope.sharding.entries.push_back({{"market", "orders"}, json(R"({"b": 1})")});
  const auto narrowed = narrow(all, scope);
  ASSERT_TRUE(narrowed) << narrowed.error().message;
  EXPECT_EQ(all.collections[0].destination_ns().to_string(), "market.orders");
  EXPECT_EQ(text(all.collections[0].shard_key), text(R"({"a": 1})"));
  EXPECT_TRUE(all.collections[1].shard_key.view().empty());
}

// Of a sharded source they were read before, and nothing is chosen.
TEST(narrow, leaves_keys_that_nobody_chose) {
  auto all = of({{"shop", "orders"}});
  all.collections[0].shard_key = json(R"({"a": 1})");
  ASSERT_TRUE(narrow(all, {}));
  EXPECT_EQ(text(all.collections[0].shard_key), text(R"({"a": 1})"));
}

}  // namespace
}  // namespace sluice::cluster
