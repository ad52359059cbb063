// The source changes its catalog while it is copied: each collection arrives whole, or is gone; never in halves.
#include <gtest/gtest.h>

#include "tests/fault/fault_run.hpp"
#include "tests/lab/dataset.hpp"
#include "tests/lab/oracle.hpp"

namespace sluice::fault {
namespace {

constexpr std::uint64_t large = 150'000;  // 129 MB: more than is ever read ahead of the destination
constexpr std::uint64_t small = 2000;

class ddl_test : public ::testing::Test {
 protected:
  void SetUp() override {
    lab::load_lim(source_set.uri(), {.documents = large, .seed = 1, .collection = "moving"});
    lab::load_lim(source_set.uri(), {.documents = small, .seed = 2, .collection = "staying"});
    slow =
        std::make_unique<fail_command>(destination_set.node(0), R"("alwaysOn")",
                                       R"({"failCommands": ["insert"], "blockConnection": true, "blockTimeMS": 400})");
  }
  /// Starts a copy and comes back in the middle of it.
  void begin() {
    run = std::make_unique<running_copy>(settings_for(source_set.uri(), destination_set.uri()));
    ASSERT_TRUE(run->reached(small + 5000)) << log.tail();
  }
  void end() {
    ASSERT_FALSE(run->ended()) << "the copy was over before the change";
    slow.reset();
    expect_success(run->wait(), log);
  }

  bool is_copied(const std::string& ns) const {
    for (const auto& one : run->now(true).collections) {
      if (one.ns == ns) return one.copied;
    }
    return false;
  }

  void append_to_log(int first, int count) {
    const std::string padding(900, 'x');
    std::vector<lab::document> some;
    for (int i = first; i < first + count; ++i) {
      some.push_back(lab::document::json(R"({"_id": )" + std::to_string(i) + R"(, "pad": ")" + padding + "\"}"));
      if (some.size() < 5000 && i + 1 < first + count) continue;
      source.insert("lim", "log", some);
      some.clear();
    }
  }

  lab::replica_set source_set{{.name = "source"}};
  lab::replica_set destination_set{{.name = "destination"}};
  lab::client source{source_set.uri()};
  lab::client destination{destination_set.uri()};
  captured_log log;
  std::unique_ptr<fail_command> slow;
  std::unique_ptr<running_copy> run;
};

TEST_F(ddl_test, a_dropped_collection_is_gone) {
  begin();
  source.run("lim", R"({"drop": "moving"})");
  end();
  EXPECT_EQ(log.count("A collection was dropped on the source"), 1U) << log.tail();
  expect_equal(source_set.uri(), destination_set.uri());
}

// Nobody reads from it any more, so no read finds out. What was only renamed stays.
// What is done beside the copy ends it by its own words: "the copy was cancelled" would tell nobody anything.
TEST_F(ddl_test, a_destination_that_refuses_to_drop_what_is_gone_is_quoted) {
  begin();
  auto hanging =
      std::make_unique<fail_command>(destination_set.node(0), R"("alwaysOn")", "{}", "hangDuringBatchInsert");
  slow.reset();
  const fail_command refusing(destination_set.node(0), R"("alwaysOn")",
                              R"({"failCommands": ["drop"], "errorCode": 13})");
  source.run("lim", R"({"drop": "moving"})");
  hanging.reset();
  const auto how = run->wait();
  ASSERT_TRUE(how.has_error()) << log.tail();
  EXPECT_EQ(how.error().kind, error_kind::server) << how.error().message;
  EXPECT_EQ(how.error().server_code, 13) << how.error().message;
}

TEST_F(ddl_test, a_collection_that_is_dropped_behind_its_last_batch_is_gone) {
  lab::load_lim(source_set.uri(), {.documents = small, .seed = 3, .collection = "named"});
  begin();
  ASSERT_TRUE(
      lab::eventually([&] { return is_copied("lim.staying") && is_copied("lim.named"); }, std::chrono::seconds(30)))
      << log.tail();
  source.run("lim", R"({"drop": "staying"})");
  source.run("admin", R"({"renameCollection": "lim.named", "to": "lim.renamed"})");
  end();
  EXPECT_EQ(log.count("A collection was dropped on the source after it was copied"), 1U) << log.tail();
  source.run("admin", R"({"renameCollection": "lim.renamed", "to": "lim.named"})");
  expect_equal(source_set.uri(), destination_set.uri());
}

TEST_F(ddl_test, a_collection_that_is_dropped_while_indexes_are_built_is_gone) {
  slow.reset();
  source.run("lim", R"({"createIndexes": "moving", "indexes": [{"key": {"n": 1}, "name": "n_1"}]})");
  const fail_command building(destination_set.node(0), R"("alwaysOn")",
                              R"({"failCommands": ["createIndexes"], "blockConnection": true, "blockTimeMS": 3000})");
  run = std::make_unique<running_copy>(settings_for(source_set.uri(), destination_set.uri()));
  const auto is_building = [&] { return run->now().at == session::phase::index_build; };
  ASSERT_TRUE(lab::eventually([&] { return is_building() || run->ended(); }, std::chrono::seconds(60))) << log.tail();
  source.run("lim", R"({"drop": "staying"})");
  ASSERT_TRUE(is_building()) << "the build was over before the change";
  expect_success(run->wait(), log);
  expect_equal(source_set.uri(), destination_set.uri());
}

// It keeps the name under which it was planned, with every document it has.
TEST_F(ddl_test, a_renamed_collection_is_copied_whole) {
  begin();
  source.run("admin", R"({"renameCollection": "lim.moving", "to": "lim.moved"})");
  end();
  source.run("admin", R"({"renameCollection": "lim.moved", "to": "lim.moving"})");
  expect_equal(source_set.uri(), destination_set.uri());
}

// Another collection under the old name is not the one that is being copied: not a single document of it may get in.
TEST_F(ddl_test, a_collection_that_takes_the_name_is_not_mixed_in) {
  begin();
  source.run("admin", R"({"renameCollection": "lim.moving", "to": "lim.moved"})");
  source.insert("lim", "moving", lab::document::json(R"({"_id": "stranger"})"));
  end();
  source.run("lim", R"({"drop": "moving"})");
  source.run("admin", R"({"renameCollection": "lim.moved", "to": "lim.moving"})");
  expect_equal(source_set.uri(), destination_set.uri());
}

TEST_F(ddl_test, a_capped_collection_that_is_truncated_past_the_copy_is_copied_anew) {
  source.run("lim", R"({"create": "log", "capped": true, "size": 80000000})");
  append_to_log(0, 80'000);
  // The copy cannot read on while it cannot write: what it reads ahead is a part of this.
  auto hanging = std::make_unique<fail_command>(destination_set.node(0), R"("alwaysOn")", R"({"nss": "lim.log"})",
                                                "hangDuringBatchInsert");
  run = std::make_unique<running_copy>(settings_for(source_set.uri(), destination_set.uri()));
  const auto is_hanging = [&] {
    const auto found = destination.run("admin", R"({"currentOp": 1, "failpointMsg": "hangDuringBatchInsert"})");
    return !found.child("inprog").elements().empty();
  };
  ASSERT_TRUE(lab::eventually([&] { return is_hanging() || run->ended(); }, std::chrono::seconds(60))) << log.tail();
  // One whole round: every record that was there when the copy began is overwritten.
  append_to_log(80'000, 90'000);
  hanging.reset();
  end();
  EXPECT_GE(log.count("truncated past the copy"), 1U) << log.tail();
  expect_equal(source_set.uri(), destination_set.uri());
}

}  // namespace
}  // namespace sluice::fault
