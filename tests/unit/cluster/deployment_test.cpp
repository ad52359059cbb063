// Versions, what they can do, whether two deployments go together, and which privileges lack.
#include "engine/cluster/deployment.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/cluster/deployment_facts.hpp"
#include "engine/cluster/privileges.hpp"
#include "tests/unit/cluster/fixture.hpp"

namespace sluice::cluster {
namespace {

using testing::host;
using testing::json;

TEST(server_version, is_read_from_text) {
  EXPECT_EQ(parse_server_version("6.0.27"), (server_version{6, 0, 27}));
  EXPECT_EQ(parse_server_version("7.0"), (server_version{7, 0, 0}));
  EXPECT_EQ(parse_server_version("8.0.1-rc2"), (server_version{8, 0, 1}));
  for (const auto* bad : {"", "6", "six.0", "6.", "-6.0", "6.x"}) EXPECT_FALSE(parse_server_version(bad)) << bad;
  EXPECT_LT((server_version{4, 4, 29}), (server_version{5, 0, 0}));
  EXPECT_EQ((server_version{4, 4, 2}).to_string(), "4.4.2");
}

TEST(capabilities, follow_the_version) {
  const auto v44 = capabilities_of({4, 4, 2}, false);
  EXPECT_TRUE(v44.natural_resume && v44.find_by_uuid && v44.exhaust_cursors && v44.write_replies_carry_term);
  EXPECT_FALSE(v44.timeseries || v44.clustered_collections || v44.pre_and_post_images || v44.prepare_unique ||
               v44.coll_mod_capped_size || v44.user_write_block || v44.bypass_empty_timestamp);
  const auto v50 = capabilities_of({5, 0, 4}, false);
  EXPECT_TRUE(v50.timeseries);
  EXPECT_FALSE(v50.clustered_collections || v50.prepare_unique);
  const auto v60 = capabilities_of({6, 0, 5}, false);
  EXPECT_TRUE(v60.timeseries && v60.clustered_collections && v60.pre_and_post_images && v60.prepare_unique &&
              v60.coll_mod_capped_size && v60.user_write_block);
  const auto mongos = capabilities_of({6, 0, 5}, true);
  EXPECT_FALSE(mongos.natural_resume || mongos.find_by_uuid || mongos.exhaust_cursors ||
               mongos.write_replies_carry_term);
  EXPECT_TRUE(mongos.prepare_unique);
}

deployment at(role as, server_version version, std::string fcv) {
  deployment d;
  d.as = as;
  d.set_name = as == role::source ? "src" : "dst";
  d.identity = d.set_name;
  d.version = version;
  d.fcv = std::move(fcv);
  d.primary = host(d.set_name + ":27017");
  return d;
}

std::string refusal(const deployment& source, const deployment& destination) {
  const auto checked = check_pair(source, destination);
  if (checked) return "goes together";
  EXPECT_EQ(checked.error().kind, error_kind::refused);
  return checked.error().message;
}

TEST(check_pair, takes_upgrades_and_equals) {
  const auto destination = at(role::destination, {6, 0, 27}, "6.0");
  EXPECT_EQ(refusal(at(role::source, {4, 4, 2}, "4.4"), destination), "goes together");
  EXPECT_EQ(refusal(at(role::source, {5, 0, 4}, "5.0"), destination), "goes together");
  EXPECT_EQ(refusal(at(role::source, {6, 0, 29}, "6.0"), destination), "goes together");
  // What the source stores is decided by its feature compatibility version.
  EXPECT_EQ(refusal(at(role::source, {7, 0, 1}, "6.0"), destination), "goes together");
}

TEST(check_pair, refuses_old_servers) {
  const auto destination = at(role::destination, {6, 0, 27}, "6.0");
  EXPECT_EQ(refusal(at(role::source, {4, 2, 6}, "4.2"), destination),
            "source src (src:27017) runs MongoDB 4.2.6; a source must be 4.4 or newer");
  EXPECT_EQ(refusal(at(role::source, {4, 4, 2}, "4.4"), at(role::destination, {5, 0, 4}, "5.0")),
            "destination dst (dst:27017) runs MongoDB 5.0.4; a destination must be 6.0 or newer");
}

TEST(check_pair, refuses_a_destination_behind_its_version) {
  EXPECT_EQ(
      refusal(at(role::source, {4, 4, 2}, "4.4"), at(role::destination, {6, 0, 5}, "5.0")),
      "destination dst (dst:27017) runs MongoDB 6.0.5 with the feature compatibility version 5.0: raise it to 6.0 or "
      "newer with setFeatureCompatibilityVersion");
}

TEST(check_pair, refuses_downgrades) {
  const auto newer = at(role::source, {7, 0, 12}, "7.0");
  EXPECT_EQ(
      refusal(newer, at(role::destination, {6, 0, 5}, "6.0")),
      "destination dst (dst:27017) has the feature compatibility version 6.0, which is older than 7.0 of source src "
      "(src:27017): use a destination of MongoDB 7.0 or newer");
  EXPECT_NE(refusal(newer, at(role::destination, {7, 0, 12}, "6.0")).find("setFeatureCompatibilityVersion: \"7.0\""),
            std::string::npos);
}

TEST(check_pair, refuses_a_change_under_way_and_one_deployment_twice) {
  auto source = at(role::source, {6, 0, 5}, "6.0");
  auto destination = at(role::destination, {6, 0, 5}, "6.0");
  source.fcv_changing = true;
  EXPECT_NE(refusal(source, destination).find("in the middle of a change"), std::string::npos);
  destination.identity = source.identity;
  EXPECT_NE(refusal(source, destination).find("are the same deployment"), std::string::npos);
}

deployment sharded(deployment of) {
  of.kind = deployment_kind::sharded;
  of.set_name.clear();
  return of;
}

TEST(check_pair, takes_a_sharded_cluster_on_either_side) {
  const auto destination = at(role::destination, {6, 0, 27}, "6.0");
  for (const auto& source :
       {at(role::source, {4, 4, 29}, "4.4"), at(role::source, {5, 0, 4}, "5.0"), at(role::source, {6, 0, 27}, "6.0")}) {
    EXPECT_EQ(refusal(sharded(source), destination), "goes together");
    EXPECT_EQ(refusal(source, sharded(destination)), "goes together");
    EXPECT_EQ(refusal(sharded(source), sharded(destination)), "goes together");
  }
}

// Only the exact diffs of newer oplogs are for 6.0 alone.
TEST(check_pair, takes_an_older_sharded_destination_where_nothing_newer_is_written) {
  const auto older = sharded(at(role::destination, {5, 0, 31}, "5.0"));
  const auto oldest = sharded(at(role::destination, {4, 4, 29}, "4.4"));
  EXPECT_EQ(refusal(sharded(at(role::source, {5, 0, 4}, "5.0")), older), "goes together");
  EXPECT_EQ(refusal(sharded(at(role::source, {4, 4, 2}, "4.4")), oldest), "goes together");
  EXPECT_EQ(refusal(at(role::source, {4, 4, 2}, "4.4"), older), "goes together");
  EXPECT_EQ(refusal(at(role::source, {4, 4, 2}, "4.4"), oldest), "goes together");
  // Still with the oplog of 4.4.
  EXPECT_EQ(refusal(at(role::source, {5, 0, 4}, "4.4"), older), "goes together");
  EXPECT_EQ(refusal(at(role::source, {5, 0, 4}, "5.0"), older),
            "destination sharded cluster (dst:27017) runs MongoDB 5.0.31; a destination must be 6.0 or newer");
  EXPECT_EQ(refusal(sharded(at(role::source, {4, 4, 2}, "4.4")), at(role::destination, {5, 0, 31}, "5.0")),
            "destination dst (dst:27017) runs MongoDB 5.0.31; a destination must be 6.0 or newer");
}

TEST(check_pair, a_sharded_destination_is_behind_by_its_feature_compatibility_version) {
  EXPECT_EQ(refusal(sharded(at(role::source, {4, 4, 2}, "4.4")), sharded(at(role::destination, {4, 4, 29}, "4.2"))),
            "destination sharded cluster (dst:27017) runs MongoDB 4.4.29 with the feature compatibility version 4.2: "
            "raise it to 4.4 or newer with setFeatureCompatibilityVersion");
  EXPECT_EQ(refusal(at(role::source, {5, 0, 4}, "5.0"), sharded(at(role::destination, {6, 0, 5}, "5.0"))),
            "destination sharded cluster (dst:27017) runs MongoDB 6.0.5 with the feature compatibility version 5.0: "
            "raise it to 6.0 or newer with setFeatureCompatibilityVersion");
  EXPECT_EQ(refusal(sharded(at(role::source, {6, 0, 5}, "6.0")), sharded(at(role::destination, {5, 0, 31}, "5.0"))),
            "destination sharded cluster (dst:27017) has the feature compatibility version 5.0, which is older than "
            "6.0 of source sharded cluster (src:27017): use a destination of MongoDB 6.0 or newer");
  EXPECT_NE(refusal(sharded(at(role::source, {4, 2, 6}, "4.2")), sharded(at(role::destination, {4, 4, 29}, "4.4")))
                .find("a source must be 4.4 or newer"),
            std::string::npos);
}

TEST(identity, stands_in_for_what_cannot_be_read) {
  hello_reply a;
  a.set_name = "rs";
  a.members = {"x:1", "y:2"};
  hello_reply b = a;
  b.members = {"y:2", "x:1"};
  EXPECT_EQ(stand_in_identity(a), stand_in_identity(b));
  EXPECT_TRUE(is_stand_in(stand_in_identity(a)));
  EXPECT_FALSE(is_stand_in("6b04b14312835140349176d2"));
  b.members = {"x:1", "z:3"};
  EXPECT_NE(stand_in_identity(a), stand_in_identity(b));
  b = a;
  b.set_name = "rt";
  EXPECT_NE(stand_in_identity(a), stand_in_identity(b));
}

std::string missing(std::string_view privileges, role as, bool is_mongos = false, bool gives_shard_keys = false) {
  std::string all;
  const auto document = json(privileges);
  for (const auto& each :
       find_missing_privileges(*document.view().find("p").as_array(), as, is_mongos, gives_shard_keys))
    all += (all.empty() ? "" : "; ") + each.actions + " on " + each.where;
  return all;
}

constexpr auto* backup = R"({"p": [
  {"resource": {"db": "", "collection": ""}, "actions": ["find"]},
  {"resource": {"db": "local", "collection": ""}, "actions": ["find"]},
  {"resource": {"anyResource": true}, "actions": ["collStats", "listCollections", "listIndexes"]},
  {"resource": {"cluster": true}, "actions": ["appendOplogNote", "listDatabases"]}]})";

