// A live sync that is killed, by the program's own hand at every named point and by ours at any moment, while both
// sides live on, are elected anew or die as well: started again it goes on, and ends equal.
#include <csignal>

#include "tests/integration/sync_misuse.hpp"
#include "tests/integration/sync_program.hpp"
#include "tests/unit/http/raw_client.hpp"

namespace sluice::session {
namespace {

using namespace testing;

#if defined(SLUICE_FAILURE_POINTS)
TEST(sync_crash, at_every_named_point) {
  const auto seed = test_seed();
  pair_of_sets sets;
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  lab::storm_for(sets.source.uri(), {.commands = 300, .seed = seed});
  everything storm(sets.source.uri(), seed + 1);
  const operated sluice(sets);
  for (const char* point :
       {"run_opened", "partitions_stored", "copying_begun", "collections_created", "batch_acknowledged", "before_flush",
        "after_flush", "data_copied", "indexing_begun", "indexes_built", "views_created", "map_stored",
        "applying_begun", "apply-window-written", "apply-window-written:20", "apply-before-ddl", "apply-after-ddl",
        "apply-before-ddl:7", "apply-after-ddl:5"}) {
    const auto run = sluice.start(false, point);
    const auto ended = run->wait(60s);
    EXPECT_EQ(ended.signal, SIGKILL) << point << " was not reached: " << run->output();
  }
  storm.stop();
  for (const char* point :
       {"commit_wished", "fence_appended", "committing_begun", "cutover_step", "cut_over", "destination_unblocked"}) {
    const auto run = sluice.start(true, point);
    const auto ended = run->wait(60s);
    EXPECT_EQ(ended.signal, SIGKILL) << point << " was not reached: " << run->output();
  }
  const auto last = sluice.start(true);
  const auto ended = last->wait(60s);
  EXPECT_TRUE(ended.success()) << last->output();
  sets.expect_equal();
}

/// `sluice` as a server between both sides, killed at a point if there is one.
class reversing_server {
 public:
  reversing_server(const pair_of_sets& sets, const std::string& kill_at = {})
      : program_({"--cluster0", sets.source.uri(), "--cluster1", sets.destination.uri(), "--port",
                  std::to_string(port_), "--spool-dir", sets.spool.path().string()},
                 kill_at.empty() ? environment{} : environment{{"SLUICE_KILL_AT", kill_at}}) {}

