// Live syncs of a sharded cluster, through a mongos, into a replica set. The judge is the oracle.
#include <random>
#include <utility>

#include "engine/capture/start_time.hpp"
#include "tests/integration/moved_documents.hpp"
#include "tests/integration/sluice_program.hpp"
#include "tests/integration/sync_lane.hpp"
#include "tests/lab/not_run.hpp"
#include "tests/lab/scenario_time.hpp"
#include "tests/lab/sharded_cluster.hpp"

namespace sluice::session {
namespace {

using namespace testing;

/// A cluster of two shards and a set, and what a sync between them needs.
class cluster_and_set {
 public:
  explicit cluster_and_set(lab::replica_set_options to = set_of("dst", "6.0.27")) : destination(std::move(to)) {
    auto through = source.connect();
    through.run("admin", R"({"balancerStop": 1})");  // chunks move when the test says so
  }

  [[nodiscard]] sync_settings settings() const {
    sync_settings chosen;
    chosen.copy.source_uri = source.uri();
    chosen.copy.destination_uri = destination.uri();
    chosen.copy.retry_time = 60s;
    chosen.spool_dir = spool.path();
    return chosen;
  }
  [[nodiscard]] std::unique_ptr<sync_session> make() const {
    return std::make_unique<sync_session>(settings(), labels());
  }
  [[nodiscard]] std::unique_ptr<lab::sluice_program> start(bool commit) const {
    std::vector<std::string> arguments{
        "run",    "--source", source.uri(), "--destination", destination.uri(), "--spool-dir", spool.path().string(),
        "--port", "0"};
    if (commit) arguments.emplace_back("--commit-when-caught-up");
    return std::make_unique<lab::sluice_program>(std::move(arguments));
  }

  void expect_equal() const {
    const auto verdict = lab::compare({.source_uri = source.uri(), .destination_uri = destination.uri()});
    EXPECT_TRUE(verdict.equal()) << verdict.text();
    EXPECT_GT(verdict.documents, 0U);
  }

  lab::sharded_cluster source;
  lab::replica_set destination;
  scratch_folder spool;
};

bool without_mongos() {
  if (lab::find_mongos()) return false;
  lab::not_run("no mongos: set MONGOS or run tools/bootstrap --all-versions beside a mongos archive");
  return true;
}

/// What a change stream before 6.0 keeps silent about, and what it tells by name only; some of it in a database of its
/// own, so that it can be done again.
void change_the_catalog(lab::client& through, const std::string& database) {
  const char* const db = database.c_str();
  through.run(db, R"({"create": "empty", "collation": {"locale": "de", "strength": 1}})");
  through.run(db, R"({"create": "empty_capped", "capped": true, "size": 8192, "max": 5})");
  through.run(db, R"({"insert": "made", "documents": [{"_id": 1, "a": 1, "b": 1}, {"_id": 2, "a": 2, "b": 2}]})");
  through.run(db, R"({"createIndexes": "made", "indexes": [{"key": {"a": 1}, "name": "a", "unique": true},
                                                            {"key": {"b": 1}, "name": "b", "expireAfterSeconds": 9999}]})");
  through.run(db, R"({"createIndexes": "empty", "indexes": [{"key": {"x": 1, "y": -1}, "name": "xy"}]})");
  through.run(db, R"({"collMod": "made", "validator": {"a": {"$exists": true}}, "validationLevel": "moderate"})");
  through.run(db, R"({"collMod": "made", "index": {"name": "a", "hidden": true}})");
  through.run(db, R"({"create": "seen", "viewOn": "made", "pipeline": [{"$match": {"a": 1}}]})");
  through.run(db, R"({"collMod": "seen", "viewOn": "made", "pipeline": [{"$match": {"a": 2}}]})");
  through.run(db, R"({"insert": "system.js", "documents": [{"_id": "f", "value": "x"}]})");