TEST(privileges, backup_is_enough_for_a_source) {
  EXPECT_EQ(missing(backup, role::source), "");
}

TEST(privileges, a_mongos_needs_change_streams) {
  EXPECT_EQ(missing(backup, role::source, true), "find on local.oplog.rs");
}

TEST(privileges, one_database_is_not_every_database) {
  EXPECT_EQ(missing(R"({"p": [{"resource": {"db": "shop", "collection": ""},
      "actions": ["find", "listCollections", "listIndexes", "collStats", "changeStream"]}]})",
                    role::source),
            "find, listCollections, listIndexes on every user collection; collStats on every user collection; "
            "listDatabases on the cluster; find on local.oplog.rs");
}

TEST(privileges, every_database_is_not_local) {
  EXPECT_EQ(missing(R"({"p": [
      {"resource": {"db": "", "collection": ""}, "actions": ["find", "listCollections", "listIndexes", "collStats"]},
      {"resource": {"cluster": true}, "actions": ["listDatabases"]}]})",
                    role::source),
            "find on local.oplog.rs");
}

TEST(privileges, change_streams_stand_in_for_the_oplog) {
  EXPECT_EQ(missing(R"({"p": [
      {"resource": {"db": "", "collection": ""},
       "actions": ["changeStream", "find", "listCollections", "listIndexes", "collStats"]},
      {"resource": {"cluster": true}, "actions": ["listDatabases"]}]})",
                    role::source),
            "");
}

