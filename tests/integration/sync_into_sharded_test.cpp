// Live syncs into a sharded cluster, through a mongos: of a replica set, whose collections are sharded on the way, and
// of another cluster. The judge is the oracle, which reads through the mongos, too. Both sides are of the feature
// compatibility version 4.4, which is what the mongos at hand can serve.
#include <array>
#include <random>
#include <utility>

#include "bson/extended_json.hpp"
#include "tests/integration/moved_documents.hpp"
#include "tests/integration/sluice_program.hpp"
#include "tests/integration/sync_lane.hpp"
#include "tests/lab/not_run.hpp"
#include "tests/lab/scenario_time.hpp"
#include "tests/lab/sharded_cluster.hpp"

namespace sluice::session {
namespace {

using namespace testing;

bool without_mongos() {
  if (lab::find_mongos()) return false;
  lab::not_run("no mongos: set MONGOS or run tools/bootstrap --all-versions beside a mongos archive");
  return true;
}

/// shop.hashed by its `_id`, shop.moving by a field that changes, shop.large by ranges of one that does not.
constexpr const char* entries = R"({"createSupportingIndexes": true, "shardingEntries": [
    {"database": "shop", "collection": "hashed", "shardCollection": {"key": [{"_id": "hashed"}]}},
    {"database": "shop", "collection": "large", "shardCollection": {"key": [{"number": 1}, {"_id": 1}]}},
    {"database": "shop", "collection": "moving", "shardCollection": {"key": [{"k": "hashed"}]}}]})";

cluster::sharding_choice choice_of(const char* json) {
  const auto document = lab::document::json(json);
  auto made =
      cluster::sharding_choice::of(bson::document_view(reinterpret_cast<const std::byte*>(document.raw().data())));
  EXPECT_TRUE(made) << made.error().message;
  return made.value();
}

/// How many documents each shard has by itself, smallest first.
std::vector<std::int64_t> shares(lab::sharded_cluster& of, const std::string& database, const std::string& collection) {
  std::vector<std::int64_t> counts;
  for (std::size_t shard = 0; shard < 2; ++shard) {
    auto straight = of.shard(shard).connect();
    counts.push_back(straight.run(database.c_str(), R"({"count": ")" + collection + "\"}").integer("n"));
  }
  std::ranges::sort(counts);
  return counts;
}

/// Catalog changes as seldom as a cluster can keep up with: each takes tens of milliseconds there. No transactions:
/// large ones stop a server of 5.0 with so small a cache for a minute.
lab::storm_options storm_of(std::uint64_t seed) {
  return {.pause = 1ms, .seed = seed, .catalog_every = 250, .transactions = false, .only_plain = true};
}

class set_and_cluster {
 public:
  explicit set_and_cluster(const lab::sharded_cluster_options& of = {})
      : source(set_of("src", "5.0.4")), destination(of) {
    source.connect().run("admin", R"({"setFeatureCompatibilityVersion": "4.4"})");
  }

