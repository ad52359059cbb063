// Capture by a change stream: what comes out of it is what the oplog says, and a migration by it ends in the same
// destination.
#include <algorithm>
#include <regex>

#include "tests/integration/capture_lane.hpp"
#include "tests/integration/capture_workload.hpp"
#include "tests/integration/sync_lane.hpp"
#include "tests/unit/capture/oplog_entries.hpp"

namespace sluice::capture {
namespace {

using namespace testing;
using cluster::testing::set_of;
using lines = testing::lines;

/// What the reader makes of captured entries, given one by one; commands by the namespace they name, with what the two
/// ways write differently made the same.
lines changes_in(const std::vector<std::string>& entries) {
  std::vector<bson::document> documents;
  for (const auto& one : entries) documents.emplace_back(view_of(one));
  lines found;
  change_reader reader{reader_options{}};
  reader.give(chunk_of(documents));
  for (;;) {
    const auto next = reader.next();
    if (!next) throw std::runtime_error(next.error().message);
    if (!next.value()) return found;
    const auto& one = *next.value();
    if (one.ns.ends_with(".system.views") && one.kind == change_kind::update) {
      found.push_back("view modified");
      continue;
    }
    const std::string at = describe(one.at) + " ";
    if (one.kind != change_kind::command) {
      found.push_back(at + std::string(one.ns) + " " + bson::to_json(one.o) +
                      (one.kind == change_kind::update ? bson::to_json(one.o2) : ""));
      continue;
    }
    const auto first = *one.o.begin();
    const std::string name(first.key());
    found.push_back(at + (name == "commitIndexBuild" ? "createIndexes" : name) + " " + bson::value_to_json(first));
  }
}

TEST(capture_stream, tells_what_the_oplog_tells) {
  lab::replica_set set(set_of("rs0"));
  auto source = set.connect();
  const auto from = start_of(set.uri());
  change_everything(source, "before");
  collected by_stream;
  following stream(job_for(set.uri(), from, capture_way::change_stream), by_stream);
  collected by_oplog;
  following oplog(job_for(set.uri(), from, capture_way::oplog), by_oplog);
  change_everything(source, "shop");
  lab::write_for(set.uri(), {.duration = 1s, .seed = 7});
  source.run("shop", R"({"create": "conv"})");
  source.run("shop", R"({"insert": "conv", "documents": [{"_id": 1}, {"_id": 2}]})");
  source.run("shop", R"({"convertToCapped": "conv", "size": 100000})");
  const std::string large(16U * 1024 * 1024 - 100, 'x');
  source.run("shop", lab::document::json(R"({"insert": "large", "documents": [{"_id": 1, "p": ")" + large + "\"}]}"));
  const auto end = fence(source);
  ASSERT_TRUE(by_stream.wait_for(end));
  ASSERT_TRUE(by_oplog.wait_for(end));
  EXPECT_EQ(stream.counters.reconnects.load(), 0);
  const auto told = changes_in(by_stream.entries());
  const auto expected = changes_in(by_oplog.entries());
  EXPECT_GT(expected.size(), 300U);
  for (std::size_t i = 0; i < std::min(told.size(), expected.size()); ++i)
    ASSERT_EQ(told[i].substr(0, 2000), expected[i].substr(0, 2000)) << i;
  EXPECT_EQ(told.size(), expected.size());
  EXPECT_LT(stream.stop(), 1s);
}

TEST(capture_stream, goes_on_over_errors_and_in_another_process) {
  lab::replica_set set(set_of("rs0"));
  auto source = set.connect();
  const auto from = start_of(set.uri());
  collected first;
  bson::timestamp stopped;
  {
    following stream(job_for(set.uri(), from, capture_way::change_stream), first);
    int round = 0;
    for (const auto* how : {R"("errorCode": 43)", R"("errorCode": 237)", R"("closeConnection": true)"}) {
      ASSERT_TRUE(first.wait_for(fence(source)));
      source.run("admin", std::string(R"({"configureFailPoint": "failCommand", "mode": {"times": 1},
                                          "data": {"failCommands": ["getMore"], )") +
                              how + "}}");
      lab::write_for(set.uri(), {.duration = 300ms, .database = "written" + std::to_string(++round)});
      in_transaction(source, "shop", {R"({"insert": "t", "documents": [{}, {}]})"}, true);
    }
    ASSERT_TRUE(first.wait_for(fence(source)));
    EXPECT_GE(stream.counters.reconnects.load(), 3);
    stopped = first.last();
  }
  set.restart();
  auto again = set.connect();
  in_transaction(again, "shop", {R"({"insert": "t", "documents": [{}, {}, {}]})"}, true);
  auto job = job_for(set.uri(), stopped, capture_way::change_stream);
  job.exact = true;
  collected second;
  following stream(job, second);
  const auto end = fence(again);
  ASSERT_TRUE(second.wait_for(end));
  auto both = first.entries();
  for (auto& one : second.entries()) both.push_back(one);
  EXPECT_EQ(changes_in(both), changes_in(oplog_of(again, from, end)));
}

TEST(capture_stream, is_refused_where_it_would_not_tell_everything) {
  lab::replica_set old(set_of("rs0", "5.0.4"));
  cluster::testing::lane on;
  const auto node = cluster::testing::open(on, old.uri());
  EXPECT_EQ(on.must(choose_way(*node, capture_way::automatic)), capture_way::oplog);
  const auto refused = on.run(choose_way(*node, capture_way::change_stream));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, error_kind::refused);
  EXPECT_TRUE(contains(refused.error().message, "before 6.0")) << refused.error().message;

  auto options = set_of("rs0");
  options.server.root = lab::credentials{"root", "secret"};
  lab::replica_set set(options);
  set.add_user({"one", "word"}, R"([{"role": "read", "db": "shop"}])");
  const auto limited = cluster::testing::open(on, set.uri_as(lab::credentials{"one", "word"}));
  const auto lacking = on.run(choose_way(*limited, capture_way::automatic));
  ASSERT_FALSE(lacking);
  EXPECT_EQ(lacking.error().kind, error_kind::refused);
  EXPECT_TRUE(contains(lacking.error().message, "readAnyDatabase")) << lacking.error().message;
}

TEST(capture_stream, says_that_the_oplog_has_rolled_over) {
  lab::replica_set set(set_of("rs0"));
  auto source = set.connect();
  const auto from = start_of(set.uri());
  source.run("admin", R"({"configureFailPoint": "failCommand", "mode": {"skip": 1},
                          "data": {"failCommands": ["aggregate"], "errorCode": 286}})");
  collected spool;
  following stream(job_for(set.uri(), from, capture_way::change_stream), spool);
  const auto why = stream.outcome();
  EXPECT_EQ(why.kind, error_kind::refused);
  EXPECT_TRUE(contains(why.message, "rolled over")) << why.message;
  EXPECT_TRUE(contains(why.message, describe(from))) << why.message;
}