TEST(privileges, a_reader_is_no_destination) {
  EXPECT_EQ(missing(backup, role::destination),
            "insert, createCollection, createIndex, collMod, dropCollection, bypassDocumentValidation on every user "
            "collection; update, remove, dropIndex on every user collection");
}

/// What restore, readWriteAnyDatabase and clusterMonitor hold of what a destination needs, and further privileges.
std::string writer(const std::string& more) {
  return R"({"p": [
      {"resource": {"db": "", "collection": ""}, "actions": ["insert", "createCollection", "createIndex", "collMod",
       "dropCollection", "bypassDocumentValidation", "find", "update", "remove", "dropIndex", "listCollections",
       "listIndexes", "collStats"]},
      {"resource": {"cluster": true}, "actions": ["listDatabases"]})" +
         more + "]}";
}

constexpr auto* manager = R"(, {"resource": {"db": "", "collection": ""},
    "actions": ["clearJumboFlag", "enableSharding", "moveChunk", "splitChunk", "splitVector"]},
  {"resource": {"db": "config", "collection": ""}, "actions": ["collStats", "find", "killCursors"]},
  {"resource": {"db": "config", "collection": "settings"}, "actions": ["insert", "remove", "update"]})";

TEST(privileges, a_sharded_destination_is_managed) {
  EXPECT_EQ(missing(writer(""), role::destination), "") << "of a replica set there is nothing to manage";
  EXPECT_EQ(missing(writer(""), role::destination, true),
            "enableSharding, moveChunk, splitChunk on every user collection; find on the database config; update on "
            "config.settings");
  EXPECT_EQ(missing(writer(manager), role::destination, true), "");
}

