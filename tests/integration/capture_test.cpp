// Following real servers by their oplog: every entry once and in order, over restarts, elections and errors, judged by
// the oplog as libmongoc reads it.
#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "tests/integration/capture_lane.hpp"
#include "tests/integration/capture_workload.hpp"
#include "tests/lab/writer.hpp"

namespace sluice::capture {
namespace {

using namespace testing;
using cluster::testing::set_of;

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

class capture_oplog : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(of, capture_oplog, ::testing::Values("4.4.2", "5.0.4", "6.0.27"), [](const auto& one) {
  std::string name = one.param;
  std::ranges::replace(name, '.', '_');
  return name;
});

TEST_P(capture_oplog, delivers_every_entry_once_and_in_order) {
  lab::replica_set set(set_of("rs0", GetParam()));
  auto source = set.connect();
  const auto from = start_of(set.uri());
  change_everything(source, "before");  // a backlog ...
  collected spool;
  following capture(job_for(set.uri(), from), spool);
  change_everything(source, "shop");  // ... and while it runs
  lab::write_for(set.uri(), {.duration = 1s, .seed = 7});
  const auto end = fence(source);
  ASSERT_TRUE(spool.wait_for(end));
  EXPECT_LT(capture.stop(), 1s);
  EXPECT_EQ(capture.outcome().kind, error_kind::cancelled);

  const auto expected = oplog_of(source, from, end);
  EXPECT_GT(expected.size(), 100u);
  expect_same(spool.entries(), expected);
  expect_kept(spool);
  EXPECT_EQ(capture.counters.entries.load(), static_cast<std::int64_t>(expected.size()));
  EXPECT_GT(capture.counters.filtered.load(), 0);
  EXPECT_GE(capture.counters.seen_until.load(), std::uint64_t{end.seconds} << 32U | end.increment);
  EXPECT_GE(capture.counters.source_newest.load(), capture.counters.seen_until.load());
  EXPECT_EQ(capture.counters.reconnects.load(), 0);
}

TEST(capture, goes_on_behind_what_the_spool_holds) {
  lab::replica_set set(set_of("rs0"));
  auto source = set.connect();
  const auto from = start_of(set.uri());
  change_everything(source, "shop");
  collected first;
  {
    following capture(job_for(set.uri(), from), first);
    ASSERT_TRUE(first.wait_for(fence(source)));
  }
  change_everything(source, "more");
  auto job = job_for(set.uri(), first.last());
  job.exact = true;
  collected second;
  following capture(job, second);
  const auto end = fence(source);
  ASSERT_TRUE(second.wait_for(end));
  auto both = first.entries();
  for (auto& one : second.entries()) both.push_back(one);
  expect_same(both, oplog_of(source, from, end));
}

TEST(capture, takes_only_what_the_filter_takes) {
  lab::replica_set set(set_of("rs0"));
  auto source = set.connect();
  const auto from = start_of(set.uri());
  auto job = job_for(set.uri(), from);
  job.filter.include = {"shop.orders", "kept"};
  collected spool;
  following capture(job, spool);
  for (const auto* database : {"shop", "kept", "other"}) {
    source.run(database, R"({"insert": "orders", "documents": [{"_id": 1}, {"_id": 2}]})");
    source.run(database, R"({"insert": "items", "documents": [{"_id": 1}]})");
    source.run(database, R"({"createIndexes": "items", "indexes": [{"key": {"a": 1}, "name": "a_1"}]})");
    source.run(database, R"({"create": "recent", "viewOn": "orders", "pipeline": []})");
  }
  source.run("admin", R"({"renameCollection": "shop.items", "to": "kept.moved"})");
  source.run("admin", R"({"renameCollection": "shop.orders", "to": "shop.old"})");
  source.run("other", R"({"dropDatabase": 1})");
  const auto end = fence(source);
  ASSERT_TRUE(spool.wait_for(end));
  const auto expected = oplog_of(source, from, end, [](const lab::document& entry) {
    const auto ns = entry.text("ns");
    if (!is_users(entry) || ns.starts_with("other.")) return false;
    if (ns.starts_with("kept.") || ns == "shop.orders") return true;
    const auto named = entry.text("o.create") + entry.text("o.renameCollection");
    return named == "orders" || named == "shop.orders" || named == "system.views";
  });
  expect_same(spool.entries(), expected);
  // Entries of the rest moved the position, too: nothing of it is waited for.
  EXPECT_GE(capture.counters.filtered.load(), 5);
}

TEST(capture, says_how_far_it_has_seen_while_nothing_concerns_us) {
  lab::replica_set set(set_of("rs0"));
  auto source = set.connect();
  auto job = job_for(set.uri(), start_of(set.uri()));
  job.filter.include = {"nothing.here"};
  collected spool;
  following capture(job, spool);
  for (int i = 0; i < 5; ++i) {
    const auto written = time_in(source.run("shop", R"({"insert": "orders", "documents": [{}]})"));
    ASSERT_TRUE(spool.wait_for(written, 5s));
  }
  EXPECT_TRUE(spool.entries().empty());
  expect_kept(spool);
}

TEST(capture, survives_a_restart_of_the_source) {
  lab::replica_set set(set_of("rs0"));
  auto source = set.connect();
  const auto from = start_of(set.uri());
  collected spool;
  following capture(job_for(set.uri(), from), spool);
  change_everything(source, "before");
  set.node(0).kill();
  set.node(0).restart();
  (void)set.primary();
  auto again = set.connect();
  change_everything(again, "after");
  const auto end = fence(again);
  ASSERT_TRUE(spool.wait_for(end));
  EXPECT_GE(capture.counters.reconnects.load(), 1);
  EXPECT_TRUE(capture.running());
  expect_same(spool.entries(), oplog_of(again, from, end));
  expect_kept(spool);
}

TEST(capture, survives_elections_and_the_death_of_primaries) {
  lab::replica_set set(set_of("rs3", {}, 3));
  auto source = set.connect();
  const auto from = start_of(set.uri());
  collected spool;
  following capture(job_for(set.uri(), from), spool);
  std::thread writer(
      [&set] { lab::write_for(set.uri() + "&retryWrites=true", {.duration = 6s, .seed = 3, .endures = true}); });
  const std::string alone = R"({"insert": "c", "documents": [{}], "writeConcern": {"w": "majority"}})";
  const auto written = time_in(set.primary().connect().run("shop", alone));
  ASSERT_TRUE(spool.wait_for(written));
  set.step_down();
  ASSERT_TRUE(spool.wait_for(time_in(set.primary().connect().run("shop", alone))));
  auto& dead = set.primary();
  dead.kill();
  ASSERT_TRUE(spool.wait_for(time_in(set.primary().connect().run("shop", alone))));
  dead.restart();
  writer.join();
  auto primary = set.primary().connect();
  const auto end = fence(primary);
  ASSERT_TRUE(spool.wait_for(end));
  expect_same(spool.entries(), oplog_of(primary, from, end));
  expect_kept(spool);
}

TEST(capture, looks_for_the_primary_when_a_node_falls_silent) {
  lab::replica_set set(set_of("rs3", {}, 3));
  const auto from = start_of(set.uri());
  collected spool;
  following capture(job_for(set.uri(), from), spool);
  const std::string alone = R"({"insert": "c", "documents": [{}], "writeConcern": {"w": "majority"}})";
  ASSERT_TRUE(spool.wait_for(time_in(set.primary().connect().run("shop", alone))));
  auto& frozen = set.primary();
  frozen.freeze();
  lab::mongod_process* fresh = nullptr;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (&set.node(i) != &frozen) fresh = &set.node(i);
  }
  // The two others elect one of them; either of them tells which.
  auto asked = fresh->connect();
  const auto elected = [&] {
    const auto hello = asked.run("admin", R"({"hello": 1})");
    return hello.boolean("isWritablePrimary") || (hello.has("primary") && hello.text("primary") != frozen.address());
  };
  for (const auto began = std::chrono::steady_clock::now(); !elected();) {
    ASSERT_LT(std::chrono::steady_clock::now() - began, 60s);
    std::this_thread::sleep_for(100ms);
  }
  const auto hello = asked.run("admin", R"({"hello": 1})");
  const auto primary_uri = "mongodb://" + hello.text("primary") + "/?directConnection=true";
  lab::client primary(primary_uri);
  // It is called the primary before it takes writes.
  lab::document reply;
  bson_error_t why{};
  const auto takes_writes = [&] { return primary.try_run("shop", lab::document::json(alone), reply, why); };
  ASSERT_TRUE(lab::eventually(takes_writes, 60s)) << why.message;
  EXPECT_TRUE(spool.wait_for(time_in(reply), 90s));
  EXPECT_GE(capture.counters.reconnects.load(), 1);
  frozen.thaw();
}

TEST(capture, takes_nothing_that_is_not_committed_by_a_majority) {
  lab::replica_set set(set_of("rs3", {}, 3));
  auto primary = set.primary().connect();
  const auto from = start_of(set.uri());
  collected spool;
  following capture(job_for(set.uri(), from), spool);
  ASSERT_TRUE(spool.wait_for(fence(primary)));
  std::vector<lab::client> secondaries;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (set.node(i).address() == set.primary().address()) continue;
    secondaries.push_back(set.node(i).connect());
    secondaries.back().run("admin", R"({"configureFailPoint": "stopReplProducer", "mode": "alwaysOn"})");
  }
  // A fetch that is under way brings a last batch: written until one is not followed by a majority.
  bson::timestamp uncommitted;
  for (int tries = 0; tries < 50 && uncommitted == bson::timestamp{}; ++tries) {
    lab::document reply;
    bson_error_t why{};
    primary.try_run("shop", lab::document::json(R"({"insert": "c", "documents": [{}],
                                                    "writeConcern": {"w": "majority", "wtimeout": 2000}})"),
                    reply, why);
    if (reply.has("writeConcernError")) uncommitted = time_in(reply);
  }
  ASSERT_NE(uncommitted, bson::timestamp{});
  // Several empty replies of the tail lie in this time.
  EXPECT_FALSE(spool.wait_for(uncommitted, 3s));
  EXPECT_LT(spool.last(), uncommitted);
  for (auto& one : secondaries) one.run("admin", R"({"configureFailPoint": "stopReplProducer", "mode": "off"})");
  EXPECT_TRUE(spool.wait_for(uncommitted));
  const auto end = fence(primary);
  ASSERT_TRUE(spool.wait_for(end));
  expect_same(spool.entries(), oplog_of(primary, from, end));
  expect_kept(spool);
}