  [[nodiscard]] sync_settings settings() const {
    sync_settings chosen;
    chosen.copy.source_uri = source.uri();
    chosen.copy.destination_uri = destination.uri();
    chosen.copy.retry_time = 60s;
    chosen.copy.sharding = choice_of(entries);
    chosen.spool_dir = spool.path();
    return chosen;
  }
  [[nodiscard]] std::unique_ptr<sync_session> make() const {
    return std::make_unique<sync_session>(settings(), labels());
  }
  [[nodiscard]] std::unique_ptr<lab::sluice_program> start(bool commit) const {
    std::vector<std::string> arguments{
        "run",        "--source", source.uri(),  "--destination",       destination.uri(),
        "--sharding", entries,    "--spool-dir", spool.path().string(), "--port",
        "0"};
    if (commit) arguments.emplace_back("--commit-when-caught-up");
    return std::make_unique<lab::sluice_program>(std::move(arguments));
  }
  void expect_equal() const {
    const auto verdict = lab::compare({.source_uri = source.uri(), .destination_uri = destination.uri()});
    EXPECT_TRUE(verdict.equal()) << verdict.text();
    EXPECT_GT(verdict.documents, 0U);
  }
  void load(std::uint64_t documents) {
    for (const char* const collection : {"hashed", "large", "plain"}) {
      lab::load_lim(source.uri(), {.documents = documents, .database = "shop", .collection = collection});
    }
    auto through = source.connect();
    through.run("shop", R"({"createIndexes": "large", "indexes": [{"key": {"number": 1, "_id": 1}, "name": "own"},
                                   {"key": {"number": 1, "_id": 1, "score": 1}, "name": "single", "unique": true}]})");
    through.run("shop", R"({"createIndexes": "hashed", "indexes": [{"key": {"_id": "hashed"}, "name": "of_id"}]})");
    through.run("shop",
                R"({"createIndexes": "plain", "indexes": [{"key": {"number": 1}, "name": "n", "unique": true}]})");
    through.run("shop", R"({"createIndexes": "moving", "indexes": [{"key": {"k": "hashed"}, "name": "by_k"}]})");
  }

  lab::replica_set source;
  lab::sharded_cluster destination;
  scratch_folder spool;
};

/// Until it is told to stop: documents of shop.moving lose, get and change what they are sharded by, in every way there
/// is, among changes of other fields; come and go, and are replaced.
class moving_documents {
 public:
  moving_documents(std::string uri, std::uint64_t seed) {
    thread_ = std::thread([this, uri = std::move(uri), seed] { work(uri, seed); });
  }
  ~moving_documents() { stop(); }
  moving_documents(const moving_documents&) = delete;
  moving_documents& operator=(const moving_documents&) = delete;
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::atomic<std::uint64_t> steps{0};

 private:
  void work(const std::string& uri, std::uint64_t seed) {
    lab::client through(uri);
    std::mt19937_64 random(seed);
    while (!stop_) {
      std::this_thread::sleep_for(4ms);  // no more than transactions can follow on a machine of two cores
      const std::string command = any(random);
      lab::document reply;
      bson_error_t ignored{};
      through.try_run("shop", lab::document::json(command), reply, ignored);
      ++steps;
    }
  }

  static std::string any(std::mt19937_64& random) {
    const std::string id = std::to_string(random() % 40);
    const std::string k = std::to_string(random() % 1000);
    const auto update = [&id](const std::string& how, bool upsert = false) {
      return R"({"update": "moving", "updates": [{"q": {"_id": )" + id + R"(}, "u": )" + how + R"(, "upsert": )" +
             (upsert ? "true" : "false") + "}]}";
    };
    switch (random() % 12) {
      case 0:
      case 1:
        return R"({"insert": "moving", "documents": [{"_id": )" + id + R"(, "k": )" + k + R"(, "n": [1, 2]}]})";
      case 2:
        return R"({"delete": "moving", "deletes": [{"q": {"_id": )" + id + R"(}, "limit": 1}]})";
      case 3:
        return update(R"({"$push": {"n": 7}, "$inc": {"c": 1}})");
      case 4:
        return update(R"({"$set": {"k": )" + k + R"(, "with.it": )" + k + "}}");
      case 5:
        return update(R"({"$inc": {"k": 300}})");
      case 6:
        return update(R"({"$unset": {"k": 1}, "$set": {"without": true}})");
      case 7:
        return update(R"({"k": )" + k + R"(, "whole": true})", true);
      case 8:
        return update(R"([{"$set": {"k": {"$subtract": [1000, {"$ifNull": ["$k", 0]}]}, "piped": true}}])");
      case 9:
        return update(R"({"$set": {"a.b": )" + k + R"(}, "$unset": {"without": 1}})");
      case 10:
        return update(R"({"$set": {"k": {"in": )" + k + "}}}");
      default:
        return update(R"({"$rename": {"k": "was"}})");
    }
  }

