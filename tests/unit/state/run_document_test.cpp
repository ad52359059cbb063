// What a stored run says, and the differences that make it another one.
#include "engine/state/run_document.hpp"

#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

namespace sluice::state {
namespace {

run_parameters ours() {
  run_parameters mine{.source_identity = "a", .source_name = "A", .destination_identity = "b", .destination_name = "B"};
  mine.include = {"shop"};
  mine.exclude = {"shop.tmp"};
  mine.mode = "sync";
  mine.build_indexes = "afterDataCopy";
  mine.capture = "oplog";
  return mine;
}

std::string message_of(const result<opened_run>& read) {
  return read ? "taken" : read.error().message;
}

bson::document without(bson::document_view from, std::initializer_list<std::string_view> keys) {
  bson::builder rest;
  for (const auto field : from) {
    if (std::ranges::find(keys, field.key()) == keys.end()) rest.append(field);
  }
  return rest.finish();
}

bson::document with(bson::document_view from, std::string_view key, std::string_view value) {
  bson::builder changed;
  changed.append_all(without(from, {key})).append(key, value);
  return changed.finish();
}

TEST(run_document, a_new_run_is_its_own) {
  const auto read = read_run(new_run(ours()), ours());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value().phase, run_phase::planning);
  EXPECT_EQ(read.value().wish, "run");
  EXPECT_EQ(read.value().confirmed_flush, 0);
  EXPECT_TRUE(read.value().facts.view().empty());
}

TEST(run_document, every_difference_is_named) {
  struct difference {
    std::function<void(run_parameters&)> change;
    std::string says;
  };
  const std::vector<difference> all{
      {[](run_parameters& p) { p.source_identity = "x", p.source_name = "X"; }, "the source was A and is X"},
      {[](run_parameters& p) { p.destination_identity = "x", p.destination_name = "X"; },
       "the destination was B and is X"},
      {[](run_parameters& p) { p.include.clear(); }, "--include was shop and is (none)"},
      {[](run_parameters& p) {
         p.exclude = {"a", "b"};
       },
       "--exclude was shop.tmp and is a, b"},
      {[](run_parameters& p) {
         p.remaps = {"a", "b", "c", "d"};
       },
       "--remap was (none) and is a to b, c to d"},
      {[](run_parameters& p) {
         bson::builder filter;
         filter.append("field", "tenant");
         p.document_filter = filter.finish();
       },
       "the document filter was (none) and is {\"field\": \"tenant\"}"},
      {[](run_parameters& p) {
         bson::builder sharding;
         sharding.open_array("shardingEntries").close();
         p.sharding = sharding.finish();
       },
       "the sharding was (none) and is {\"shardingEntries\": []}"},
      {[](run_parameters& p) { p.beside_others = true; }, "preExistingDestinationData was false and is true"},
      {[](run_parameters& p) { p.mode = "copy"; }, "the mode was sync and is copy"},
      {[](run_parameters& p) { p.build_indexes = "never"; }, "buildIndexes was afterDataCopy and is never"},
      {[](run_parameters& p) { p.capture = "changeStream"; },
       "the way of capturing changes was oplog and is changeStream"},
  };
  for (const auto& one : all) {
    run_parameters other = ours();
    one.change(other);
    const auto read = read_run(new_run(ours()), other);
    ASSERT_FALSE(read) << one.says;
    EXPECT_EQ(read.error().kind, error_kind::refused);
    EXPECT_NE(read.error().message.find(one.says), std::string::npos) << read.error().message;
  }
}

TEST(run_document, an_old_document_is_a_copy) {
  run_parameters copy = ours();
  copy.mode = "copy";
  const auto old = without(new_run(copy), {"mode", "buildIndexes", "capture", "leftovers"});
  EXPECT_TRUE(read_run(old, copy)) << message_of(read_run(old, copy));
  EXPECT_NE(message_of(read_run(old, ours())).find("the mode was copy and is sync"), std::string::npos);
}

TEST(run_document, an_old_document_says_nothing_of_shard_keys) {
  const auto old = without(new_run(ours()), {"sharding"});
  EXPECT_TRUE(read_run(old, ours())) << message_of(read_run(old, ours()));
  run_parameters sharded = ours();
  bson::builder sharding;
  sharding.open_array("shardingEntries").close();
  sharded.sharding = sharding.finish();
  EXPECT_NE(message_of(read_run(old, sharded)).find("the sharding was (none)"), std::string::npos);
  EXPECT_TRUE(read_run(new_run(sharded), sharded)) << message_of(read_run(new_run(sharded), sharded));
  EXPECT_NE(
      message_of(read_run(new_run(sharded), ours())).find("the sharding was {\"shardingEntries\": []} and is (none)"),
      std::string::npos);
}

TEST(run_document, every_phase_and_wish_comes_back) {
  for (const auto phase : {run_phase::planning, run_phase::copying, run_phase::indexing, run_phase::applying,
                           run_phase::committing, run_phase::committed, run_phase::completed}) {
    const auto read = read_run(with(new_run(ours()), "phase", to_string(phase)), ours());
    ASSERT_TRUE(read) << to_string(phase);
    EXPECT_EQ(read.value().phase, phase);
  }
  for (const char* wish : {"run", "pause", "commit"}) {
    const auto read = read_run(with(new_run(ours()), "wish", wish), ours());
    ASSERT_TRUE(read) << wish;
    EXPECT_EQ(read.value().wish, wish);
  }
}

TEST(run_document, what_makes_no_sense_is_refused) {
  EXPECT_NE(message_of(read_run(with(new_run(ours()), "phase", "resting"), ours())).find("unknown phase"),
            std::string::npos);
  EXPECT_NE(message_of(read_run(with(new_run(ours()), "wish", "sleep"), ours())).find("unknown wish"),
            std::string::npos);
  EXPECT_NE(message_of(read_run(with(new_run(ours()), "version", "2"), ours())).find("format"), std::string::npos);
}

}  // namespace
}  // namespace sluice::state