  // Of every incarnation of a name the last counts.
  for (int n = 0; n < 3; ++n) {
    through.run(db, R"({"insert": "again", "documents": [{"_id": 1, "n": )" + std::to_string(n) + "}, {}]}");
    through.run(db, R"({"update": "again", "updates": [{"q": {"_id": 1}, "u": {"$set": {"m": 1}}}]})");
    if (n < 2) through.run(db, R"({"drop": "again"})");
  }
  // Updated under the old name, and only once; a swap.
  through.run(db, R"({"insert": "one", "documents": [{"_id": 1, "of": "one"}, {"_id": 2}]})");
  through.run(db, R"({"insert": "two", "documents": [{"_id": 1, "of": "two"}, {"_id": 3}]})");
  through.run(db, R"({"update": "one", "updates": [{"q": {"_id": 2}, "u": {"$set": {"late": true}}}]})");
  for (const auto& [from, to] : {std::pair("one", "x"), std::pair("two", "one"), std::pair("x", "two")}) {
    through.run("admin",
                R"({"renameCollection": ")" + database + "." + from + R"(", "to": ")" + database + "." + to + "\"}");
  }
  through.run(db, R"({"insert": "cap", "documents": [{"_id": 1}, {"_id": 2}, {"_id": 3}]})");
  through.run(db, R"({"convertToCapped": "cap", "size": 100000})");
  through.run(db, R"({"insert": "cap", "documents": [{"_id": 0}]})");
  through.run(db, R"({"aggregate": "made", "pipeline": [{"$project": {"a": 1}}, {"$out": "out"}], "cursor": {}})");
}

/// Its unsharded collections go to the other shard: copied there, and dropped where they were.
void move_primary(lab::client& through, const std::string& database) {
  const auto found = through.run("config", R"({"find": "databases", "filter": {"_id": ")" + database + "\"}}");
  const std::string to = found.text("cursor.firstBatch.0.primary") == "shard0" ? "shard1" : "shard0";
  through.run("admin", R"({"movePrimary": ")" + database + R"(", "to": ")" + to + "\"}");
}

TEST(sync_sharded, takes_everything_that_a_cluster_does) {
  if (without_mongos()) return;
  const auto seed = test_seed();
  cluster_and_set sets;
  auto through = sets.source.connect();
  sets.source.shard_collection("shop", "hashed", R"({"_id": "hashed"})");
  sets.source.shard_collection("shop", "ranged", R"({"_id": 1})");
  for (const char* const collection : {"hashed", "ranged", "unsharded"}) {
    lab::load_lim(sets.source.uri(), {.documents = 3000, .database = "shop", .collection = collection});
  }
  shard_by_key(sets.source);
  sets.source.shard_collection("storm", "c0", R"({"_id": "hashed"})");
  sets.source.shard_collection("storm", "c1", R"({"n": 1})");
  sets.source.shard_collection("app", "c0", R"({"_id": 1})");
  for (const char* const collection : {"written_later", "never_again"}) {
    lab::load_lim(sets.source.uri(), {.documents = 300, .database = "moves", .collection = collection});
  }
  lab::storm_for(sets.source.uri(), {.commands = 200, .seed = seed});
  change_the_catalog(through, "before");
  change_the_catalog(through, "kept");

  everything storm(sets.source.uri(), seed + 1);
  application writer(sets.source.uri());
  moved_documents moving(sets.source.uri(), seed + 2);
  const auto run = sets.make();
  ASSERT_TRUE(run->start_now());
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.at == phase::change_application; }));
  EXPECT_EQ(run->snapshot(false).follow.captured_by, "change-stream");
  through.run("admin", R"({"moveChunk": "shop.ranged", "find": {"_id": {"$minKey": 1}}, "to": ")" +
                           other_shard_of_shop(sets.source) + "\"}");
  move_primary(through, "moves");
  through.run("moves", R"({"insert": "written_later", "documents": [{"_id": "late"}]})");
  through.run("before", R"({"dropDatabase": 1})");
  change_the_catalog(through, "before");
  change_the_catalog(through, "during");
  sets.source.shard_collection("during", "made_sharded", R"({"_id": "hashed"})");
  through.run("during", R"({"insert": "made_sharded", "documents": [{"_id": 1}, {"_id": 2}, {"_id": 3}, {"_id": 4}]})");

  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.can_commit; }));
  ASSERT_TRUE(run->pause());
  ASSERT_TRUE(wait_for(*run, state::paused));
  const auto then = storm.steps.load();
  ASSERT_TRUE(wait_until(*run, [&](const progress&) { return storm.steps > then + 300; }));
  change_the_catalog(through, "paused");
  ASSERT_TRUE(run->resume());
  const auto moved = moving.moved.load();
  const auto end = std::chrono::steady_clock::now() + lab::scenario_time();
  ASSERT_TRUE(wait_until(
      *run,
      [&](const progress&) {
        return std::chrono::steady_clock::now() > end && storm.steps > then + 900 && moving.moved > moved + 100;
      },
      lab::catch_up_time()));
  storm.stop();
  writer.stop();
  moving.stop();
  EXPECT_GT(storm.done.catalog_changes, 5U);
  EXPECT_GT(storm.done.transactions, 20U);
  commit(*run);
  sets.expect_equal();
  EXPECT_EQ(run->snapshot(false).follow.violations, 0);
}

