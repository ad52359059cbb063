#include "engine/capture/entry_filter.hpp"

#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "bson/document.hpp"

namespace sluice::capture {
namespace {

cluster::namespace_filter taking(std::vector<std::string> include, std::vector<std::string> exclude = {}) {
  return cluster::parse_filter(include, exclude).value();
}

/// {op, ns, o, o2, ts, t}, as 6.0 orders them.
bson::document entry_of(std::string_view op, std::string_view ns, const bson::document& o,
                        const bson::document& o2 = {}) {
  bson::builder made;
  made.append("lsid", bson::document()).append("op", op).append("ns", ns).append("o", o);
  if (!o2.view().empty()) made.append("o2", o2);
  made.append("ts", bson::timestamp{1700000000, 7}).append("t", std::int64_t{4});
  made.append("v", std::int64_t{2}).append_date_ms("wall", 1700000000000);
  return made.finish();
}
template <class Value>
bson::document with(std::string_view key, Value value) {
  bson::builder made;
  made.append(key, value);
  return made.finish();
}
bson::document rename_of(std::string_view from, std::string_view to) {
  bson::builder made;
  made.append("renameCollection", from).append("to", to).append("stayTemp", false);
  return made.finish();
}

bool wants(entry_filter& filter, const bson::document& entry) {
  const auto verdict = filter.judge(entry.bytes());
  if (!verdict) {
    ADD_FAILURE() << verdict.error().message;
    return false;
  }
  EXPECT_EQ(verdict.value().at, (wire::optime{{1700000000, 7}, 4}));
  EXPECT_EQ(verdict.value().at.term, 4);
  return verdict.value().wanted;
}
bool wants_data(entry_filter& filter, std::string_view ns) {
  const bool inserted = wants(filter, entry_of("i", ns, with("_id", 1)));
  EXPECT_EQ(wants(filter, entry_of("d", ns, with("_id", 1))), inserted);
  EXPECT_EQ(wants(filter, entry_of("u", ns, with("$v", 2), with("_id", 1))), inserted);
  return inserted;
}

TEST(entry_filter, takes_what_users_store) {
  entry_filter filter({});
  EXPECT_TRUE(wants_data(filter, "shop.orders"));
  EXPECT_TRUE(wants_data(filter, "shop.orders.with.dots"));
  EXPECT_TRUE(wants_data(filter, "shop.system.js"));
  EXPECT_TRUE(wants_data(filter, "shop.system.buckets.weather"));
  for (const auto* ns : {"admin.system.users", "admin.x", "config.transactions", "config.image_collection", "local.x",
                         "shop.system.profile", "shop.system.resharding.1"}) {
    EXPECT_FALSE(wants_data(filter, ns)) << ns;
  }
  EXPECT_FALSE(wants(filter, entry_of("n", "", with("msg", "periodic noop"))));
  EXPECT_FALSE(wants(filter, entry_of("n", "shop.orders", with("msg", "new primary"))));
}

TEST(entry_filter, heeds_include_and_exclude) {
  entry_filter filter(taking({"shop", "plain.one"}, {"shop.secret", "shop.measured"}));
  EXPECT_TRUE(wants_data(filter, "shop.orders"));
  EXPECT_TRUE(wants_data(filter, "plain.one"));
  EXPECT_FALSE(wants_data(filter, "plain.two"));
  EXPECT_FALSE(wants_data(filter, "shop.secret"));
  EXPECT_FALSE(wants_data(filter, "shop.system.buckets.measured")) << "the buckets of an excluded collection";
  EXPECT_TRUE(wants_data(filter, "shop.system.buckets.weather"));
  EXPECT_FALSE(wants_data(filter, "shopping.orders"));
}

TEST(entry_filter, judges_a_row_of_system_views_by_its_view) {
  entry_filter filter(taking({"shop.recent"}));
  const auto recent = with("_id", "shop.recent");
  const auto other = with("_id", "shop.other");
  EXPECT_TRUE(wants(filter, entry_of("i", "shop.system.views", recent)));
  EXPECT_TRUE(wants(filter, entry_of("d", "shop.system.views", recent)));
  EXPECT_TRUE(wants(filter, entry_of("u", "shop.system.views", with("$v", 2), recent)));
  EXPECT_FALSE(wants(filter, entry_of("i", "shop.system.views", other)));
  EXPECT_FALSE(wants(filter, entry_of("u", "shop.system.views", recent, other)));
  EXPECT_TRUE(wants(filter, entry_of("c", "shop.$cmd", with("drop", "system.views")))) << "all of them at once";
}

TEST(entry_filter, takes_commands_that_name_something_inside) {
  entry_filter filter(taking({"shop.orders", "whole"}));
  for (const auto* name : {"create", "drop", "collMod", "createIndexes", "commitIndexBuild", "dropIndexes"}) {
    EXPECT_TRUE(wants(filter, entry_of("c", "shop.$cmd", with(name, "orders")))) << name;
    EXPECT_FALSE(wants(filter, entry_of("c", "shop.$cmd", with(name, "others")))) << name;
    EXPECT_FALSE(wants(filter, entry_of("c", "config.$cmd", with(name, "orders")))) << name;
  }
  EXPECT_TRUE(wants(filter, entry_of("c", "shop.$cmd", rename_of("shop.orders", "shop.old"))));
  EXPECT_TRUE(wants(filter, entry_of("c", "shop.$cmd", rename_of("shop.tmp", "shop.orders"))));
  EXPECT_TRUE(wants(filter, entry_of("c", "tmp.$cmd", rename_of("tmp.x", "whole.y"))));
  EXPECT_FALSE(wants(filter, entry_of("c", "shop.$cmd", rename_of("shop.a", "shop.b"))));
  EXPECT_TRUE(wants(filter, entry_of("c", "shop.$cmd", with("dropDatabase", 1))));
  EXPECT_TRUE(wants(filter, entry_of("c", "whole.$cmd", with("dropDatabase", 1))));
  EXPECT_FALSE(wants(filter, entry_of("c", "other.$cmd", with("dropDatabase", 1))));
  EXPECT_FALSE(wants(filter, entry_of("c", "shop.$cmd", with("startIndexBuild", "orders"))));
  EXPECT_FALSE(wants(filter, entry_of("c", "shop.$cmd", with("abortIndexBuild", "orders"))));
}

TEST(entry_filter, takes_everything_of_transactions) {
  entry_filter filter(taking({"shop.orders"}));
  for (const auto* name : {"commitTransaction", "abortTransaction"}) {
    EXPECT_TRUE(wants(filter, entry_of("c", "admin.$cmd", with(name, 1)))) << name;
  }
  bson::builder ops;
  ops.open_array("applyOps").close();
  EXPECT_TRUE(wants(filter, entry_of("c", "admin.$cmd", ops.finish())));
  EXPECT_FALSE(wants(filter, entry_of("c", "admin.$cmd", with("create", "x"))));
}

TEST(entry_filter, hands_on_what_it_does_not_know_where_it_may_matter) {
  entry_filter filter(taking({"shop.orders"}));
  EXPECT_TRUE(wants(filter, entry_of("c", "shop.$cmd", with("importCollection", "shop.x"))));
  EXPECT_FALSE(wants(filter, entry_of("c", "other.$cmd", with("importCollection", "other.x"))));
  EXPECT_TRUE(wants(filter, entry_of("zz", "shop.orders", {})));
  EXPECT_FALSE(wants(filter, entry_of("zz", "other.orders", {})));
}

TEST(entry_filter, decides_again_when_it_remembers_too_much) {
  entry_filter filter(taking({}, {"shop.c7"}));
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 25'000; ++i) {
      const auto ns = "shop.c" + std::to_string(i);
      const auto verdict = filter.judge(entry_of("d", ns, with("_id", i)).bytes());
      ASSERT_TRUE(verdict);
      ASSERT_EQ(verdict.value().wanted, i != 7) << ns;
    }
  }
}

