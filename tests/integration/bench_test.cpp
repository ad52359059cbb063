// `sluice bench` between real sets: everything is measured, nothing is left behind however it ends, and nobody else's
// data is ever touched.
#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/integration/bench_program.hpp"
#include "tests/lab/dataset.hpp"
#include "tests/lab/oracle.hpp"

namespace sluice::lab {
namespace {

using std::chrono::seconds;
namespace fs = std::filesystem;

const std::vector<std::string> small{"--documents", "5000", "--changes", "500", "--no-probes", "--json"};

std::vector<std::string> with(std::vector<std::string> flags, const std::vector<std::string>& more) {
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

class bench_test : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    source_set = std::make_unique<replica_set>(replica_set_options{.name = "source"});
    destination_set = std::make_unique<replica_set>(replica_set_options{.name = "destination"});
  }
  static void TearDownTestSuite() {
    source_set.reset();
    destination_set.reset();
  }
  void TearDown() override {
    for (const std::string& uri : {source, destination}) {
      client server(uri);
      drop_user_data(server);
      server.run("__mdb_internal_sluice", R"({"dropDatabase": 1})");
    }
  }
  bench_outcome run(const std::vector<std::string>& more) { return bench(source, destination, more); }

  static std::unique_ptr<replica_set> source_set;
  static std::unique_ptr<replica_set> destination_set;
  std::string source = source_set->uri();
  std::string destination = destination_set->uri();
};
std::unique_ptr<replica_set> bench_test::source_set;
std::unique_ptr<replica_set> bench_test::destination_set;

TEST_F(bench_test, measures_everything_and_leaves_nothing) {
  const auto outcome = run({"--documents", "30000", "--changes", "4000", "--indexes", "1", "--json"});
  ASSERT_TRUE(outcome.status.success()) << outcome.output;
  const document report = outcome.report();
  EXPECT_EQ(report.integer("data.documents"), 30'000);
  EXPECT_EQ(report.integer("data.bytes"), 30'000 * 860);
  EXPECT_EQ(report.integer("data.indexes"), 1);
  for (const char* figure :
       {"copy_ratio", "source_read_mb_per_second", "source_network_mb_per_second", "destination_write_mb_per_second",
        "destination_network_mb_per_second", "copy_mb_per_second", "apply_changes_per_second", "index_seconds",
        "source_ping_p99_ms", "destination_write_p99_ms", "estimate_seconds"}) {
    EXPECT_GT(report.number((std::string("metrics.") + figure).c_str()), 0) << figure << "\n" << outcome.output;
  }
  EXPECT_EQ(report.child("sourceRead").elements().size(), 2U);
  EXPECT_EQ(report.child("destinationWrite").elements().size(), 2U);
  EXPECT_EQ(report.child("copy").integer("bytes"), 30'000 * 860);
  EXPECT_TRUE(report.boolean("copy.whole"));
  EXPECT_EQ(report.text("apply.capturedThrough"), "oplog");
  EXPECT_GE(report.integer("apply.documents"), 3'900);
  EXPECT_EQ(report.child("probes").elements().size(), 4U);
  EXPECT_GT(report.number("destinationWrite.0.cpuSeconds.destination"), 0);
  EXPECT_FALSE(report.text("verdict.limit").empty());
  expect_nothing_left(source, destination);
}

TEST_F(bench_test, every_shape_can_be_measured) {
  for (const char* shape : {"nested", "wide", "array", "timeseries", "mixed"}) {
    const auto outcome = run(with({"--shape", shape, "--ids", "random", "--size", "1500"},
                                  {"--documents", "3000", "--changes", "500", "--no-probes", "--json"}));
    ASSERT_TRUE(outcome.status.success()) << shape << ": " << outcome.output;
    EXPECT_GT(outcome.report().number("metrics.copy_mb_per_second"), 0) << shape;
  }
  expect_nothing_left(source, destination);
}

TEST_F(bench_test, takes_what_is_there_and_leaves_it_as_it_was) {
  client server(source);
  load_lim(source, {.documents = 30'000});
  server.run("lim", R"({"createIndexes": "docs", "indexes": [{"key": {"name": 1}, "name": "name_1"}]})");
  const auto outcome = run({"--from", "lim.docs", "--documents", "12345", "--changes", "500", "--no-probes", "--json"});
  ASSERT_TRUE(outcome.status.success()) << outcome.output;
  EXPECT_EQ(outcome.report().integer("data.documents"), 12'345);
  EXPECT_EQ(outcome.report().text("data.from"), "lim.docs");
  EXPECT_EQ(outcome.report().integer("data.indexes"), 1);
  EXPECT_EQ(server.count("lim", "docs"), 30'000);
  EXPECT_EQ(left_behind(server), std::vector<std::string>{"lim"});
  client other(destination);
  EXPECT_TRUE(left_behind(other).empty());
}

TEST_F(bench_test, a_table_for_people_says_the_same) {
  const auto outcome = run({"--documents", "5000", "--changes", "1000", "--no-probes", "--estimate", "3.2TB"});
  ASSERT_TRUE(outcome.status.success()) << outcome.output;
  for (const char* part : {"source read", "destination write", "network from the source", "copy", "changes/s by oplog",
                           "The limit is the", "→", "3.2 TB → ", " ± "}) {
    EXPECT_TRUE(holds(outcome.output, part)) << part << "\n" << outcome.output;
  }
}

TEST_F(bench_test, one_side_may_be_the_loopback) {
  const auto to_nowhere = bench(source, "loopback:", small);
  ASSERT_TRUE(to_nowhere.status.success()) << to_nowhere.output;
  EXPECT_GT(to_nowhere.report().number("metrics.copy_mb_per_second"), 0);
  EXPECT_TRUE(holds(to_nowhere.report().text("apply.skipped"), "loopback"));
  EXPECT_TRUE(to_nowhere.report().boolean("destination.loopback"));
  const auto from_nowhere = bench("loopback:", destination, small);
  ASSERT_TRUE(from_nowhere.status.success()) << from_nowhere.output;
  EXPECT_EQ(from_nowhere.report().integer("data.documents"), 5'000);
  EXPECT_GT(from_nowhere.report().number("metrics.destination_write_mb_per_second"), 0);
  expect_nothing_left(source, destination);
}

// --- what must not be touched ---

TEST_F(bench_test, a_database_that_exists_is_refused_and_left_alone) {
  for (const std::string& uri : {source, destination}) {
    client server(uri);
    server.run("sluice_bench_mine", R"({"insert": "docs", "documents": [{"_id": 1, "precious": true}]})");
    const auto outcome = run(with(small, {"--database", "sluice_bench_mine"}));
    EXPECT_EQ(outcome.status.code, 3) << outcome.output;
    EXPECT_TRUE(holds(outcome.output, "the database sluice_bench_mine exists on ")) << outcome.output;
    EXPECT_EQ(server.count("sluice_bench_mine", "docs"), 1);
    // Neither a whole bench nor a cleaning takes what has no marker, whatever its name.
    EXPECT_TRUE(run(small).status.success());
    EXPECT_TRUE(run({"--clean"}).status.success());
    EXPECT_EQ(server.count("sluice_bench_mine", "docs"), 1);
    server.run("sluice_bench_mine", R"({"dropDatabase": 1})");
    expect_nothing_left(source, destination);
  }
}

TEST_F(bench_test, another_bench_at_work_is_refused_and_left_alone) {
  client server(destination);
  // A live marker of another machine: nobody knows whether its process is gone.
  server.run("sluice_bench_theirs", R"({"insert": "marker", "documents": [{"_id": "sluice bench", "version": 1,
      "token": "t", "host": "db9", "machine": "another", "pid": 1, "started": 1}]})");
  const auto touch = [&server](const std::string& change) {
    server.run("sluice_bench_theirs",
               R"({"update": "marker", "updates": [{"q": {}, "u": [{"$set": {"seen": )" + change + "}}]}]}");
  };
  touch(R"("$$NOW")");
  const auto refused = run(small);
  EXPECT_EQ(refused.status.code, 3) << refused.output;
  EXPECT_TRUE(holds(refused.output, "another bench is running")) << refused.output;
  EXPECT_TRUE(holds(refused.output, "db9")) << refused.output;
  // Not seen for two minutes: it is gone.
  touch(R"({"$subtract": ["$$NOW", 120000]})");
  EXPECT_TRUE(run(small).status.success());
  expect_nothing_left(source, destination);
}

TEST_F(bench_test, a_run_of_sluice_on_the_destination_is_not_disturbed) {
  client server(destination);
  server.run("__mdb_internal_sluice", R"({"insert": "run", "documents": [{"_id": "run", "include": ["shop"]}]})");
  const auto outcome = run(small);
  EXPECT_EQ(outcome.status.code, 3) << outcome.output;
  EXPECT_TRUE(holds(outcome.output, "a run of Sluice is under way or unfinished")) << outcome.output;
  EXPECT_EQ(server.count("__mdb_internal_sluice", "run"), 1);
  client other(source);
  EXPECT_TRUE(left_behind(other).empty());
}

TEST_F(bench_test, bad_input_is_named_before_anything_is_written) {
  const auto refused = [this](const std::vector<std::string>& flags, int code, std::string_view part) {
    const auto outcome = run(flags);
    EXPECT_EQ(outcome.status.code, code) << outcome.output;
    EXPECT_TRUE(holds(outcome.output, part)) << part << "\n" << outcome.output;
  };
  refused({"--shape", "round"}, 2, "unknown shape \"round\"");
  refused({"--size", "3"}, 2, "must be between 128");
  refused({"--documents", "1000000000000", "--size", "1MB"}, 3, "not enough disk: the source");
  refused({"--from", "no.such"}, 3, "there is no collection no.such");
  refused({"--html", "/nowhere/report.html"}, 3, "cannot write /nowhere/report.html");
  const fs::path old = lab_directory() / "bench-of-another-version.json";
  std::ofstream(old) << R"({"format": "sluice-bench", "formatVersion": 999, "metrics": {}})";
  refused({"--compare", old.string()}, 2, "format version 999");
  fs::remove(old);
  EXPECT_EQ(bench(source, source, small).status.code, 3) << "a deployment is not measured against itself";
  expect_nothing_left(source, destination);
}

// --- pipelines ---

TEST_F(bench_test, a_condition_that_holds_fails_the_pipeline) {
  const auto failing = run(with(small, {"--fail-if", "copy_mb_per_second<1e9"}));
  EXPECT_EQ(failing.status.code, 4) << failing.output;
  EXPECT_TRUE(holds(failing.output, "which is less than 1e+09")) << failing.output;
  EXPECT_GT(failing.report().number("metrics.copy_ratio"), 0) << "the report is there all the same";
  const auto passing = run(with(small, {"--fail-if", "copy_mb_per_second<0.001"}));
  EXPECT_EQ(passing.status.code, 0) << passing.output;
  // What was not measured is no pass.
  const auto unknown =
      run({"--documents", "2000", "--changes", "0", "--no-probes", "--fail-if", "apply_changes_per_second<1"});
  EXPECT_EQ(unknown.status.code, 1) << unknown.output;
  EXPECT_TRUE(holds(unknown.output, "was not measured")) << unknown.output;
}

TEST_F(bench_test, a_run_is_compared_with_the_one_before) {
  const auto first = run(small);
  ASSERT_TRUE(first.status.success()) << first.output;
  const fs::path file = lab_directory() / "bench-before.json";
  const auto begin = first.output.find("{\"format\"");
  std::ofstream(file) << first.output.substr(begin);
  const auto second = run(with(small, {"--compare", file.string()}));
  fs::remove(file);
  ASSERT_TRUE(second.status.success()) << second.output;
  EXPECT_EQ(second.report().text("comparedWith.began"), first.report().text("began"));
  EXPECT_TRUE(second.report().has("comparedWith.changes.copy_ratio"));
}

// --- interrupted and killed ---

/// Until the bench has its databases on both sides, and copies.
void wait_until_it_copies(sluice_program& program) {
  ASSERT_TRUE(eventually([&] { return holds(program.output(), "copying"); }, seconds(60))) << program.output();
}
const std::vector<std::string> longer{"--documents", "100000", "--indexes", "4", "--log-format", "json"};

TEST_F(bench_test, interrupted_it_cleans_up_by_itself) {
  for (const int signal : {SIGINT, SIGTERM}) {
    sluice_program program(bench_arguments(source, destination, longer));
    wait_until_it_copies(program);
    program.process().signal(signal);
    const auto status = program.wait(seconds(60));
    EXPECT_EQ(status.code, 130) << program.output();
    EXPECT_EQ(status.signal, 0) << program.output();
    expect_nothing_left(source, destination);
  }
}

TEST_F(bench_test, what_a_killed_one_leaves_is_cleaned_by_the_next) {
  client server(destination);
  for (const bool by_flag : {true, false}) {
    {
      sluice_program program(bench_arguments(source, destination, longer));
      wait_until_it_copies(program);
      program.process().kill();
    }
    EXPECT_FALSE(left_behind(server).empty());
    const auto outcome = by_flag ? run({"--clean"}) : run(small);
    EXPECT_TRUE(outcome.status.success()) << outcome.output;
    if (by_flag) {
      EXPECT_TRUE(holds(outcome.output, "dropped ")) << outcome.output;
    }
    expect_nothing_left(source, destination);
  }
  EXPECT_TRUE(holds(run({"--clean"}).output, "nothing to clean up"));
}

TEST_F(bench_test, a_step_that_takes_too_long_is_ended) {
  const auto outcome =
      run({"--documents", "300000", "--size", "2000", "--seconds", "2", "--changes", "1000", "--no-probes", "--json"});
  ASSERT_TRUE(outcome.status.success()) << outcome.output;
  EXPECT_FALSE(outcome.report().boolean("copy.whole"));
  EXPECT_LT(outcome.report().number("copy.seconds"), 4);
  EXPECT_GT(outcome.report().number("metrics.copy_mb_per_second"), 0);
  expect_nothing_left(source, destination);
}

}  // namespace
}  // namespace sluice::lab