TEST(capture_stream, migrates_for_a_user_who_may_not_read_the_oplog) {
  auto options = set_of("src", "6.0.27");
  options.server.root = lab::credentials{"root", "secret"};
  lab::replica_set source_set(options);
  lab::replica_set destination_set(set_of("dst", "6.0.27"));
  auto source = source_set.connect();
  // No built-in role has the two actions without local.oplog.rs.
  source.run("admin", R"({"createRole": "reads_data", "roles": ["readAnyDatabase"],
                          "privileges": [{"resource": {"cluster": true}, "actions": ["getParameter", "useUUID"]}]})");
  source_set.add_user({"reader", "word"}, R"(["reads_data"])");
  session::testing::scratch_folder spool;
  session::sync_settings settings;
  settings.copy.source_uri = source_set.uri_as(lab::credentials{"reader", "word"});
  settings.copy.destination_uri = destination_set.uri();
  settings.copy.retry_time = 60s;
  settings.spool_dir = spool.path();

  change_everything(source, "before");
  session::testing::application writer(source_set.uri());
  for (int process = 0; process < 2; ++process) {
    session::sync_session run(settings, session::labels());
    ASSERT_TRUE(run.start_now());
    ASSERT_TRUE(session::testing::wait_until(
        run, [](const session::progress& now) { return now.at >= session::phase::change_application; }));
    change_everything(source, "during" + std::to_string(process));
    run.stop();
    const auto ended = run.wait();
    (void)ended;
  }
  session::sync_session run(settings, session::labels());
  ASSERT_TRUE(run.start_now());
  ASSERT_TRUE(session::testing::wait_until(run, [](const session::progress& now) { return now.can_commit; }));
  change_everything(source, "after");
  writer.stop();
  EXPECT_EQ(run.snapshot(false).follow.captured_by, "change-stream");
  session::testing::commit(run);
  const auto verdict = lab::compare({.source_uri = source_set.uri(), .destination_uri = destination_set.uri()});
  EXPECT_TRUE(verdict.equal()) << verdict.text();
  EXPECT_GT(verdict.documents, 0U);
}

}  // namespace
}  // namespace sluice::capture
