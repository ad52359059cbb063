// The commit's work on the catalog between real servers: what following had weakened or left out comes out as it is on
// the source, whatever interrupts it.
#include "engine/index/cutover.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "bson/bytes.hpp"
#include "tests/integration/cluster_lane.hpp"
#include "tests/lab/oracle.hpp"

namespace sluice::index {
namespace {

using namespace std::chrono_literals;
using cluster::testing::lane;
using cluster::testing::parsed;
using cluster::testing::set_of;
using lab::document;

lab::replica_set_options impatient_ttl() {
  auto options = set_of("dst", "6.0.27");
  options.server.arguments = {"--setParameter", "ttlMonitorSleepSecs=1"};
  return options;
}

lab::replica_set_options without_ttl(const std::string& version) {
  auto options = set_of("src", version);
  options.server.arguments = {"--setParameter", "ttlMonitorEnabled=false"};
  return options;
}

/// A source, and a destination as following leaves it: weak indexes, unbounded capped collections, nothing expires.
class pair_of_sets {
 public:
  explicit pair_of_sets(const std::string& version)
      : source_set_(without_ttl(version)),
        destination_set_(impatient_ttl()),
        source(source_set_.connect()),
        destination(destination_set_.connect()) {}

  void copy(cluster::index_policy policy = {}) {
    lane on;
    const auto node = cluster::testing::open(on, source_set_.uri());
    const auto all = on.must(cluster::read_catalog(*node, cluster::namespace_filter{}, true));
    std::vector<const cluster::collection_info*> collections;
    for (const auto& info : all.collections) {
      if (info.kind == cluster::collection_kind::view) continue;
      const auto create = cluster::create_command(info, true);
      destination.run(info.ns.database.c_str(), document::bytes(bson::text_of(create.bytes())));
      copy_documents(info.ns.database, info.data_ns().collection);
      collections.push_back(&info);
    }
    auto to = on.must(cluster::discover(parsed(destination_set_.uri()), cluster::role::destination, on.scope()));
    progress_by_namespace builds;
    left_out = on.must(build_indexes(std::move(to), std::move(collections), policy, builds, on.scope(), 20s, {}));
  }

  void copy_documents(const std::string& database, const std::string& collection) {
    const auto all = source.run(database.c_str(), R"({"find": ")" + collection + R"(", "batchSize": 100000})")
                         .child("cursor.firstBatch");
    const auto documents = all.elements();
    if (!documents.empty()) destination.insert(database.c_str(), collection.c_str(), documents);
  }

  result<cutover_report> commit(std::function<void(const cutover_step&, runtime::cancel_scope&)> after_step = {},
                                cluster::index_policy policy = {}) {
    lane on;
    cutover_job job;
    job.source = on.must(cluster::discover(parsed(source_set_.uri()), cluster::role::source, on.scope()));
    job.destination =
        on.must(cluster::discover(parsed(destination_set_.uri()), cluster::role::destination, on.scope()));
    job.policy = policy;
    job.patience = 20s;
    job.may_write = may_write;
    job.tells_by_name = tells_by_name;
    if (after_step) job.after_step = [&](const cutover_step& step) { after_step(step, on.scope()); };
    progress_by_namespace builds;
    cutover_progress progress;
    return on.run(cut_over(std::move(job), builds, progress, on.scope()));
  }

  void must_commit() {
    auto report = commit();
    ASSERT_TRUE(report) << report.error().message;
    for (const auto& line : report.value().left) ADD_FAILURE() << line;
    for (const auto& line : report.value().obstacles) ADD_FAILURE() << line;
    for (const auto& each : report.value().violations) ADD_FAILURE() << each.message;
  }

  void must_be_equal() {
    const auto verdict = lab::compare({.source_uri = source_set_.uri(), .destination_uri = destination_set_.uri()});
    EXPECT_TRUE(verdict.equal()) << verdict.text();
  }

