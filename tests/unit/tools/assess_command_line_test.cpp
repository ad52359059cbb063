// The flags of `sluice assess`: those of a run, and --json.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tools/command_line.hpp"

namespace sluice::tools {
namespace {

result<command_line> parsed(std::vector<std::string> more) {
  std::vector<std::string> arguments{"assess", "--source", "mongodb://a/?replicaSet=a", "--destination",
                                     "mongodb://b/?replicaSet=b"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return parse_command_line(
      std::move(arguments), [](const char*) { return std::nullopt; }, "version");
}

TEST(assess_command_line, takes_what_a_run_would_be_given) {
  const auto line = parsed({"--include",       "shop",
                            "--exclude",       "shop.tmp",
                            "--remap",         "shop=store",
                            "--build-indexes", "never",
                            "--block-writes",  "none",
                            "--spool-dir",     "/data",
                            "--spool-gb",      "10",
                            "--memory-mb",     "512",
                            "--lanes",         "2",
                            "--connections",   "3",
                            "--json",          "--pre-existing-destination-data"});
  ASSERT_TRUE(line) << line.error().message;
  const auto& options = std::get<assess_options>(line.value().what);
  EXPECT_EQ(options.settings.copy.source_uri, "mongodb://a/?replicaSet=a");
  EXPECT_EQ(options.settings.copy.include, std::vector<std::string>{"shop"});
  EXPECT_EQ(options.settings.copy.exclude, std::vector<std::string>{"shop.tmp"});
  EXPECT_EQ(options.settings.copy.remaps.size(), 1U);
  EXPECT_EQ(options.settings.build_indexes, session::index_building::never);
  EXPECT_EQ(options.settings.block_writes, session::write_blocking::none);
  EXPECT_EQ(options.settings.spool_dir, "/data");
  EXPECT_EQ(options.settings.spool_bytes_max, std::uint64_t{10} << 30U);
  EXPECT_EQ(options.settings.copy.memory_bytes, std::size_t{512} << 20U);
  EXPECT_TRUE(options.settings.beside_others);
  EXPECT_TRUE(options.json);
  EXPECT_FALSE(std::get<assess_options>(parsed({}).value().what).json);
}

TEST(assess_command_line, what_contradicts_itself_is_wrong_usage) {
  const auto line = parsed({"--pre-existing-destination-data"});
  ASSERT_FALSE(line);
  EXPECT_NE(line.error().message.find("holds data of others"), std::string::npos) << line.error().message;
  EXPECT_FALSE(parsed({"--drop"}));
}

TEST(assess_command_line, the_help_has_its_exit_codes) {
  const auto help = parse_command_line(
      {"assess", "--help"}, [](const char*) { return std::nullopt; }, "version");
  ASSERT_TRUE(help);
  const std::string text = std::get<print_only>(help.value().what).text;
  EXPECT_NE(text.find("1 something would make a migration fail"), std::string::npos) << text;
}

}  // namespace
}  // namespace sluice::tools