  /// The state that progress tells; empty when nobody answers.
  [[nodiscard]] std::string state() const { return progress().text("progress.state"); }
  [[nodiscard]] lab::document progress() const {
    http::test::raw_client client(port_);
    if (!client.connected()) return {};
    client.send("GET /api/v1/progress HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto reply = client.read_reply();
    return reply.status == 200 ? lab::document::json(reply.body) : lab::document();
  }
  void post(const std::string& call) const {
    http::test::raw_client client(port_);
    client.send("POST /api/v1/" + call + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    (void)client.read_reply();  // the process may die before it answers
  }
  lab::sluice_program& program() { return program_; }

 private:
  using environment = std::vector<std::pair<std::string, std::string>>;
  std::uint16_t port_ = lab::free_port();
  lab::sluice_program program_;
};

TEST(sync_crash, of_a_reversal_at_every_named_point) {
  pair_of_sets sets;
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  const operated sluice(sets);
  const std::vector<std::string> reversible{"--reversible", "--block-writes", "none", "--commit-when-caught-up"};
  const auto dies = sluice.run(reversible, {{"SLUICE_KILL_AT", "way_back_noted"}});
  EXPECT_EQ(dies->wait(60s).signal, SIGKILL) << dies->output();
  // What the run was begun with holds, whoever goes on with it.
  const auto commits = sluice.run({"--block-writes", "none", "--commit-when-caught-up"});
  ASSERT_TRUE(commits->wait(60s).success()) << commits->output();
  lab::write_for(sets.destination.uri(), {.duration = 300ms, .seed = 1});

  for (const std::string point : {"reversal_noted", "reversal_loosened", "reversal_begun"}) {
    reversing_server server(sets, point);
    if (point == "reversal_noted") {
      ASSERT_TRUE(lab::eventually([&] { return server.state() == "COMMITTED"; }, 60s)) << server.program().output();
      server.post("reverse");
    }  // the others find a reversal that is under way
    EXPECT_EQ(server.program().wait(60s).signal, SIGKILL) << point << ": " << server.program().output();
  }
  reversing_server server(sets);
  const auto can_commit = [&server] { return server.progress().boolean("progress.canCommit"); };
  ASSERT_TRUE(lab::eventually(can_commit, 60s)) << server.program().output();
  EXPECT_EQ(server.progress().text("progress.directionMapping.Source").substr(0, 8), "cluster1");
  lab::write_for(sets.destination.uri(), {.duration = 300ms, .seed = 2, .database = "later"});
  ASSERT_TRUE(lab::eventually(can_commit, 60s));
  server.post("commit");
  EXPECT_TRUE(lab::eventually([&] { return server.state() == "COMMITTED"; }, 60s)) << server.program().output();
  sets.expect_equal();
}

// What was written before a catalog change must not be written again after it: by then it may mean another collection.
TEST(sync_crash, behind_a_rename_and_an_election) {
  pair_of_sets sets;
  auto source = sets.source.connect();
  std::atomic<bool> stop{false};
  int written = 0;
  const auto change = [&] {
    for (bool there = false; !stop; there = !there) {
      const std::string from = there ? "d.b" : "d.a";
      const std::string to = there ? "d.a" : "d.b";
      for (int n = 0; n < 10; ++n, ++written) {
        source.run(
            "d", R"({"insert": ")" + from.substr(2) + R"(", "documents": [{"_id": )" + std::to_string(written) + "}]}");
      }
      source.run("admin", R"({"renameCollection": ")" + from + R"(", "to": ")" + to + "\"}");
    }
  };
  source.run("d", R"({"insert": "a", "documents": [{"_id": -1}]})");
  std::thread writer(change);
  const operated sluice(sets);
  for (const char* point : {"apply-after-ddl:5", "apply-after-ddl:9", "apply-after-ddl:14"}) {
    const auto run = sluice.start(false, point);
    const auto ended = run->wait(60s);
    EXPECT_EQ(ended.signal, SIGKILL) << run->output();
    sets.destination.step_down();
  }
  stop = true;
  writer.join();
  const auto last = sluice.start(true);
  EXPECT_TRUE(last->wait(60s).success()) << last->output();
  sets.expect_equal();
}
#endif

/// A server goes on with a write whose client is gone: it must not land behind what is written later.
void expect_left_write_waited_for(const pair_of_sets& sets) {
  auto source = sets.source.connect();
  auto destination = sets.destination.connect();
  source.run("d", R"({"insert": "c", "documents": [{"_id": 0}]})");
  const operated sluice(sets);
  {
    const auto run = sluice.start(false);
    ASSERT_TRUE(lab::eventually([&] { return stored_phase(sets) == "applying"; }, 60s)) << run->output();
    destination.run("admin", R"({"configureFailPoint": "failCommand", "mode": {"times": 1}, "data":
                    {"failCommands": ["insert", "update"], "namespace": "d.c", "blockConnection": true,
                     "blockTimeMS": 10000}})");
    source.run("d", R"({"insert": "c", "documents": [{"_id": 1}]})");
    ASSERT_TRUE(lab::eventually(
        [&] {
          const auto running = destination.run(
              "admin", R"({"currentOp": 1, "$or": [{"command.insert": "c"}, {"command.update": "c"}]})");
          return !running.child("inprog").elements().empty();
        },
        30s))
        << run->output();
    run->process().signal(SIGKILL);
    EXPECT_EQ(run->wait(10s).signal, SIGKILL);
  }
  source.run("d", R"({"delete": "c", "deletes": [{"q": {"_id": 1}, "limit": 1}]})");
  const auto last = sluice.start(true);
  EXPECT_TRUE(last->wait(60s).success()) << last->output();
  EXPECT_TRUE(inserts_end(sets));
  sets.expect_equal();
}

TEST(sync_crash, a_write_that_outlives_its_process_is_waited_for) {
  expect_left_write_waited_for(pair_of_sets());
}

// Of a connection that libmongoc has authenticated the server knows another driver.
TEST(sync_crash, a_write_that_outlives_its_process_is_waited_for_where_users_are_known) {
  auto to = lab::replica_set_options{.name = "dst", .nodes = 1, .server = {.version = "6.0.27", .cache_gb = 0.25}};
  to.server.root = lab::credentials{"operator", "pass-word"};
  expect_left_write_waited_for(pair_of_sets(set_of("src", "6.0.27", 1), to));
}

// One that the server shows as its statement, not as the command that was sent.
TEST(sync_crash, an_update_that_outlives_its_process_is_waited_for) {
  const pair_of_sets sets;
  auto source = sets.source.connect();
  auto destination = sets.destination.connect();
  source.run("d", R"({"insert": "c", "documents": [{"_id": 1}]})");
  const operated sluice(sets);
  {
    const auto run = sluice.start(false);
    ASSERT_TRUE(lab::eventually([&] { return stored_phase(sets) == "applying"; }, 60s)) << run->output();
    destination.run("admin", R"({"configureFailPoint": "hangDuringBatchUpdate", "mode": "alwaysOn", "data":
                    {"nss": "d.c"}})");
    source.run("d", R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$set": {"a": 1}}}]})");
    ASSERT_TRUE(lab::eventually(
        [&] {
          const auto running = destination.run("admin", R"({"currentOp": 1, "op": "update", "ns": "d.c"})");
          return !running.child("inprog").elements().empty();
        },
        30s))
        << run->output();
    run->process().signal(SIGKILL);
    EXPECT_EQ(run->wait(10s).signal, SIGKILL);
  }
  const auto last = sluice.start(true);
  EXPECT_TRUE(lab::eventually(
      [&] { return last->output().find("Waiting for writes that an earlier process left") != std::string::npos; }, 30s))
      << last->output();
  EXPECT_NE(last->output().find("Starting waiting to start change event application phase"), std::string::npos);
  destination.run("admin", R"({"configureFailPoint": "hangDuringBatchUpdate", "mode": "off"})");
  EXPECT_TRUE(last->wait(60s).success()) << last->output();
  sets.expect_equal();
}

// Its machine stood still for longer than its lease, and another one has taken the run over.
TEST(sync_crash, a_frozen_process_that_wakes_up_writes_nothing) {
  const auto seed = test_seed();
  pair_of_sets sets;
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  everything storm(sets.source.uri(), seed + 1);
  application writer(sets.source.uri());
  const auto first = operated(sets).start(false);
  const auto owner = [&] {
    return sets.destination.connect().run("__mdb_internal_sluice", R"({"find": "run", "limit": 1})");
  };
  ASSERT_TRUE(lab::eventually(
      [&] {
        return owner().text("cursor.firstBatch.0.phase") == "applying" &&
               sets.destination.connect().count("app", "collection0") > 100;
      },
      60s))
      << first->output();
  // In the middle of its work: changes are read, windows are on their way.
  first->process().signal(SIGSTOP);
  const std::string token = owner().text("cursor.firstBatch.0.owner.token");

  // On another machine, with a spool of its own. Refused until the lease is over.
  const scratch_folder spool;
  auto settings = sets.settings();
  settings.spool_dir = spool.path();
  std::unique_ptr<sync_session> second;
  ASSERT_TRUE(lab::eventually(
      [&] {
        second = std::make_unique<sync_session>(settings, labels());
        if (!second->start_now()) return false;
        return lab::eventually(
                   [&] {
                     return second->snapshot(false).at == phase::change_application ||
                            second->snapshot(false).now == state::failed;
                   },
                   30s) &&
               second->snapshot(false).now != state::failed;
      },
      90s));
  EXPECT_NE(owner().text("cursor.firstBatch.0.owner.token"), token);
  ASSERT_TRUE(wait_until(*second, [](const progress& now) { return now.can_commit; }));
  storm.stop();
  writer.stop();
  // What the first one had in hand is not there any more.
  auto source = sets.source.connect();
  source.run("app", R"({"delete": "collection0", "deletes": [{"q": {}, "limit": 0}]})");
  ASSERT_TRUE(second->pause());
  ASSERT_TRUE(wait_for(*second, state::paused));

  user_writes written(sets);
  first->process().signal(SIGCONT);
  const auto ended = first->wait(60s);
  EXPECT_EQ(ended.signal, 0) << "it did not end by itself";
  EXPECT_NE(ended.code, 0);
  EXPECT_NE(first->output().find("another process has taken over"), std::string::npos) << first->output();
  EXPECT_EQ(written.count(), 0);
  ASSERT_TRUE(second->resume());
  ASSERT_TRUE(wait_for(*second, state::running));
  commit(*second);
  sets.expect_equal();
}

TEST(sync_crash, a_second_process_is_refused_and_disturbs_nothing) {
  pair_of_sets sets;
  lab::load_zoo(sets.source.uri(), lab::small_zoo());
  const auto run = sets.make();
  ASSERT_TRUE(run->start_now());
  ASSERT_TRUE(wait_until(*run, [](const progress& now) { return now.can_commit; }));
  const operated sluice(sets);
  const auto second = sluice.start(false);
  const auto ended = second->wait(60s);
  EXPECT_EQ(ended.code, 3) << second->output();
  EXPECT_NE(second->output().find("only one process may write"), std::string::npos) << second->output();
  lab::write_for(sets.source.uri(), {.duration = 300ms});
  commit(*run);
  sets.expect_equal();
}

}  // namespace
}  // namespace sluice::session
