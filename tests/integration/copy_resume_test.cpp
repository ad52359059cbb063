// Killed at any moment and started again with the same parameters, a copy goes on and ends equal.
#include <csignal>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/integration/sluice_program.hpp"
#include "tests/lab/dataset.hpp"
#include "tests/lab/not_run.hpp"
#include "tests/lab/oracle.hpp"
#include "tests/lab/replica_set.hpp"
#include "tests/lab/scenario_time.hpp"

namespace sluice::lab {
namespace {

class copy_resume : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    source_ = new replica_set({.name = "source"});
    destination_ = new replica_set({.name = "destination"});
    load_zoo(source_->uri(), small_zoo());
    load_lim(source_->uri(), {.documents = 60'000});
  }
  static void TearDownTestSuite() {
    delete source_;
    delete destination_;
  }
  void SetUp() override {
    client writer = destination_->connect();
    drop_user_data(writer);
    writer.run("__mdb_internal_sluice", R"({"dropDatabase": 1})");
  }
  void expect_completes() {
    const auto done = copy(source_->uri(), destination_->uri());
    EXPECT_TRUE(done.status.success()) << done.output;
    expect_equal();
  }
  static void expect_equal() {
    const comparison result = compare({.source_uri = source_->uri(), .destination_uri = destination_->uri()});
    EXPECT_TRUE(result.equal()) << result.text();
  }
  /// No checkpoint is left and the sides are equal.
  static bool copied_all() {
    return destination_->connect().count("__mdb_internal_sluice", "run") == 0 &&
           compare({.source_uri = source_->uri(), .destination_uri = destination_->uri()}).equal();
  }
  static std::vector<std::string> arguments() {
    return {"copy", "--source", source_->uri(), "--destination", destination_->uri()};
  }

  static replica_set* source_;
  static replica_set* destination_;
};

replica_set* copy_resume::source_ = nullptr;
replica_set* copy_resume::destination_ = nullptr;

TEST_F(copy_resume, after_a_kill_at_every_named_point) {
#if defined(SLUICE_FAILURE_POINTS)
  for (const std::string point :
       {"run_opened", "partitions_stored", "copying_begun", "collections_created", "batch_acknowledged",
        "batch_acknowledged:20", "before_flush", "after_flush", "before_flush:2", "data_copied", "indexing_begun",
        "indexes_built", "indexes_built:3", "views_created", "completed"}) {
    SCOPED_TRACE(point);
    SetUp();
    const auto killed = copy(source_->uri(), destination_->uri(), {}, {{"SLUICE_KILL_AT", point}});
    EXPECT_EQ(killed.status.signal, SIGKILL) << "the point was not reached: " << killed.output;
    expect_completes();
  }
#else
  not_run("this build has no named failure points (preset debug has)");
#endif
}

TEST_F(copy_resume, after_kills_at_random_moments) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < lab::random_kills(); ++round) {
    SetUp();
    sluice_program victim(arguments());
    const auto moment = std::chrono::milliseconds(50 + random() % 2000);
    if (const auto ended = victim.process().poll_exit(moment)) {
      // The moment came after the end: there is nothing to go on with.
      EXPECT_TRUE(ended->success()) << victim.output();
      expect_equal();
    } else {
      (void)victim.process().kill();
      // Between the last word of the checkpoint and the end of the process everything is there already.
      if (copied_all()) continue;
      expect_completes();
    }
    if (HasFailure()) break;
  }
}

TEST_F(copy_resume, does_not_copy_finished_partitions_again) {
#if defined(SLUICE_FAILURE_POINTS)
  const auto killed = copy(source_->uri(), destination_->uri(), {}, {{"SLUICE_KILL_AT", "data_copied"}});
  EXPECT_EQ(killed.status.signal, SIGKILL) << killed.output;
  const auto done = copy(source_->uri(), destination_->uri());
  EXPECT_TRUE(done.status.success()) << done.output;
  EXPECT_EQ(done.duplicates, 0);
#else
  not_run("this build has no named failure points (preset debug has)");
#endif
}

TEST_F(copy_resume, a_second_process_is_refused_while_the_first_lives) {
  sluice_program first(arguments());
  client reader = destination_->connect();
  const bool owned =
      eventually([&] { return reader.count("__mdb_internal_sluice", "partitions") > 0; }, std::chrono::seconds(20));
  ASSERT_TRUE(owned) << first.output();
  first.process().signal(SIGSTOP);
  const auto second = copy(source_->uri(), destination_->uri());
  first.process().signal(SIGCONT);
  EXPECT_EQ(second.status.code, 3) << second.output;
  EXPECT_NE(second.output.find("only one process may write"), std::string::npos) << second.output;
  EXPECT_TRUE(first.wait().success()) << first.output();
}

// Planning can take minutes where there are many collections; the run must not become another process's meanwhile.
TEST_F(copy_resume, the_lease_is_renewed_while_it_is_planned) {
  client server = destination_->connect();
  server.run("admin", R"({"configureFailPoint": "failCommand", "mode": "alwaysOn", "data":
      {"failCommands": ["listDatabases", "listCollections"], "blockConnection": true, "blockTimeMS": 6000}})");
  sluice_program first(arguments());
  client reader = destination_->connect();
  const auto owner = [&reader]() -> std::string {
    const auto found = reader.run("__mdb_internal_sluice", R"({"find": "run", "projection": {"owner": 1}})");
    const auto runs = found.child("cursor.firstBatch").elements();
    return runs.empty() ? std::string() : std::string(runs[0].raw());
  };
  ASSERT_TRUE(eventually([&] { return !owner().empty(); }, std::chrono::seconds(60))) << first.output();
  const std::string as_begun = owner();
  ASSERT_TRUE(eventually([&] { return owner() != as_begun; }, std::chrono::seconds(20))) << first.output();
  EXPECT_EQ(reader.count("__mdb_internal_sluice", "partitions"), 0) << "it was planned before that";
  server.run("admin", R"({"configureFailPoint": "failCommand", "mode": "off"})");
  EXPECT_TRUE(first.wait().success()) << first.output();
}

TEST_F(copy_resume, other_parameters_are_refused_and_reset_starts_over) {
#if defined(SLUICE_FAILURE_POINTS)
  const auto killed = copy(source_->uri(), destination_->uri(), {}, {{"SLUICE_KILL_AT", "after_flush"}});
  EXPECT_EQ(killed.status.signal, SIGKILL) << killed.output;
  const auto other = copy(source_->uri(), destination_->uri(), {"--include", "lim"});
  EXPECT_FALSE(other.status.success());
  EXPECT_NE(other.output.find("--include was (none) and is lim"), std::string::npos) << other.output;
  const auto reset = copy(source_->uri(), destination_->uri(), {"--reset", "--yes", "--drop"});
  EXPECT_TRUE(reset.status.success()) << reset.output;
  const comparison result = compare({.source_uri = source_->uri(), .destination_uri = destination_->uri()});
  EXPECT_TRUE(result.equal()) << result.text();
#else
  not_run("this build has no named failure points (preset debug has)");
#endif
}

}  // namespace
}  // namespace sluice::lab