TEST(privileges, what_says_where_data_lies_may_be_granted_one_by_one) {
  const auto reader_of = [](const std::vector<std::string>& collections) {
    std::string all = R"(, {"resource": {"db": "", "collection": ""},
        "actions": ["enableSharding", "moveChunk", "splitChunk"]},
      {"resource": {"db": "config", "collection": "settings"}, "actions": ["update"]})";
    for (const auto& one : collections) {
      all += R"(, {"resource": {"db": "config", "collection": ")" + one + R"("}, "actions": ["find"]})";
    }
    return writer(all);
  };
  EXPECT_EQ(missing(reader_of({"shards", "databases", "collections", "chunks", "settings"}), role::destination, true),
            "");
  for (const auto* left_out : {"shards", "databases", "collections", "chunks", "settings"}) {
    std::vector<std::string> rest{"shards", "databases", "collections", "chunks", "settings"};
    std::erase(rest, left_out);
    EXPECT_EQ(missing(reader_of(rest), role::destination, true), "find on the database config") << left_out;
  }
}

TEST(privileges, shard_keys_are_read_where_a_sharded_destination_takes_them_over) {
  const std::string reader = R"({"p": [
      {"resource": {"db": "", "collection": ""},
       "actions": ["changeStream", "find", "listCollections", "listIndexes", "collStats"]},
      {"resource": {"cluster": true}, "actions": ["listDatabases"]})";
  EXPECT_EQ(missing(reader + "]}", role::source, true, false), "");
  EXPECT_EQ(missing(reader + "]}", role::source, true, true), "find on config.collections");
  EXPECT_EQ(missing(reader + R"(, {"resource": {"db": "config", "collection": ""}, "actions": ["find"]}]})",
                    role::source, true, true),
            "");
  EXPECT_EQ(missing(reader + "]}", role::source, false, true), "") << "a replica set has none";
}

}  // namespace
}  // namespace sluice::cluster
