// Elections, kills and rollbacks in real replica sets of three nodes, in the middle of a copy.
#include <filesystem>

#include <gtest/gtest.h>

#include "tests/fault/fault_run.hpp"
#include "tests/lab/dataset.hpp"

namespace sluice::fault {
namespace {

constexpr std::uint64_t documents_each = 12'000;  // 10 MB
constexpr std::int64_t collections = 3;
constexpr std::int64_t documents_total = collections * static_cast<std::int64_t>(documents_each) + 3000;

/// Three collections of many batches, and thirty of one: partitions under way, and partitions that wait for their
/// fence.
void load(const std::string& uri) {
  for (const char* name : {"a", "b", "c"}) {
    lab::load_lim(uri, {.documents = documents_each, .seed = static_cast<std::uint64_t>(name[0]), .collection = name});
  }
  lab::load_many(uri, {.collections = 30, .documents_each = 100, .databases = 2});
}

lab::replica_set_options three(const std::string& name) {
  return {.name = name, .nodes = 3, .server = {.cache_gb = 0.25, .oplog_mb = 200}};
}

/// Inserts that take their time on every node, so that the copy is still under way when the fault comes.
class slow_inserts {
 public:
  slow_inserts(lab::replica_set& set, int delay_ms) {
    for (std::size_t i = 0; i < set.size(); ++i) {
      points_.push_back(std::make_unique<fail_command>(
          set.node(i), R"("alwaysOn")",
          R"({"failCommands": ["insert"], "blockConnection": true, "blockTimeMS": )" + std::to_string(delay_ms) + "}"));
    }
  }

