#include "engine/assess/run_command.hpp"

#include <gtest/gtest.h>

#include "tests/unit/assess/judged.hpp"

namespace sluice::assess {
namespace {

using test::holds;

session::sync_settings between_two() {
  session::sync_settings run;
  run.copy.source_uri = "mongodb://u:secret@a:1/?replicaSet=a";
  run.copy.destination_uri = "mongodb://b:2/?replicaSet=b";
  return run;
}

TEST(run_command, has_no_password_and_nothing_that_was_not_asked_for) {
  const std::string line = run_command(between_two(), 0.3);
  EXPECT_TRUE(line.starts_with("sluice run --source 'mongodb://u:***@a:1/?replicaSet=a' --destination 'mongodb://b:2/"))
      << line;
  EXPECT_FALSE(holds(line, "secret"));
  EXPECT_FALSE(holds(line, "--connections"));
}

TEST(run_command, says_again_what_was_asked_for) {
  session::sync_settings run = between_two();
  run.copy.include = {"shop./^o'/"};
  run.copy.exclude = {"shop.tmp"};
  run.copy.remaps = {{"shop", "store"}};
  run.copy.memory_bytes = 512 * limits::mib;
  run.spool_dir = "/data/my spool";
  run.beside_others = true;
  run.build_indexes = session::index_building::never;
  run.block_writes = session::write_blocking::none;
  run.copy.sharding = cluster::sharding_choice{.entries = {}};
  const std::string line = run_command(run, 0.3);
  EXPECT_TRUE(holds(line, R"( --sharding '{"createSupportingIndexes": false, "ignoreUnusedShardingEntries": false, )"
                          R"("shardingEntries": []}')"))
      << line;
  EXPECT_TRUE(holds(line, R"( --include 'shop./^o'\''/' --exclude 'shop.tmp' --remap 'shop=store')")) << line;
  EXPECT_TRUE(holds(line, " --memory-mb 512"));
  EXPECT_TRUE(holds(line, " --spool-dir '/data/my spool'"));
  EXPECT_TRUE(holds(line, " --build-indexes never --block-writes none"));
  EXPECT_TRUE(holds(line, " --pre-existing-destination-data"));
}

TEST(run_command, has_more_connections_on_a_slow_way) {
  EXPECT_TRUE(holds(run_command(between_two(), 45), " --connections 8"));
  session::sync_settings run = between_two();
  run.copy.connections = 3;
  EXPECT_TRUE(holds(run_command(run, 45), " --connections 3"));
}

}  // namespace
}  // namespace sluice::assess