  std::atomic<bool> stop_{false};
  std::thread thread_;
};

TEST(sync_into_sharded, takes_everything_that_a_set_does) {
  if (without_mongos()) return;
  const auto seed = test_seed();
  spoken_warnings aloud;
  set_and_cluster sets;
  sets.load(12'000);
  auto before = storm_of(seed);
  before.commands = 300;
  lab::storm_for(sets.source.uri(), before);
  everything storm(sets.source.uri(), storm_of(seed + 1));
  moving_documents moving(sets.source.uri(), seed + 2);
  const auto run = sets.make();
  ASSERT_TRUE(run->start_now());
  ASSERT_TRUE(wait_until(
      *run, [](const progress& now) { return now.can_commit; }, lab::catch_up_time()));
  auto through = sets.destination.connect();
  EXPECT_EQ(through.run("admin", R"({"balancerStatus": 1})").text("mode"), "off");
  for (const char* const collection : {"hashed", "large"}) {
    const auto each = shares(sets.destination, "shop", collection);
    EXPECT_GT(each.front(), 2000) << collection;
    EXPECT_EQ(each.front() + each.back(), 12'000) << collection;
  }
  ASSERT_TRUE(run->pause());
  ASSERT_TRUE(wait_for(*run, state::paused));
  const auto then = storm.steps.load();
  const auto moved = moving.steps.load();
  ASSERT_TRUE(
      wait_until(*run, [&](const progress&) { return storm.steps > then + 300 && moving.steps > moved + 300; }));
  ASSERT_TRUE(run->resume());
  const auto end = std::chrono::steady_clock::now() + lab::scenario_time();
  ASSERT_TRUE(wait_until(
      *run,
      [&](const progress&) {
        return std::chrono::steady_clock::now() > end && storm.steps > then + 900 && moving.steps > moved + 1000 &&
               storm.catalog_changes > 5;
      },
      lab::catch_up_time()));
  storm.stop();
  moving.stop();
  EXPECT_GT(storm.done.catalog_changes, 5U);
  commit(*run, 120s);
  sets.expect_equal();
  EXPECT_EQ(run->snapshot(false).follow.violations, 0);
  EXPECT_EQ(through.run("admin", R"({"balancerStatus": 1})").text("mode"), "full");
  EXPECT_GT(shares(sets.destination, "shop", "moving").front(), 0);
}

// A mongos is a narrow place: as many as the URI names share the copy. One of them is away.
TEST(sync_into_sharded, every_mongos_of_the_uri_copies) {
  if (without_mongos()) return;
  set_and_cluster sets({.routers = 2});
  sets.load(3'000);
  // More than there are connections, so that each has something to do.
  for (int number = 0; number < 12; ++number) {
    lab::load_lim(sets.source.uri(),
                  {.documents = 500, .database = "more", .collection = "c" + std::to_string(number)});
  }
  const auto inserted_by = [&](std::size_t router) {
    return sets.destination.connect_to(router).run("admin", R"({"serverStatus": 1})").integer("opcounters.insert");
  };
  const auto first = inserted_by(0);
  const auto second = inserted_by(1);
  std::string uri = sets.destination.uri();
  uri.insert(uri.rfind('/'), ",127.0.0.1:1");
  lab::sluice_program copying(
      {"copy", "--source", sets.source.uri(), "--destination", uri, "--sharding", entries, "--connections", "4"});
  EXPECT_TRUE(copying.wait(60s).success()) << copying.output();
  EXPECT_GE(inserted_by(0) - first, 500) << copying.output();
  EXPECT_GE(inserted_by(1) - second, 500) << copying.output();
  sets.expect_equal();
}

TEST(sync_into_sharded, goes_on_after_being_killed_at_any_moment) {
  if (without_mongos()) return;
  const auto seed = test_seed();
  std::mt19937_64 random(seed);
  set_and_cluster sets;
  sets.load(20'000);
  everything storm(sets.source.uri(), storm_of(seed + 1));
  application writer(sets.source.uri());
  moving_documents moving(sets.source.uri(), seed + 2);
  for (int life = 0; life < lab::random_kills(); ++life) {
    const auto run = sets.start(false);
    std::this_thread::sleep_for(std::chrono::milliseconds(100 + random() % 2500));
    ASSERT_TRUE(run->process().running()) << run->wait(1s).code << run->output();
    run->process().signal(SIGKILL);
    EXPECT_EQ(run->wait(10s).signal, SIGKILL);
  }
  storm.stop();
  writer.stop();
  moving.stop();
  const auto last = sets.start(true);
  EXPECT_TRUE(last->wait(120s).success()) << last->output();
  sets.expect_equal();
}

TEST(sync_into_sharded, a_user_with_the_roles_of_the_manual_is_enough) {
  if (without_mongos()) return;
  set_and_cluster sets({.root = lab::credentials{"root", "r00t"}});
  sets.load(2'000);
  const lab::credentials lacking{"lacking", "p@ss"};
  const lab::credentials writer{"writer", "also%this"};
  sets.destination.add_user(lacking, R"(["readWriteAnyDatabase", "dbAdminAnyDatabase", "clusterMonitor", "restore"])");
  sets.destination.add_user(
      writer, R"(["readWriteAnyDatabase", "dbAdminAnyDatabase", "clusterMonitor", "restore", "clusterManager"])");
  auto settings = sets.settings();
  settings.copy.destination_uri = sets.destination.uri_as(lacking);
  sync_session refused(settings, labels());
  ASSERT_TRUE(refused.start_now());
  ASSERT_TRUE(wait_for(refused, state::failed));
  const auto why = refused.snapshot(false).failure;
  ASSERT_TRUE(why.has_value());
  EXPECT_NE(why->message.find("clusterManager"), std::string::npos) << why->message;

  settings.copy.destination_uri = sets.destination.uri_as(writer);
  sync_session run(settings, labels());
  ASSERT_TRUE(run.start_now());
  moving_documents moving(sets.source.uri(), test_seed());
  ASSERT_TRUE(wait_until(run, [&](const progress& now) { return now.can_commit && moving.steps > 200; }));
  moving.stop();
  commit(run, 60s);
  sets.expect_equal();
}

// Nobody is told which writes an election takes back: none may have been acknowledged too early.
TEST(sync_into_sharded, loses_nothing_by_elections_of_shards) {
  if (without_mongos()) return;
  const auto seed = test_seed();
  set_and_cluster sets({.nodes = 3});
  sets.load(20'000);
  application writer(sets.source.uri());
  moving_documents moving(sets.source.uri(), seed);
  const auto run = sets.make();
  ASSERT_TRUE(run->start_now());
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.documents_copied > 10'000; }));
  lab::mongod_process& dies = sets.destination.shard(0).primary();
  dies.kill();
  ASSERT_TRUE(wait_until(
      *run, [](const progress& now) { return now.at == phase::change_application; }, 180s));
  dies.restart();
  for (int election = 0; election < 4; ++election) {
    const auto then = moving.steps.load();
    ASSERT_TRUE(wait_until(*run, [&](const progress&) { return moving.steps > then + 200; }));
    lab::replica_set& shard = sets.destination.shard(static_cast<std::size_t>(election % 2));
    if (election < 2) {
      lab::mongod_process& primary = shard.primary();
      primary.kill();
      static_cast<void>(shard.primary());
      primary.restart();
    } else {
      shard.step_down();
    }
  }
  writer.stop();
  moving.stop();
  commit(*run, 180s);
  sets.expect_equal();
}

/// The shard that does not hold the run's checkpoint.
std::size_t shard_without_checkpoint(const lab::sharded_cluster& of) {
  auto through = of.connect();
  const auto found = through.run("config", R"({"find": "databases", "filter": {"_id": "__mdb_internal_sluice"}})");
  return found.text("cursor.firstBatch.0.primary") == "shard0" ? 1 : 0;
}

// Writes that one node alone has, when it dies, are no writes: a position must not have counted them.
TEST(sync_into_sharded, a_write_counts_when_a_majority_of_its_shard_has_it) {
  if (without_mongos()) return;
  set_and_cluster sets({.nodes = 3});
  sets.load(1000);
  const auto run = sets.make();
  ASSERT_TRUE(run->start_now());
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.can_commit; }));
  lab::replica_set& shard = sets.destination.shard(shard_without_checkpoint(sets.destination));
  lab::mongod_process& primary = shard.primary();
  const auto replicate = [&](bool on) {
    for (std::size_t i = 0; i < shard.size(); ++i) {
      if (&shard.node(i) == &primary) continue;
      shard.node(i).connect().run("admin", std::string(R"({"configureFailPoint": "stopReplProducer", "mode": ")") +
                                               (on ? "off" : "alwaysOn") + "\"}");
    }
  };
  const auto count = [&] { return primary.connect().run("shop", R"({"count": "hashed"})").integer("n"); };
  replicate(false);
  const auto before = count();
  auto source = sets.source.connect();
  for (int n = 0; n < 100; ++n) {
    source.run("shop", R"({"insert": "hashed", "documents": [{"_id": )" + std::to_string(n) + "}]}");
  }
  ASSERT_TRUE(lab::eventually([&] { return count() > before; }, 30s));
  // A position that counted them would be durable by now.
  const auto applied = run->snapshot(false).follow.events_applied;
  lab::eventually([&] { return run->snapshot(false).follow.events_applied > applied + 50; }, 4s);
  auto checkpoint = sets.destination.connect();
  const auto position = [&] {
    return checkpoint.run("__mdb_internal_sluice", R"({"find": "apply"})").integer("cursor.firstBatch.0.number");
  };
  const auto stored = position();
  lab::eventually([&] { return position() > stored + 1; }, 4s);
  primary.kill();
  replicate(true);
  static_cast<void>(shard.primary());
  primary.restart();
  commit(*run, 180s);
  sets.expect_equal();
}

class two_clusters {
 public:
  two_clusters() {
    auto through = source.connect();
    through.run("admin", R"({"balancerStop": 1})");
  }
  [[nodiscard]] sync_settings settings() const {
    sync_settings chosen;
    chosen.copy.source_uri = source.uri();
    chosen.copy.destination_uri = destination.uri();
    chosen.copy.retry_time = 60s;
    chosen.spool_dir = spool.path();
    return chosen;
  }

  lab::sharded_cluster source;
  lab::sharded_cluster destination;
  scratch_folder spool;
};

/// Names and keys of what is sharded.
std::string shard_keys(const lab::sharded_cluster& of) {
  auto through = of.connect();
  const auto found = through.run("config", R"({"find": "collections", "filter": {"dropped": {"$ne": true},
      "_id": {"$not": {"$regex": "^config"}}}, "projection": {"key": 1}, "sort": {"_id": 1}})");
  const auto list = found.child("cursor.firstBatch");
  return lab::to_text(*list.get(), 10'000);
}

TEST(sync_into_sharded, takes_over_the_shard_keys_of_a_cluster) {
  if (without_mongos()) return;
  const auto seed = test_seed();
  two_clusters both;
  auto through = both.source.connect();
  both.source.shard_collection("shop", "hashed", R"({"_id": "hashed"})");
  both.source.shard_collection("shop", "never_written", R"({"x": 1, "y": "hashed"})");
  for (const char* const collection : {"hashed", "unsharded"}) {
    lab::load_lim(both.source.uri(), {.documents = 3000, .database = "shop", .collection = collection});
  }
  shard_by_key(both.source);
  application writer(both.source.uri());
  moved_documents moving(both.source.uri(), seed);
  sync_session run(both.settings(), {});
  ASSERT_TRUE(run.start_now());
  ASSERT_TRUE(wait_until(run, [](const progress& now) { return now.can_commit; }));
  both.source.shard_collection("during", "made", R"({"_id": "hashed"})");
  through.run("during", R"({"insert": "made", "documents": [{"_id": 1}, {"_id": 2}, {"_id": 3}, {"_id": 4}]})");
  const auto then = moving.moved.load();
  ASSERT_TRUE(wait_until(
      run, [&](const progress&) { return moving.moved > then + 200; }, lab::catch_up_time()));
  writer.stop();
  moving.stop();
  commit(run, 120s);
  const auto verdict = lab::compare({.source_uri = both.source.uri(), .destination_uri = both.destination.uri()});
  EXPECT_TRUE(verdict.equal()) << verdict.text();
  EXPECT_EQ(shard_keys(both.destination), shard_keys(both.source));
}

TEST(sync_into_sharded, is_refused_what_a_cluster_cannot_keep) {
  if (without_mongos()) return;
  set_and_cluster sets;
  auto through = sets.source.connect();
  const auto reason_of = [&sets](const char* entry) {
    auto settings = sets.settings();
    settings.copy.sharding.reset();
    if (entry != nullptr) settings.copy.sharding = choice_of(entry);
    sync_session run(settings, {});
    EXPECT_TRUE(run.start_now());
    const auto how = run.wait();
    return how ? std::string("nothing was refused") : how.error().message;
  };
  const auto expect_reason = [&](const char* entry, const std::string& words) {
    const auto reason = reason_of(entry);
    EXPECT_NE(reason.find(words), std::string::npos) << reason;
  };
  constexpr const char* by_k = R"({"shardingEntries": [{"database": "shop", "collection": "c",
                                   "shardCollection": {"key": [{"k": 1}]}}]})";
  constexpr const char* none = R"({"shardingEntries": []})";
  through.run("shop", R"({"insert": "c", "documents": [{"_id": 1, "k": 1}]})");
  expect_reason(nullptr, "which collections are to be sharded");
  expect_reason(by_k, "createSupportingIndexes");
  through.run("shop", R"({"createIndexes": "c", "indexes": [{"key": {"k": 1}, "name": "k"},
                                                             {"key": {"a": 1}, "name": "a", "unique": true}]})");
  expect_reason(by_k, "its index \"a\" is unique");
  through.run("shop", R"({"drop": "c"})");
  through.run("shop", R"({"create": "c", "collation": {"locale": "de"}})");
  expect_reason(by_k, "has a collation");
  through.run("shop", R"({"drop": "c"})");
  through.run("shop", R"({"create": "c", "capped": true, "size": 4096})");
  expect_reason(none, "shop.c is capped");
  through.run("shop", R"({"drop": "c"})");
  through.run("shop",
              R"({"createIndexes": "c", "indexes": [{"key": {"t": 1}, "name": "t", "expireAfterSeconds": 9}]})");
  expect_reason(none, "TTL index \"t\"");
  auto there = sets.destination.connect();
  through.run("shop", R"({"drop": "c"})");
  through.run("shop", R"({"insert": "c", "documents": [{"_id": 1, "k": 1}]})");
  through.run("shop", R"({"createIndexes": "c", "indexes": [{"key": {"k": 1}, "name": "k"}]})");
  there.run("admin", R"({"addShardToZone": "shard0", "zone": "here"})");
  there.run("admin", R"({"updateZoneKeyRange": "shop.c", "min": {"k": 0}, "max": {"k": 9}, "zone": "here"})");
  expect_reason(by_k, "has zones on the destination");
  const auto left = there.run("admin", R"({"listDatabases": 1, "nameOnly": true, "filter": {"name": "shop"}})");
  EXPECT_TRUE(left.child("databases").elements().empty());
}

}  // namespace
}  // namespace sluice::session
