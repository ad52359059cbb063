// What the metrics file says, and where it is refused.
#include "tools/metrics_file.hpp"

#include <fstream>
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
    std::ifstream in(folder / "metrics.log");
    for (std::string line; std::getline(in, line);) all.push_back(json::parse(line));
    return all;
  }

  const fs::path folder = fs::temp_directory_path() / ("sluice-metrics-" + std::to_string(::getpid()));
};

TEST(metrics_line, has_every_metric_with_its_labels) {
  const json::value line = json::parse(
      metrics_line("# HELP a what it is\n# TYPE a gauge\na 1.5\nb{side=\"source\",c=\"a b\"} 3\nd_bucket{le=\"+Inf\"} "
                   "7\ne +Inf\n\n",
                   "2026-01-31T12:00:00Z"));
  EXPECT_EQ(line, json::parse(R"({"time": "2026-01-31T12:00:00Z", "metrics": {"a": 1.5E0,
      "b{side=\"source\",c=\"a b\"}": 3, "d_bucket{le=\"+Inf\"}": 7, "e": "+Inf"}})"));
}

TEST_F(metrics_files, are_written_every_ten_seconds_into_a_folder_that_is_made) {
  auto opened = metrics_file::open(folder);
  ASSERT_TRUE(opened) << opened.error().message;
  const metrics_file::clock::time_point begin{1h};
  session::progress now;
  opened.value()->look(now, begin);
  opened.value()->look(now, begin + 9s);
  EXPECT_EQ(lines().size(), 1U);
  opened.value()->look(now, begin + 10s);
  ASSERT_EQ(lines().size(), 2U);
  const json::value first = lines().front();
  EXPECT_TRUE(first.at("metrics").as_object().contains("sluice_can_commit")) << json::serialize(first);
  EXPECT_EQ(first.at("time").as_string().back(), 'Z');
}

TEST_F(metrics_files, go_on_behind_what_an_earlier_process_wrote) {
  fs::create_directories(folder);
  std::ofstream(folder / "metrics.log") << "{\"time\":\"earlier\"}\n";
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
