// A record as a line, and the log as a file.
#include "tools/logging.hpp"

#include <filesystem>
#include <fstream>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

namespace sluice::tools {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

TEST(logging, a_json_line_has_the_fixed_fields_and_typed_ones) {
  const std::vector<log_field> fields{{"ns", "db.c"}, {"documents", 3}, {"rate", 0.5}, {"done", true}};
  const json::value line =
      json::parse(json_line({log_level::warn, "copy", "Partition done", fields}, "2026-01-02T03:04:05.678Z"));
  EXPECT_EQ(line.at("level"), json::value("warn"));
  EXPECT_EQ(line.at("time"), json::value("2026-01-02T03:04:05.678Z"));
  EXPECT_EQ(line.at("pid"), json::value(::getpid()));
  EXPECT_TRUE(line.at("host").is_string());
  EXPECT_EQ(line.at("componentName"), json::value("copy"));
  EXPECT_EQ(line.at("serverID").as_string().size(), 24U);
  EXPECT_EQ(line.at("mongosyncID"), json::value("coordinator"));
  EXPECT_EQ(line.at("message"), json::value("Partition done"));
  EXPECT_EQ(line.at("ns"), json::value("db.c"));
  EXPECT_EQ(line.at("documents"), json::value(3));
  EXPECT_EQ(line.at("rate"), json::value(0.5));
  EXPECT_EQ(line.at("done"), json::value(true));
}

TEST(logging, names_with_a_dot_are_documents_in_the_line) {
  const std::vector<log_field> fields{{"reads.averageDurationMs", 1.5}, {"reads.numOperations", 2}};
  const json::value line = json::parse(json_line({log_level::info, "c", "m", fields}, "t"));
  EXPECT_EQ(line.at("reads"), json::parse(R"({"averageDurationMs": 1.5, "numOperations": 2})"));
  const std::vector<log_field> deep{{"a.b.c", 1}, {"a.b.d", 2}, {"a.e", 3}};
  EXPECT_EQ(json::parse(json_line({log_level::info, "c", "m", deep}, "t")).at("a"),
            json::parse(R"({"b": {"c": 1, "d": 2}, "e": 3})"));
}

TEST(logging, long_fields_are_cut_between_characters_and_broken_ones_stay_json) {
  const std::string umlauts = "x" + [] {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "ü";
    return text;
  }();
  const std::vector<log_field> fields{{"long", umlauts}, {"broken", "a\xff\n\x1b[2J"}};
  const json::value line = json::parse(json_line({log_level::info, "c", "m", fields}, "t"));
  EXPECT_EQ(line.at("long").as_string().size(), 1023U);
  const std::vector<log_field> spoken{{"body", umlauts}};
  const json::value whole = json::parse(json_line({log_level::info, "c", "m", spoken}, "t"));
  EXPECT_EQ(whole.at("body").as_string().size(), umlauts.size()) << "half a JSON document says nothing";
  const std::string text = text_line({log_level::info, "c", "m", fields}, "12:00:00.000");
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST(logging, a_file_is_moved_aside_at_start_and_by_rotation) {
  const fs::path directory = fs::temp_directory_path() / ("sluice-log-" + std::to_string(::getpid()));
  const auto files = [&] { return std::distance(fs::directory_iterator(directory), fs::directory_iterator{}); };
  fs::create_directories(directory);
  std::ofstream(directory / "mongosync.log") << "old\n";
  {
    log_options options;
    options.path = directory.string();
    auto opened = log_output::open(options, stderr, "mongosync");
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(files(), 2);
    log(log_level::info, "test", "first");
    log(log_level::debug, "test", "too quiet");
    opened.value()->rotate();
    log(log_level::info, "test", "second");
  }
  EXPECT_EQ(files(), 3);
  std::ifstream file(directory / "mongosync.log");
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(json::parse(line).at("message"), json::value("second"));
  EXPECT_FALSE(std::getline(file, line));
  log(log_level::info, "test", "nobody listens");  // the sink is gone
  fs::remove_all(directory);
}

TEST(logging, a_rotation_that_fails_is_told_to_the_old_file) {
  const fs::path root = fs::temp_directory_path() / ("sluice-rotated-" + std::to_string(::getpid()));
  const fs::path folder = root / "log";
  fs::create_directories(folder);
  {
    log_options options;
    options.path = folder.string();
    auto opened = log_output::open(options, stderr, "mongosync");
    ASSERT_TRUE(opened) << opened.error().message;
    fs::rename(folder, root / "elsewhere");
    std::ofstream(folder) << "in the way";
    opened.value()->rotate();
    log(log_level::info, "test", "still heard");
  }
  std::ifstream file(root / "elsewhere" / "mongosync.log");
  std::string told, after;
  std::getline(file, told);
  std::getline(file, after);
  EXPECT_NE(told.find("the old one is written on"), std::string::npos) << told;
  EXPECT_NE(after.find("still heard"), std::string::npos) << after;
  fs::remove_all(root);
}

TEST(logging, a_path_that_cannot_be_written_is_named) {
  log_options options;
  options.path = "/proc/nowhere/x.log";
  const auto opened = log_output::open(options, stderr, "sluice");
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("/proc/nowhere"), std::string::npos);
}

}  // namespace
}  // namespace sluice::tools