  /// The destination's index as listIndexes shows it.
  document index(const char* collection, const std::string& name) {
    const auto all = destination.run("d", std::string(R"({"listIndexes": ")") + collection + "\"}");
    for (const auto& each : all.child("cursor.firstBatch").elements())
      if (each.text("name") == name) return each;
    return {};
  }

 private:
  lab::replica_set source_set_;
  lab::replica_set destination_set_;

 public:
  lab::client source;
  lab::client destination;
  std::vector<failed_index> left_out;
  state::write_permission may_write;
  bool tells_by_name = false;  // as a sharded cluster does
};

struct command {
  const char* text;
  int since = 404;
};

const std::vector<command> catalog{
    {R"({"insert": "c", "documents": [{"_id": 1, "u": 1, "b": 1}, {"_id": 2, "u": 2, "b": 2}]})"},
    {R"({"createIndexes": "c", "indexes": [{"key": {"u": 1}, "name": "u", "unique": true},
        {"key": {"p": 1}, "name": "p", "unique": true, "partialFilterExpression": {"p": {"$gt": 0}}},
        {"key": {"f": 1}, "name": "f", "unique": true, "sparse": true, "collation": {"locale": "fr"}},
        {"key": {"t": 1}, "name": "t", "expireAfterSeconds": 1000},
        {"key": {"h": 1}, "name": "h", "hidden": true},
        {"key": {"x": "hashed"}, "name": "x"}, {"key": {"w": "text"}, "name": "w"}]})"},
    {R"({"createIndexes": "c", "indexes": [{"key": {"b": 1}, "name": "b"}]})", 500},
    {R"({"createIndexes": "c", "indexes": [{"key": {"b": 1}, "name": "b unique", "unique": true}]})", 500},
    {R"({"create": "capped", "capped": true, "size": 8192, "max": 10})"},
    {R"({"create": "valid", "validator": {"a": 1}, "validationLevel": "moderate"})"},
    {R"({"create": "w", "timeseries": {"timeField": "t", "metaField": "m"}, "expireAfterSeconds": 100000})", 500},
    {R"({"create": "clustered", "clusteredIndex": {"key": {"_id": 1}, "unique": true}, "expireAfterSeconds": 100000})",
     600},
    {R"({"create": "images", "changeStreamPreAndPostImages": {"enabled": true}})", 600},
    {R"({"create": "view", "viewOn": "c", "pipeline": [{"$match": {"u": 1}}]})"},
    {R"({"create": "view on view", "viewOn": "view", "pipeline": []})"},
};

void fill(pair_of_sets& sets) {
  const int version = sets.source.server_version();
  for (const auto& each : catalog)
    if (version >= each.since) sets.source.run("d", each.text);
  for (int i = 0; i < 10; ++i)
    sets.source.insert("d", "capped", document::json("{\"_id\": " + std::to_string(i) + "}"));
}

/// What following leaves different.
void diverge(pair_of_sets& sets) {
  // The source truncates (4.4 does not say so in its oplog), the destination does not.
  std::vector<document> more;
  for (int i = 10; i < 17; ++i) more.push_back(document::json("{\"_id\": " + std::to_string(i) + "}"));
  sets.source.insert("d", "capped", more);
  sets.destination.insert("d", "capped", more);
  sets.destination.run("d", R"({"dropIndexes": "c", "index": "x"})");
  sets.destination.run("d", R"({"createIndexes": "c", "indexes": [{"key": {"extra": 1}, "name": "extra"}]})");
  sets.destination.run("d", R"({"collMod": "c", "index": {"name": "h", "hidden": false}})");
  sets.source.run("d", R"({"collMod": "valid", "validator": {"a": 2}, "validationLevel": "strict"})");
  sets.destination.run("d", R"({"create": "view", "viewOn": "view on view", "pipeline": []})");
  sets.destination.run("d", R"({"create": "old view", "viewOn": "c", "pipeline": []})");
}