TEST(entry_filter, needs_what_every_entry_has) {
  entry_filter filter({});
  const auto refused = [&filter](bson::builder& made) {
    const auto entry = made.finish();
    const auto verdict = filter.judge(entry.bytes());
    return !verdict && verdict.error().kind == error_kind::protocol;
  };
  bson::builder no_time;
  no_time.append("op", "i").append("ns", "a.b").append("o", bson::document());
  EXPECT_TRUE(refused(no_time));
  bson::builder no_op;
  no_op.append("ns", "a.b").append("o", bson::document()).append("ts", bson::timestamp{1, 1});
  EXPECT_TRUE(refused(no_op));
  bson::builder no_document;
  no_document.append("op", "i").append("ns", "a.b").append("ts", bson::timestamp{1, 1});
  EXPECT_TRUE(refused(no_document));
}

// Bytes come from outside and are only framed: whatever they hold, the answer is a verdict or an error (sanitizers see
// the rest).
TEST(entry_filter, survives_damaged_bytes) {
  entry_filter filter(taking({"shop.recent", "shop.orders"}));
  std::mt19937 random(20231116);
  const std::vector<bson::document> sound{entry_of("i", "shop.system.views", with("_id", "shop.recent")),
                                          entry_of("c", "shop.$cmd", rename_of("shop.orders", "shop.old")),
                                          entry_of("u", "shop.orders", with("$v", 2), with("_id", 1))};
  int errors = 0;
  for (int round = 0; round < 60'000; ++round) {
    const auto& from = sound[static_cast<std::size_t>(round) % sound.size()].bytes();
    // Its own allocation, so that one byte too far is seen.
    std::vector<std::byte> bytes(from.begin(), from.end());
    for (auto hits = random() % 3 + 1; hits > 0; --hits) {
      const auto at = 4 + random() % (bytes.size() - 5);
      bytes[at] = static_cast<std::byte>(random() % 256);
    }
    if (!filter.judge(bytes)) ++errors;
  }
  EXPECT_GT(errors, 1000);
}

}  // namespace
}  // namespace sluice::capture