TEST(capture, opens_another_cursor_when_the_server_ends_one) {
  lab::replica_set set(set_of("rs0"));
  auto source = set.connect();
  const auto from = start_of(set.uri());
  collected spool;
  following capture(job_for(set.uri(), from), spool);
  int reconnects = 0;
  for (const auto* how : {R"("errorCode": 43)", R"("errorCode": 136)", R"("errorCode": 237)", R"("errorCode": 11602)",
                          R"("closeConnection": true)"}) {
    ASSERT_TRUE(spool.wait_for(fence(source)));
    source.run("admin", std::string(R"({"configureFailPoint": "failCommand", "mode": {"times": 1},
                                        "data": {"failCommands": ["getMore"], )") +
                            how + "}}");
    change_everything(source, "shop" + std::to_string(++reconnects));
  }
  const auto end = fence(source);
  ASSERT_TRUE(spool.wait_for(end));
  EXPECT_GE(capture.counters.reconnects.load(), reconnects);
  expect_same(spool.entries(), oplog_of(source, from, end));
  expect_kept(spool);
}

TEST(capture, offers_a_chunk_until_the_spool_takes_it) {
  lab::replica_set set(set_of("rs0"));
  auto source = set.connect();
  const auto from = start_of(set.uri());
  collected spool;
  spool.refuse(4);
  following capture(job_for(set.uri(), from), spool);
  change_everything(source, "shop");
  const auto end = fence(source);
  ASSERT_TRUE(spool.wait_for(end));
  EXPECT_GE(spool.pushes(), 5);
  expect_same(spool.entries(), oplog_of(source, from, end));
}

TEST(capture, ends_at_once_while_the_spool_takes_nothing) {
  lab::replica_set set(set_of("rs0"));
  auto source = set.connect();
  collected spool;
  spool.refuse(1'000'000);
  following capture(job_for(set.uri(), start_of(set.uri())), spool);
  source.run("shop", R"({"insert": "c", "documents": [{}]})");
  for (const auto began = std::chrono::steady_clock::now(); spool.pushes() < 2;) {
    ASSERT_LT(std::chrono::steady_clock::now() - began, 30s);
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_LT(capture.stop(), 1s);
  EXPECT_EQ(capture.outcome().kind, error_kind::cancelled);
}

TEST(capture, refuses_an_oplog_that_begins_too_late) {
  lab::replica_set set(set_of("rs0"));
  auto source = set.connect();
  const auto first = time_in(
      source.run("local", R"({"find": "oplog.rs", "limit": 1, "sort": {"$natural": 1}})").child("cursor.firstBatch.0"),
      "ts");
  for (const bool exact : {false, true}) {
    auto job = job_for(set.uri(), {first.seconds - 100, 3});
    job.exact = exact;
    collected spool;
    following capture(job, spool);
    const auto why = capture.outcome();
    EXPECT_EQ(why.kind, error_kind::refused);
    EXPECT_TRUE(contains(why.message, "rolled over")) << why.message;
    EXPECT_TRUE(contains(why.message, "Timestamp(" + std::to_string(first.seconds - 100) + ", 3)")) << why.message;
    EXPECT_TRUE(contains(why.message, "Timestamp(" + std::to_string(first.seconds) + ", ")) << why.message;
    EXPECT_TRUE(spool.entries().empty());
  }
}

TEST(capture, refuses_an_oplog_without_the_entry_it_stopped_at) {
  lab::replica_set set(set_of("rs0"));
  auto source = set.connect();
  const auto stopped = fence(source);
  fence(source);
  auto job = job_for(set.uri(), {stopped.seconds, stopped.increment + 1'000'000});
  job.exact = true;
  collected spool;
  following capture(job, spool);
  // The next second has one behind it.
  for (auto now = stopped; now.seconds == stopped.seconds;) now = fence(source);
  const auto why = capture.outcome();
  EXPECT_EQ(why.kind, error_kind::refused);
  EXPECT_TRUE(contains(why.message, "no entry of Timestamp(" + std::to_string(stopped.seconds))) << why.message;
  EXPECT_TRUE(spool.entries().empty());
}

TEST(capture, gives_up_after_its_patience) {
  lab::replica_set set(set_of("rs0"));
  auto source = set.connect();
  auto job = job_for(set.uri(), start_of(set.uri()));
  job.patience = 1s;
  collected spool;
  following capture(job, spool);
  ASSERT_TRUE(spool.wait_for(fence(source)));
  set.node(0).kill();
  const auto why = capture.outcome();
  EXPECT_NE(why.kind, error_kind::cancelled);
  EXPECT_TRUE(contains(why.message, set.node(0).address())) << why.message;
}

TEST(capture, chooses_its_way_by_what_it_may_read) {
  auto options = set_of("rs0");
  options.server.root = lab::credentials{"root", "secret"};
  lab::replica_set set(options);
  set.add_user({"reader", "word"}, R"(["readAnyDatabase"])");
  set.add_user({"backup", "word"}, R"(["backup"])");
  cluster::testing::lane on;
  const auto reader = cluster::testing::open(on, set.uri_as(lab::credentials{"reader", "word"}));
  EXPECT_EQ(on.must(choose_way(*reader, capture_way::automatic)), capture_way::change_stream);
  EXPECT_EQ(on.must(choose_way(*reader, capture_way::change_stream)), capture_way::change_stream);
  const auto refused = on.run(choose_way(*reader, capture_way::oplog));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, error_kind::refused);
  EXPECT_TRUE(contains(refused.error().message, "role backup or clusterMonitor")) << refused.error().message;
  const auto backup = cluster::testing::open(on, set.uri_as(lab::credentials{"backup", "word"}));
  EXPECT_EQ(on.must(choose_way(*backup, capture_way::automatic)), capture_way::oplog);
  EXPECT_EQ(on.must(choose_way(*backup, capture_way::oplog)), capture_way::oplog);
}

}  // namespace
}  // namespace sluice::capture