// A process that was frozen for longer than its lease wakes up in the middle of a commit: it builds nothing.
TEST(cutover_lease, an_index_is_built_once_writing_is_permitted) {
  pair_of_sets sets("6.0.27");
  sets.source.run("d", R"({"createIndexes": "c", "indexes": [{"key": {"b": 1}, "name": "b"}]})");
  sets.destination.run("d", R"({"create": "c"})");
  int asked = 0;
  sets.may_write = [&] {
    EXPECT_FALSE(sets.index("c", "b").has("key")) << "built before it was permitted";
    return ++asked > 2;
  };
  sets.must_commit();
  EXPECT_EQ(asked, 3);
  EXPECT_TRUE(sets.index("c", "b").has("key"));
}

class cutover : public ::testing::TestWithParam<const char*> {};
TEST(cutover_indexes, as_many_are_built_together_as_was_said) {
  pair_of_sets sets("6.0.27");
  sets.source.run("d", R"({"insert": "c", "documents": [{"_id": 1, "a": 1}]})");
  std::string indexes;
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    indexes +=
        (indexes.empty() ? "" : ", ") + (R"({"key": {")" + std::string(name) + R"(": 1}, "name": ")") + name + "\"}";
  }
  sets.source.run("d", R"({"createIndexes": "c", "indexes": [)" + indexes + "]}");
  const auto built_together = [&sets] {
    std::vector<std::size_t> sizes;
    const auto entries = sets.destination.run("local", R"({"find": "oplog.rs", "batchSize": 100000,
        "filter": {"ns": "d.$cmd", "o.commitIndexBuild": "c"}})");
    for (const auto& entry : entries.child("cursor.firstBatch").elements()) {
      sizes.push_back(entry.child("o.indexes").elements().size());
    }
    return sizes;
  };
  sets.copy({.per_command = 2});
  EXPECT_EQ(built_together(), (std::vector<std::size_t>{2, 2, 1}));
  sets.must_be_equal();
}

