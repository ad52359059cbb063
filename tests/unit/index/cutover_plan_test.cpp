// The commit's plan out of two catalogs, without any server.
#include "engine/index/cutover_plan.hpp"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/cluster/fixture.hpp"

namespace sluice::index {
namespace {

using cluster::collection_info;
using cluster::collection_kind;
using cluster::testing::json;

collection_info collection(std::string name, std::vector<std::string> indexes, std::string options = "{}",
                           collection_kind kind = collection_kind::plain) {
  collection_info info;
  info.ns = {"d", std::move(name)};
  info.kind = kind;
  info.options = json(options);
  for (const auto& text : indexes) {
    auto spec = json(text);
    info.indexes.push_back({std::string(spec.view().find("name").as_string().value()), spec});
  }
  return info;
}

/// "action index", one a step.
std::vector<std::string> steps(const cutover_plan& plan) {
  std::vector<std::string> words;
  for (const auto& step : plan.steps)
    words.push_back(std::string(to_string(step.action)) + (step.index.empty() ? "" : " " + step.index));
  return words;
}

cutover_plan planned(collection_info source, collection_info destination, cluster::index_policy policy = {}) {
  cluster::catalog a;
  cluster::catalog b;
  a.collections.push_back(std::move(source));
  b.collections.push_back(std::move(destination));
  return plan_cutover(a, b, policy);
}

using words = std::vector<std::string>;

const std::string plain_b = R"({"v": 2, "key": {"b": 1}, "name": "b"})";
const std::string unique_b = R"({"v": 2, "key": {"b": 1}, "name": "bu", "unique": true})";
const std::string weak_b = R"({"v": 2, "key": {"b": 1}, "name": "bu"})";

TEST(cutover_plan, equal_catalogs_need_nothing) {
  const auto one = collection("c", {plain_b, unique_b}, R"({"validator": {"a": 1}})");
  const auto plan = planned(one, one);
  EXPECT_TRUE(plan.steps.empty());
  EXPECT_TRUE(plan.obstacles.empty());
}

// Options in another order, numbers of another type, fields that old versions keep: the same index.
TEST(cutover_plan, the_same_in_other_words_is_the_same) {
  const auto plan = planned(
      collection("c", {R"({"v": 2, "key": {"a": 1.0}, "name": "a", "ns": "d.c", "background": true, "sparse": 1})"}),
      collection("c", {R"({"v": 2, "sparse": true, "key": {"a": 1}, "name": "a"})"}));
  EXPECT_EQ(steps(plan), words{});
}

TEST(cutover_plan, weakened_indexes_become_what_they_are) {
  const auto plan = planned(
      collection("c", {unique_b, R"({"v": 2, "key": {"t": 1}, "name": "t", "expireAfterSeconds": 5})",
                       R"({"v": 2, "key": {"h": 1}, "name": "h", "hidden": true})",
                       R"({"v": 2, "key": {"p": 1}, "name": "p", "prepareUnique": true})"}),
      collection("c", {weak_b, R"({"v": 2, "key": {"t": 1}, "name": "t", "expireAfterSeconds": 2147483647})",
                       R"({"v": 2, "key": {"h": 1}, "name": "h"})", R"({"v": 2, "key": {"p": 1}, "name": "p"})"}));
  EXPECT_EQ(steps(plan), (words{"convert_unique bu", "change_index h", "change_index p", "wake_ttl t"}));
  EXPECT_EQ(plan.steps.back().command.view().at("index", "expireAfterSeconds").to_int64(), 5);
}

TEST(cutover_plan, missing_indexes_are_built_weak_and_then_finished) {
  const auto plan =
      planned(collection("c", {R"({"v": 2, "key": {"a": 1}, "name": "a", "unique": true, "expireAfterSeconds": 5})"}),
              collection("c", {}));
  EXPECT_EQ(steps(plan), (words{"build_index a", "convert_unique a", "wake_ttl a"}));
  EXPECT_FALSE(plan.steps[0].command.view().find("unique"));
  EXPECT_EQ(plan.steps[0].command.view().find("expireAfterSeconds").to_int64(), cluster::index_asleep_seconds);
}

TEST(cutover_plan, a_unique_twin_is_built_beside_the_plain_one) {
  const auto source = collection("c", {plain_b, unique_b});
  auto plan = planned(source, collection("c", {plain_b}));
  ASSERT_EQ(steps(plan), (words{"build_late bu"}));
  EXPECT_TRUE(plan.steps[0].command.view().at("indexes", "0", "unique").as_bool().value());
  EXPECT_EQ(steps(planned(source, collection("c", {}))), (words{"build_index b", "build_late bu"}));
  // The other way round the plain one waits until the unique one is unique.
  plan = planned(source, collection("c", {weak_b}));
  ASSERT_EQ(steps(plan), (words{"convert_unique bu", "build_late b"}));
  EXPECT_FALSE(plan.steps[1].command.view().at("indexes", "0", "unique"));
}

TEST(cutover_plan, what_collmod_cannot_change_is_dropped_and_built) {
  EXPECT_EQ(steps(planned(collection("c", {weak_b}), collection("c", {unique_b}))),
            (words{"drop_index bu", "build_index bu"}));
  EXPECT_EQ(steps(planned(collection("c", {plain_b}), collection("c", {R"({"v": 2, "key": {"b": -1}, "name": "b"})"}))),
            (words{"drop_index b", "build_index b"}));
  EXPECT_EQ(steps(planned(collection("c", {plain_b}),
                          collection("c", {R"({"v": 2, "key": {"b": 1}, "name": "b", "expireAfterSeconds": 3})"}))),
            (words{"drop_index b", "build_index b"}));
  EXPECT_EQ(steps(planned(collection("c", {}), collection("c", {plain_b}))), words{"drop_index b"});
}

TEST(cutover_plan, the_index_of_a_shard_key_stays_though_the_source_has_none) {
  const std::string by_customer = R"({"v": 2, "key": {"customer": 1, "_id": "hashed"}, "name": "sharded"})";
  auto destination = collection("c", {by_customer, plain_b});
  EXPECT_EQ(steps(planned(collection("c", {plain_b}), destination)), words{"drop_index sharded"});
  destination.shard_key = json(R"({"customer": 1})");
  EXPECT_EQ(steps(planned(collection("c", {plain_b}), destination)), words{});
  EXPECT_EQ(steps(planned(collection("c", {}), destination)), words{"drop_index b"});
  // Only a key of the destination counts.
  auto source = collection("c", {plain_b});
  source.shard_key = json(R"({"customer": 1})");
  EXPECT_EQ(steps(planned(source, collection("c", {by_customer, plain_b}))), words{"drop_index sharded"});
}

TEST(cutover_plan, one_that_the_source_calls_otherwise_carries_the_shard_key_as_well) {
  auto destination = collection("c", {R"({"v": 2, "key": {"customer": 1}, "name": "customer_1"})"});
  destination.shard_key = json(R"({"customer": 1})");
  const std::string same = R"({"v": 2, "key": {"customer": 1}, "name": "by_customer"})";
  EXPECT_EQ(steps(planned(collection("c", {same}), destination)), words{});
  const std::string unique = R"({"v": 2, "key": {"customer": 1}, "name": "by_customer", "unique": true})";
  const auto plan = planned(collection("c", {unique}), destination);
  ASSERT_EQ(steps(plan), words{"convert_unique customer_1"});
  EXPECT_EQ(plan.steps[0].command.view().at("index", "name").as_string(), "customer_1");
  const std::string other = R"({"v": 2, "key": {"customer": 1}, "name": "by_customer", "sparse": true})";
  EXPECT_EQ(steps(planned(collection("c", {other}), destination)), words{"build_index by_customer"});
}

TEST(cutover_plan, what_cannot_carry_the_shard_key_is_dropped) {
  for (const char* index : {R"({"v": 2, "key": {"_id": 1, "customer": 1}, "name": "i"})",
                            R"({"v": 2, "key": {"customer": "hashed"}, "name": "i"})",
                            R"({"v": 2, "key": {"customer": 1}, "name": "i", "sparse": true})"}) {
    auto destination = collection("c", {index});
    destination.shard_key = json(R"({"customer": 1})");
    EXPECT_EQ(steps(planned(collection("c", {}), destination)), words{"drop_index i"}) << index;
  }
}

TEST(cutover_plan, policies_leave_indexes_alone) {
  const std::string hashed = R"({"v": 2, "key": {"h": "hashed"}, "name": "h"})";
  const auto source = collection("c", {plain_b, hashed});
  EXPECT_EQ(steps(planned(source, collection("c", {}), {.never = true})), words{});
  EXPECT_EQ(steps(planned(collection("c", {}), source, {.never = true})), words{});
  EXPECT_EQ(steps(planned(source, collection("c", {}), {.exclude_hashed = true})), words{"build_index b"});
  EXPECT_EQ(steps(planned(source, collection("c", {}))), (words{"build_index b", "build_index h"}));
}

TEST(cutover_plan, bounds_and_expiry_come_back) {
  const auto bounds = [](std::string source, std::string destination) {
    return planned(collection("c", {}, std::move(source), collection_kind::capped),
                   collection("c", {}, std::move(destination), collection_kind::capped));
  };
  const auto plan =
      bounds(R"({"capped": true, "size": 5000, "max": 7})", R"({"capped": true, "size": 1125899906842624})");
  ASSERT_EQ(steps(plan), words{"restore_capped"});
  EXPECT_EQ(plan.steps[0].command.view().find("cappedSize").to_int64(), 5000);
  EXPECT_EQ(plan.steps[0].command.view().find("cappedMax").to_int64(), 7);
  EXPECT_TRUE(bounds(R"({"capped": true, "size": 5000, "max": 0})", R"({"capped": true, "size": 5120})").steps.empty());
  EXPECT_TRUE(
      bounds(R"({"capped": true, "size": 512})", R"({"capped": true, "size": 512, "max": 2147483647})").steps.empty());

  for (const auto kind : {collection_kind::clustered, collection_kind::timeseries}) {
    EXPECT_EQ(
        steps(planned(collection("c", {}, R"({"expireAfterSeconds": 9})", kind), collection("c", {}, "{}", kind))),
        words{"wake_ttl"});
    const auto off =
        planned(collection("c", {}, "{}", kind), collection("c", {}, R"({"expireAfterSeconds": 9})", kind));
    ASSERT_EQ(steps(off), words{"wake_ttl"});
    EXPECT_EQ(off.steps[0].command.view().find("expireAfterSeconds").as_string(), "off");
  }
}

TEST(cutover_plan, options_that_differ_are_changed) {
  auto plan = planned(collection("c", {}, R"({"validator": {"a": 1}, "validationLevel": "moderate"})"),
                      collection("c", {}, R"({"validator": {"a": 2}, "validationAction": "warn"})"));
  ASSERT_EQ(steps(plan), words{"change_options"});
  EXPECT_EQ(cluster::testing::text(plan.steps[0].command),
            cluster::testing::text(R"({"collMod": "c", "validator": {"a": 1}, "validationLevel": "moderate",
                "validationAction": "error"})"));
  // What is not said is the default.
  EXPECT_TRUE(planned(collection("c", {}), collection("c", {}, R"({"validationLevel": "strict",
      "validationAction": "error"})"))
                  .steps.empty());
  plan = planned(collection("c", {}, R"({"recordPreImages": true})"), collection("c", {}));
  ASSERT_EQ(steps(plan), words{"change_options"});
  EXPECT_TRUE(plan.steps[0].command.view().at("changeStreamPreAndPostImages", "enabled").as_bool().value());
}

TEST(cutover_plan, views_are_dropped_before_any_is_made) {
  const auto view = [](const char* name, const char* on) {
    return collection(name, {}, std::string(R"({"viewOn": ")") + on + R"(", "pipeline": []})", collection_kind::view);
  };
  cluster::catalog source;
  source.collections = {view("a", "x"), view("b", "a"), view("new", "x"), view("same", "x")};
  cluster::catalog destination;
  destination.collections = {view("a", "b"), view("b", "x"), view("old", "x"), view("same", "x")};
  EXPECT_EQ(steps(plan_cutover(source, destination, {})),
            (words{"drop_view", "drop_view", "drop_view", "create_view", "create_view", "create_view"}));
}

TEST(cutover_plan, what_cannot_be_repaired_is_named) {
  cluster::catalog source;
  source.collections = {collection("collated", {}, R"({"collation": {"locale": "fr"}})"),
                        collection("kind", {}, "{}", collection_kind::capped), collection("missing", {})};
  cluster::catalog destination;
  destination.collections = {collection("collated", {}), collection("extra", {}), collection("kind", {})};
  const auto plan = plan_cutover(source, destination, {});
  ASSERT_EQ(plan.obstacles.size(), 4u);
  for (std::size_t i = 0; const auto* name : {"d.collated", "d.kind", "d.missing", "d.extra"})
    EXPECT_TRUE(plan.obstacles[i++].starts_with(name)) << plan.obstacles[i - 1];
}

// Whatever order a crash leaves behind: a plan is never made for what is done already.
TEST(cutover_plan, a_crash_between_prepared_and_unique_goes_on) {
  const auto prepared = R"({"v": 2, "key": {"b": 1}, "name": "bu", "prepareUnique": true})";
  EXPECT_EQ(steps(planned(collection("c", {unique_b}), collection("c", {prepared}))), words{"convert_unique bu"});
  EXPECT_EQ(steps(planned(collection("c", {weak_b}), collection("c", {prepared}))), words{"change_index bu"});
}

}  // namespace
}  // namespace sluice::index
