// What the metrics file says, and where it is refused.
#include "tools/metrics_file.hpp"

#include <fstream>
#include <regex>
#include <sstream>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

namespace sluice::tools {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

class metrics_files : public ::testing::Test {
 protected:
  metrics_files() { fs::remove_all(folder); }
  ~metrics_files() override { fs::remove_all(folder); }

  [[nodiscard]] std::vector<json::value> lines() const {
    std::vector<json::value> all;
    std::ifstream in(folder / "mongosync_metrics.log");
    for (std::string line; std::getline(in, line);) all.push_back(json::parse(line));
    return all;
  }

  const fs::path folder = fs::temp_directory_path() / ("sluice-metrics-" + std::to_string(::getpid()));
};

TEST(metrics_line, has_every_metric_but_our_buckets) {
  const json::value line =
      json::parse(metrics_line("# HELP a what it is\n# TYPE a gauge\na 1.5\nb{side=\"source\",c=\"a b\"} 3\n"
                               "sluice_d_bucket{le=\"+Inf\"} 7\nsluice_d_sum 9\nmongosync_d_bucket{le=\"+Inf\"} 7\n\n",
                               "2026-01-31T12:00:00.000000Z"));
  EXPECT_EQ(line.at("time"), json::value("2026-01-31T12:00:00.000000Z"));
  EXPECT_EQ(line.at("message").as_string(),
            "a 1.5\nb{side=\"source\",c=\"a b\"} 3\nsluice_d_sum 9\nmongosync_d_bucket{le=\"+Inf\"} 7\n");
}

/// The vendor's viewer reads a time by its place, and metrics by lines of the message.
TEST_F(metrics_files, are_what_the_vendors_viewer_reads) {
  auto opened = metrics_file::open(folder);
  ASSERT_TRUE(opened) << opened.error().message;
  session::progress now;
  now.follow.lag_seconds = 2;
  opened.value()->look(now, metrics_file::clock::time_point{1h});
  ASSERT_EQ(lines().size(), 1U);
  const std::string time(lines().front().at("time").as_string());
  EXPECT_TRUE(std::regex_match(time.substr(0, 26), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})"))) << time;
  const std::string message(lines().front().at("message").as_string());
  EXPECT_NE(message.find("\nmongosync_lag_time 2\n"), std::string::npos) << message;
  std::istringstream metrics(message);
  const std::regex metric(R"([a-z_]+(\{[^}]*\})?\s+[-+]?[0-9]*\.?[0-9]+(e[-+]?[0-9]+)?)");
  for (std::string line; std::getline(metrics, line);) EXPECT_TRUE(std::regex_match(line, metric)) << line;
}

TEST_F(metrics_files, a_full_one_is_put_aside_and_the_oldest_go) {
  auto opened = metrics_file::open(folder, 1);
  ASSERT_TRUE(opened) << opened.error().message;
  for (int i = 0; i < 6; ++i) opened.value()->look({}, metrics_file::clock::time_point{1h * (i + 1)});
  EXPECT_EQ(lines().size(), 1U);
  std::size_t older = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("mongosync_metrics-")) ++older;
  }
  EXPECT_EQ(older, metrics_file::older_files_max);
}

TEST_F(metrics_files, what_cannot_be_written_is_left_out_and_goes_on_later) {
  auto opened = metrics_file::open(folder, 1);
  ASSERT_TRUE(opened) << opened.error().message;
  opened.value()->look({}, metrics_file::clock::time_point{1h});
  fs::remove_all(folder);
  opened.value()->look({}, metrics_file::clock::time_point{2h});
  fs::create_directories(folder);
  opened.value()->look({}, metrics_file::clock::time_point{3h});
  opened.value()->look({}, metrics_file::clock::time_point{4h});
  EXPECT_GE(lines().size(), 1U);
}

TEST_F(metrics_files, are_written_every_half_minute_into_a_folder_that_is_made) {
  auto opened = metrics_file::open(folder);
  ASSERT_TRUE(opened) << opened.error().message;
  const metrics_file::clock::time_point begin{1h};
  session::progress now;
  opened.value()->look(now, begin);
  opened.value()->look(now, begin + 29s);
  EXPECT_EQ(lines().size(), 1U);
  opened.value()->look(now, begin + 30s);
  ASSERT_EQ(lines().size(), 2U);
  const json::value first = lines().front();
  EXPECT_NE(first.at("message").as_string().find("sluice_can_commit 0\n"), json::string::npos)
      << json::serialize(first);
  EXPECT_EQ(first.at("time").as_string().back(), 'Z');
}

TEST_F(metrics_files, go_on_behind_what_an_earlier_process_wrote) {
  fs::create_directories(folder);
  std::ofstream(folder / "mongosync_metrics.log") << "{\"time\":\"earlier\"}\n";
  auto opened = metrics_file::open(folder);
  ASSERT_TRUE(opened) << opened.error().message;
  opened.value()->look({}, metrics_file::clock::time_point{1h});
  ASSERT_EQ(lines().size(), 2U);
  EXPECT_EQ(lines().front().at("time"), json::value("earlier"));
}

TEST_F(metrics_files, a_folder_that_cannot_be_is_named) {
  std::ofstream{folder} << "a file\n";
  const auto opened = metrics_file::open(folder);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find(folder.string()), std::string::npos) << opened.error().message;
  EXPECT_NE(opened.error().message.find("metricsLoggingFilepath"), std::string::npos) << opened.error().message;
}

}  // namespace
}  // namespace sluice::tools