TEST(cutover_indexes, are_built_all_together_where_nothing_was_said) {
  pair_of_sets sets("6.0.27");
  sets.source.run("d", R"({"insert": "c", "documents": [{"_id": 1, "a": 1}]})");
  sets.source.run("d", R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a"},
      {"key": {"b": 1}, "name": "b"}]})");
  sets.copy();
  const auto entries = sets.destination.run("local", R"({"find": "oplog.rs", "batchSize": 100000,
      "filter": {"ns": "d.$cmd", "o.commitIndexBuild": "c"}})");
  EXPECT_EQ(entries.child("cursor.firstBatch").elements().size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(from, cutover, ::testing::Values("4.4.2", "5.0.4", "6.0.27"), [](const auto& one) {
  std::string name = one.param;
  std::ranges::replace(name, '.', '_');
  return "v" + name;
});

TEST_P(cutover, the_catalogs_become_the_same) {
  pair_of_sets sets(GetParam());
  fill(sets);
  sets.copy();
  diverge(sets);
  EXPECT_FALSE(sets.index("c", "u").boolean("unique"));
  EXPECT_EQ(sets.index("c", "t").integer("expireAfterSeconds"), cluster::index_asleep_seconds);
  sets.must_commit();
  sets.must_be_equal();
  EXPECT_TRUE(sets.index("c", "u").boolean("unique"));
  EXPECT_EQ(sets.destination.count("d", "capped"), 10);
  // Again there is nothing to do.
  const auto again = sets.commit();
  ASSERT_TRUE(again);
  EXPECT_EQ(again.value().steps_done, 0u);
  EXPECT_TRUE(again.value().complete());
}

TEST_P(cutover, it_may_end_after_any_step) {
  pair_of_sets sets(GetParam());
  fill(sets);
  sets.copy();
  diverge(sets);
  int attempts = 0;
  for (; attempts < 60; ++attempts) {
    std::string last;
    const auto ended = sets.commit([&](const cutover_step& step, runtime::cancel_scope& scope) {
      last = step.to_string();
      scope.cancel();
    });
    if (ended) {
      EXPECT_TRUE(ended.value().complete());
      EXPECT_TRUE(last.empty()) << last;
      break;
    }
    ASSERT_EQ(ended.error().kind, error_kind::cancelled) << last << ": " << ended.error().message;
    // What sleeps may wake only when everything else is done.
    const bool woken = sets.index("c", "t").integer("expireAfterSeconds") != cluster::index_asleep_seconds;
    EXPECT_TRUE(!woken || last.starts_with("wake_ttl")) << last;
  }
  EXPECT_GT(attempts, 10);
  EXPECT_LT(attempts, 60);
  sets.must_be_equal();
}

TEST(cutover_unique, duplicates_are_named_and_can_be_repaired) {
  pair_of_sets sets("6.0.27");
  fill(sets);
  sets.copy();
  sets.destination.run("d", R"({"insert": "c", "documents": [{"_id": "twice", "u": 2, "b": 7}]})");
  auto refused = sets.commit();
  ASSERT_TRUE(refused) << refused.error().message;
  ASSERT_EQ(refused.value().violations.size(), 1u);
  const auto& one = refused.value().violations[0];
  EXPECT_EQ(one.ns.to_string(), "d.c");
  EXPECT_EQ(one.index, "u");
  EXPECT_NE(one.message.find("[2, \"twice\"]"), std::string::npos) << one.message;
  // Nothing is unique, nothing refuses duplicates, nothing is awake: it can be repaired.
  for (const auto* name : {"u", "p", "f"}) {
    EXPECT_FALSE(sets.index("c", name).has("prepareUnique")) << name;
    EXPECT_FALSE(sets.index("c", name).has("unique")) << name;
  }
  EXPECT_EQ(sets.index("c", "t").integer("expireAfterSeconds"), cluster::index_asleep_seconds);

  // Another one, of the index that is built beside a plain one.
  sets.destination.run("d",
                       R"({"update": "c", "updates": [{"q": {"_id": "twice"}, "u": {"$set": {"u": 3, "b": 1}}}]})");
  refused = sets.commit();
  ASSERT_TRUE(refused) << refused.error().message;
  ASSERT_EQ(refused.value().violations.size(), 1u);
  EXPECT_EQ(refused.value().violations[0].index, "b unique");
  EXPECT_FALSE(sets.index("c", "u").has("unique"));
  EXPECT_FALSE(sets.index("c", "u").has("prepareUnique"));

  sets.destination.run("d", R"({"delete": "c", "deletes": [{"q": {"_id": "twice"}, "limit": 1}]})");
  sets.must_commit();
  sets.must_be_equal();
}

/// Until `holds`; a minute is for ever.
void wait_until(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (!holds()) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
    std::this_thread::sleep_for(50ms);
  }
}

TEST(cutover_ttl, nothing_expires_before_and_everything_after) {
  pair_of_sets sets("6.0.27");
  sets.source.run("d",
                  R"({"createIndexes": "c", "indexes": [{"key": {"at": 1}, "name": "t", "expireAfterSeconds": 1}]})");
  sets.source.run("d", R"({"create": "clustered", "clusteredIndex": {"key": {"_id": 1}, "unique": true},
      "expireAfterSeconds": 1})");
  sets.source.run("d", R"({"insert": "c", "documents": [{"_id": 1, "at": {"$date": "2020-01-01T00:00:00Z"}}]})");
  sets.source.run("d", R"({"insert": "clustered", "documents": [{"_id": {"$date": "2020-01-01T00:00:00Z"}}]})");
  sets.copy();
  const auto passes = [&] {
    return sets.destination.run("admin", R"({"serverStatus": 1})").integer("metrics.ttl.passes");
  };
  const auto before = passes();
  wait_until([&] { return passes() >= before + 2; });
  EXPECT_EQ(sets.destination.count("d", "c"), 1);
  EXPECT_EQ(sets.destination.count("d", "clustered"), 1);
  sets.must_commit();
  wait_until([&] { return sets.destination.count("d", "c") == 0 && sets.destination.count("d", "clustered") == 0; });
}