// As shards write the two halves of a document's move, each at a time of its own: it begins on the one before it ends
// on the other.
TEST(sync_sharded, a_document_that_begins_elsewhere_before_it_ends_here_stays) {
  if (without_mongos()) return;
  cluster_and_set sets;
  auto through = sets.source.connect();
  shard_by_key(sets.source);
  through.run("shop", R"({"insert": "moving", "documents": [{"_id": 1, "k": 1}, {"_id": 2, "k": 2}]})");
  const auto run = sets.make();
  ASSERT_TRUE(run->start_now());
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.can_commit; }));
  through.run("shop", R"({"insert": "moving", "documents": [{"_id": 1, "k": 900, "moved": true}]})");
  through.run("shop", R"({"delete": "moving", "deletes": [{"q": {"_id": 1, "k": 1}, "limit": 1}]})");
  through.run("shop", R"({"delete": "moving", "deletes": [{"q": {"_id": 2, "k": 2}, "limit": 1}]})");
  commit(*run);
  sets.expect_equal();
}

TEST(sync_sharded, goes_on_after_being_killed_at_any_moment) {
  if (without_mongos()) return;
  const auto seed = test_seed();
  std::mt19937_64 random(seed);
  cluster_and_set sets;
  auto through = sets.source.connect();
  sets.source.shard_collection("shop", "hashed", R"({"_id": "hashed"})");
  lab::load_lim(sets.source.uri(), {.documents = 20'000, .database = "shop", .collection = "hashed"});
  shard_by_key(sets.source);
  everything storm(sets.source.uri(), seed + 1);
  application writer(sets.source.uri());
  moved_documents moving(sets.source.uri(), seed + 2);
  for (int life = 0; life < lab::random_kills(); ++life) {
    const auto run = sets.start(false);
    std::this_thread::sleep_for(std::chrono::milliseconds(100 + random() % 2500));
    ASSERT_TRUE(run->process().running()) << run->wait(1s).code << run->output();
    run->process().signal(SIGKILL);
    EXPECT_EQ(run->wait(10s).signal, SIGKILL);
    change_the_catalog(through, "life" + std::to_string(life));
  }
  storm.stop();
  writer.stop();
  moving.stop();
  const auto last = sets.start(true);
  EXPECT_TRUE(last->wait(120s).success()) << last->output();
  sets.expect_equal();
}

// What the mongos has not heard of: a write to a shard that went another way.
TEST(sync_sharded, a_fence_is_behind_every_write_that_was_acknowledged) {
  if (without_mongos()) return;
  lab::sharded_cluster source;
  cluster::testing::lane on;
  const auto mongos = cluster::testing::open(on, source.uri());
  for (int n = 0; n < 10; ++n) {
    for (const std::size_t shard : {0U, 1U}) {
      auto straight = source.shard(shard).connect();
      const auto reply = straight.run(shard == 0 ? "here" : "there", R"({"insert": "c", "documents": [{}, {}, {}]})");
      const bson::document_view said(reinterpret_cast<const std::byte*>(reply.raw().data()));
      const auto written = said.find("operationTime").as_timestamp().value_or(bson::timestamp{});
      ASSERT_NE(written, bson::timestamp{});
      EXPECT_GE(on.must(capture::append_fence(*mongos)), written);
    }
  }
}

TEST(sync_sharded, is_refused_what_a_cluster_cannot_do) {
  if (without_mongos()) return;
  auto to = set_of("dst");
  to.server.root = lab::credentials{"root", "secret"};  // whose writes could be refused
  cluster_and_set sets(to);
  sets.destination.add_user({"mover", "word"}, R"(["root", "restore"])");
  lab::load_lim(sets.source.uri(), {.documents = 10});
  const auto reason_of = [](const sync_settings& settings) {
    sync_session run(settings, {});
    EXPECT_TRUE(run.start_now());
    const auto how = run.wait();
    return how ? std::string("nothing was refused") : how.error().message;
  };
  auto by_oplog = sets.settings();
  by_oplog.copy.destination_uri = sets.destination.uri_as(lab::credentials{"mover", "word"});
  by_oplog.capture = "oplog";
  const auto no_oplog = reason_of(by_oplog);
  EXPECT_NE(no_oplog.find("is a mongos, which has no oplog"), std::string::npos) << no_oplog;
  auto blocking = by_oplog;
  blocking.capture = "auto";
  blocking.block_writes = write_blocking::source_and_destination;
  const auto why = reason_of(blocking);
  EXPECT_NE(why.find("cannot be blocked before version 6.0"), std::string::npos) << why;
}

}  // namespace
}  // namespace sluice::session