 private:
  std::vector<std::unique_ptr<fail_command>> points_;
};

/// Secondaries of a busy set lag behind, and a primary refuses to leave before one has caught up.
void step_down(lab::replica_set& set) {
  std::string refusal;
  const bool done = lab::eventually(
      [&] {
        try {
          set.step_down();
          return true;
        } catch (const lab::failure& why) {
          refusal = why.what();
          return false;
        }
      },
      std::chrono::seconds(30));
  if (!done) throw lab::failure(refusal);
}

bool has_rollback_files(lab::mongod_process& node) {
  const auto folder = node.data_directory() / "rollback";
  std::error_code missing;
  for (const auto& each : std::filesystem::recursive_directory_iterator(folder, missing)) {
    if (each.is_regular_file() && each.file_size() > 0) return true;
  }
  return false;
}

TEST(election_test, destination_primary_steps_down_three_times) {
  lab::replica_set source({.name = "source"});
  lab::replica_set destination(three("destination"));
  load(source.uri());
  captured_log log;
  running_copy run(settings_for(source.uri(), destination.uri()));
  {
    const slow_inserts slow(destination, 150);
    for (int round = 1; round <= 3; ++round) {
      ASSERT_TRUE(run.reached(round * documents_total / 8)) << log.tail();
      step_down(destination);
    }
    EXPECT_FALSE(run.ended());
  }
  expect_success(run.wait(), log);
  EXPECT_GE(log.count("A batch was interrupted") + log.count("The destination elected a primary"), 1U) << log.tail();
  expect_equal(source.uri(), destination.uri());
}

// The one that matters most: writes with w: 1 that only the old primary has, and that the set rolls back.
TEST(election_test, writes_that_a_dead_destination_primary_takes_with_it_are_copied_again) {
  lab::replica_set source({.name = "source"});
  lab::replica_set destination(three("destination"));
  load(source.uri());
  captured_log log;
  lab::mongod_process& old_primary = destination.primary();
  // Heartbeats go on, so the primary stays in office, but nobody takes its oplog any more.
  std::vector<std::unique_ptr<fail_command>> cut_off;
  const auto cut_off_secondaries = [&] {
    for (std::size_t i = 0; i < destination.size(); ++i) {
      lab::mongod_process& node = destination.node(i);
      if (&node == &old_primary) continue;
      cut_off.push_back(std::make_unique<fail_command>(node, R"("alwaysOn")", "{}", "stopReplProducer"));
    }
  };
  std::int64_t before = 0;
  std::int64_t at_kill = 0;
  running_copy run(settings_for(source.uri(), destination.uri()));
  {
    const slow_inserts slow(destination, 50);
    ASSERT_TRUE(run.reached(documents_total / 5)) << log.tail();
    cut_off_secondaries();
    before = run.now().documents_copied;
    // Acknowledged while nobody replicates: more than the batches that were under way.
    ASSERT_TRUE(run.reached(before + 8000)) << log.tail();
    // What is not in its journal yet dies with it, and leaves nothing to undo.
    old_primary.connect().run("local", R"({"insert": "mark", "documents": [{}], "writeConcern": {"w": 1, "j": true}})");
    old_primary.kill();
    at_kill = run.now().documents_copied;
    cut_off.clear();
    (void)destination.primary();
  }
  expect_success(run.wait(), log);
  EXPECT_GE(at_kill, before + 8000);
  EXPECT_GE(log.count("The destination elected a primary"), 1U) << log.tail();
  expect_equal(source.uri(), destination.uri());

  // That anything was lost at all is what makes this a test: the old primary has to undo it when it comes back.
  old_primary.restart();
  EXPECT_TRUE(lab::eventually([&] { return has_rollback_files(old_primary); }, std::chrono::seconds(120)))
      << "nothing was rolled back";
  expect_equal(source.uri(), destination.uri());
}

TEST(election_test, one_node_destination_is_killed_and_comes_back) {
  lab::replica_set source({.name = "source"});
  lab::replica_set destination({.name = "destination"});
  load(source.uri());
  captured_log log;
  running_copy run(settings_for(source.uri(), destination.uri()));
  {
    const slow_inserts slow(destination, 100);
    ASSERT_TRUE(run.reached(documents_total / 3)) << log.tail();
    EXPECT_FALSE(run.ended());
    destination.node(0).kill();
  }
  destination.node(0).restart();
  expect_success(run.wait(), log);
  expect_equal(source.uri(), destination.uri());
}

TEST(election_test, natural_scan_stays_on_its_node_when_the_source_primary_steps_down) {
  lab::replica_set source(three("source"));
  lab::replica_set destination({.name = "destination"});
  load(source.uri());
  captured_log log;
  running_copy run(settings_for(source.uri(), destination.uri()));
  {
    const slow_inserts slow(destination, 150);
    ASSERT_TRUE(run.reached(documents_total / 4)) << log.tail();
    step_down(source);
    EXPECT_FALSE(run.ended());
  }
  expect_success(run.wait(), log);
  EXPECT_EQ(log.count("planning anew"), 0U) << log.tail();
  expect_equal(source.uri(), destination.uri());
}

TEST(election_test, collections_are_planned_again_when_the_node_they_are_read_from_dies) {
  lab::replica_set source(three("source"));
  lab::replica_set destination({.name = "destination"});
  load(source.uri());
  lab::client(source.uri()).run("lim", R"({"insert": "a", "documents": [{"_id": "last"}],
      "writeConcern": {"w": 3}})");
  captured_log log;
  auto settings = settings_for(source.uri(), destination.uri());
  settings.retry_time = std::chrono::seconds(12);  // how long it hopes for the node; long enough for an election
  running_copy run(settings);
  {
    const slow_inserts slow(destination, 150);
    ASSERT_TRUE(run.reached(documents_total / 4)) << log.tail();
    source.primary().kill();
    EXPECT_FALSE(run.ended());
  }
  expect_success(run.wait(), log);
  EXPECT_GE(log.count("planning anew"), 1U) << log.tail();
  expect_equal(source.uri(), destination.uri());
}

}  // namespace
}  // namespace sluice::fault
