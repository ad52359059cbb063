// Choices about namespaces that contradict each other are refused before anybody connects.
#include "engine/session/namespace_choice.hpp"

#include <gtest/gtest.h>

#include "engine/cluster/deployment.hpp"
#include "engine/session/sync_session.hpp"

namespace sluice::session {
namespace {

std::string complaint(const sync_settings& settings) {
  const auto chosen = choose_namespaces(settings);
  if (chosen) return "taken";
  EXPECT_EQ(chosen.error().kind, error_kind::configuration);
  return chosen.error().message;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(namespace_choice, takes_what_fits_together) {
  sync_settings settings;
  EXPECT_EQ(complaint(settings), "taken");
  settings.copy.include = {"a", "/^b/"};
  settings.copy.remaps = {{"a", "x"}};
  settings.block_writes = write_blocking::destination_only;
  EXPECT_EQ(complaint(settings), "taken");
  settings.block_writes.reset();
  settings.beside_others = true;
  EXPECT_EQ(complaint(settings), "taken");
  EXPECT_TRUE(choose_namespaces(settings).value().beside_others);
}

TEST(namespace_choice, names_what_is_wrong_with_a_rule) {
  sync_settings settings;
  settings.copy.include = {"a", "/(/"};
  EXPECT_TRUE(has(complaint(settings), "\"/(/\""));
  settings.copy.include = {};
  settings.copy.remaps = {{"a", "b"}, {"c", "b"}};
  EXPECT_TRUE(has(complaint(settings), "would both become b"));
}

TEST(namespace_choice, users_follow_databases_and_no_single_collections) {
  sync_settings settings;
  settings.copy.users = true;
  settings.copy.remaps = {{"a", "x"}};
  EXPECT_EQ(complaint(settings), "taken");
  settings.copy.remaps = {{"a", "x"}, {"b.c", "y.z"}};
  EXPECT_TRUE(has(complaint(settings), "remap whole databases"));
}

TEST(namespace_choice, only_the_whole_can_be_reversed) {
  sync_settings settings;
  settings.reversible = true;
  EXPECT_EQ(complaint(settings), "taken");
  settings.copy.exclude = {"a"};
  EXPECT_TRUE(has(complaint(settings), "\"reversible\" cannot be combined with includeNamespaces"));
  settings.copy.exclude = {};
  settings.copy.remaps = {{"a", "x"}};
  EXPECT_TRUE(has(complaint(settings), "namespaceRemap"));
  settings.copy.remaps = {};
  settings.build_indexes = index_building::never;
  EXPECT_TRUE(has(complaint(settings), "buildIndexes"));
}

TEST(namespace_choice, a_part_of_a_source_cannot_refuse_all_writes) {
  sync_settings settings;
  settings.block_writes = write_blocking::source_and_destination;
  EXPECT_EQ(complaint(settings), "taken");
  settings.copy.exclude = {"a"};
  EXPECT_TRUE(has(complaint(settings), "only a part is migrated"));
}

TEST(namespace_choice, data_of_others_needs_a_filter_and_lets_them_write) {
  sync_settings settings;
  settings.beside_others = true;
  EXPECT_TRUE(has(complaint(settings), "a part of a source only"));
  settings.copy.include = {"a"};
  settings.block_writes = write_blocking::none;
  EXPECT_EQ(complaint(settings), "taken");
  settings.block_writes = write_blocking::destination_only;
  EXPECT_TRUE(has(complaint(settings), "goes on taking their writes"));
}

cluster::sharding_choice shard_keys_of(std::vector<cluster::namespace_name> names) {
  cluster::sharding_choice sharding;
  bson::builder key;
  key.append("a", std::int32_t{1});
  const bson::document by_a = key.finish();
  for (auto& ns : names) sharding.entries.push_back({std::move(ns), by_a});
  return sharding;
}

TEST(namespace_choice, shard_keys_are_said_from_a_replica_set_to_a_sharded_cluster_and_nowhere_else) {
  using cluster::deployment_kind;
  const auto fate = [](deployment_kind from, deployment_kind to, const std::optional<cluster::sharding_choice>& keys) {
    cluster::deployment source;
    source.set_name = "src";
    source.kind = from;
    cluster::deployment destination;
    destination.set_name = "dst";
    destination.kind = to;
    const auto checked = check_sharding(source, destination, keys);
    if (checked) return std::string("taken");
    EXPECT_EQ(checked.error().kind, error_kind::configuration);
    return checked.error().message;
  };
  constexpr auto set = deployment_kind::replica_set;
  constexpr auto sharded = deployment_kind::sharded;
  for (const auto& keys : {shard_keys_of({}), shard_keys_of({{"d", "c"}})}) {
    EXPECT_EQ(fate(set, sharded, keys), "taken");
    EXPECT_TRUE(has(fate(set, set, keys), "is a replica set: leave it out")) << fate(set, set, keys);
    EXPECT_TRUE(has(fate(sharded, set, keys), "is a replica set: leave it out")) << fate(sharded, set, keys);
    EXPECT_TRUE(has(fate(sharded, sharded, keys), "the shard keys are taken over; leave it out"))
        << fate(sharded, sharded, keys);
  }
  EXPECT_TRUE(has(fate(set, sharded, {}), "{\"shardingEntries\": []} for none")) << fate(set, sharded, {});
  EXPECT_EQ(fate(set, set, {}), "taken");
  EXPECT_EQ(fate(sharded, set, {}), "taken");
  EXPECT_EQ(fate(sharded, sharded, {}), "taken");
}

TEST(namespace_choice, shard_keys_of_what_is_not_migrated_are_told) {
  auto sharding = shard_keys_of({{"d", "c"}, {"d", "C"}, {"d", "tmp"}, {"e", "c"}});
  const auto filter = cluster::parse_filter({"d"}, {"d.tmp"}).value();
  const std::vector<cluster::namespace_name> names{{"d", "c"}, {"d", "tmp"}, {"e", "c"}};
  const auto told = find_idle_shard_keys(sharding, filter, names);
  ASSERT_TRUE(told) << told.error().message;
  ASSERT_EQ(told.value().size(), 3U);
  EXPECT_TRUE(has(told.value()[0], "the shard key of d.C is used for nothing: the source does not hold it now"));
  EXPECT_TRUE(has(told.value()[1], "the shard key of d.tmp is used for nothing: it is not among what is migrated"));
  EXPECT_TRUE(has(told.value()[2], "the shard key of e.c is used for nothing: it is not among what is migrated"));
  sharding.ignore_unused = true;
  EXPECT_TRUE(find_idle_shard_keys(sharding, filter, names).value().empty());
}

TEST(namespace_choice, shard_keys_of_the_call_go_before_those_of_the_settings) {
  sync_settings settings;
  settings.copy.sharding = shard_keys_of({{"d", "c"}});
  start_request request;
  EXPECT_NE(with_request(settings, request).copy.sharding->key_of({"d", "c"}), nullptr);
  request.sharding = shard_keys_of({});
  EXPECT_EQ(with_request(settings, request).copy.sharding->key_of({"d", "c"}), nullptr);
  EXPECT_TRUE(with_request({}, request).copy.sharding);
}

}  // namespace
}  // namespace sluice::session