// A destination that differs in what no step repairs is not touched at all.
TEST(cutover_obstacle, what_cannot_be_repaired_is_said_first) {
  pair_of_sets sets("6.0.27");
  fill(sets);
  sets.copy();
  sets.destination.run("d", R"({"create": "extra"})");
  sets.source.run("d", R"({"create": "missing"})");
  const auto report = sets.commit();
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report.value().obstacles.size(), 2u);
  EXPECT_EQ(report.value().steps_done, 0u);
  EXPECT_FALSE(sets.index("c", "u").has("unique"));
}

TEST(cutover_policy, excluded_indexes_stay_excluded) {
  pair_of_sets sets("6.0.27");
  fill(sets);
  const cluster::index_policy policy{.exclude_hashed = true};
  sets.copy(policy);
  EXPECT_FALSE(sets.index("c", "x").has("name"));
  const auto report = sets.commit({}, policy);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report.value().complete());
  EXPECT_FALSE(sets.index("c", "x").has("name"));
  EXPECT_TRUE(sets.index("c", "u").boolean("unique"));
}

// An index that the documents refuse is left out while following; the commit says so until they are repaired.
TEST(cutover_refused, an_index_that_was_refused_is_built_after_the_repair) {
  pair_of_sets sets("6.0.27");
  sets.source.run("d", R"({"insert": "c", "documents": [{"_id": 1, "at": [1, 2]}, {"_id": 2, "a": 1}]})");
  sets.source.run("d", R"({"createIndexes": "c", "indexes": [{"key": {"at": "2dsphere"}, "name": "at"},
      {"key": {"a": 1}, "name": "a"}]})");
  sets.copy();
  ASSERT_TRUE(sets.left_out.empty());
  sets.destination.run("d", R"({"dropIndexes": "c", "index": "at"})");
  sets.destination.run("d", R"({"insert": "c", "documents": [{"_id": 3, "at": "nowhere"}]})");
  const auto report = sets.commit();
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report.value().left.size(), 1u);
  EXPECT_TRUE(report.value().left[0].starts_with("build_index d.c, index at: ")) << report.value().left[0];
  sets.destination.run("d", R"({"delete": "c", "deletes": [{"q": {"_id": 3}, "limit": 1}]})");
  sets.must_commit();
  sets.must_be_equal();
}

// Of a sharded cluster no change stream tells of system.js: it is what it is at the commit.
TEST(cutover_scripts, come_over_as_they_are_then) {
  pair_of_sets sets("6.0.27");
  sets.tells_by_name = true;
  sets.source.run("d",
                  R"({"insert": "system.js", "documents": [{"_id": "f", "value": "1"}, {"_id": "g", "value": "2"}]})");
  sets.must_commit();
  sets.must_be_equal();
  sets.source.run("d", R"({"delete": "system.js", "deletes": [{"q": {"_id": "f"}, "limit": 1}]})");
  sets.source.run("d", R"({"insert": "system.js", "documents": [{"_id": "h", "value": "3"}]})");
  sets.must_commit();
  sets.must_be_equal();
}

TEST(cutover_scripts, that_do_not_fit_into_a_reply_stop_the_commit_and_nothing_is_removed) {
  pair_of_sets sets("6.0.27");
  sets.tells_by_name = true;
  sets.source.run("d", R"({"insert": "system.js", "documents": [{"_id": "f", "value": "1"}]})");
  sets.must_commit();
  const std::string large(1 << 20, 'x');
  for (int n = 0; n < 17; ++n) {
    sets.source.run("d", R"({"insert": "system.js", "documents": [{"_id": )" + std::to_string(n) + R"(, "value": ")" +
                             large + R"("}]})");
  }
  const auto refused = sets.commit();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, error_kind::refused);
  EXPECT_NE(refused.error().message.find("d.system.js is too large"), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find("--exclude"), std::string::npos) << refused.error().message;
  EXPECT_EQ(sets.destination.count("d", "system.js"), 1);
}

}  // namespace
}  // namespace sluice::index
