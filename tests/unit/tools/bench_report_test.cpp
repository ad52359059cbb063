// The three reports of one set of figures: what is in them, and what a later run reads back.
#include "tools/bench_report.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <simdjson.h>
#include <unistd.h>

#include "tools/terminal_text.hpp"

namespace sluice::tools {
namespace {

measure::step step_of(const char* name, double mb_per_second) {
  measure::step made;
  made.name = name;
  made.seconds = 2;
  made.documents = 200'000;
  made.bytes = static_cast<std::int64_t>(mb_per_second * 2e6);
  made.calls = {40, 8.1, 12.5, 20.25, 31};
  made.series = {{0.5, mb_per_second * 1e6}, {1.0, mb_per_second * 0.9e6}, {2.0, mb_per_second * 1.1e6}};
  made.cpu = {0.05, 0.4, 0.9, 3.1};
  return made;
}

bench_report report() {
  bench_report r;
  measure::figures& f = r.figures;
  f.source = {.name = "rs-a (db1:27017)", .version = "6.0.27", .cores = 4, .cache_bytes = 500'000'000};
  f.destination = {.name = "rs-b <db2:27017>", .version = "6.0.27", .cores = 4, .cache_bytes = 500'000'000};
  f.lanes = 1;
  f.connections = f.connections_used = 4;
  f.data_bytes = 172'000'000;
  f.data_documents = 200'000;
  f.indexes = 2;
  f.index_seconds = 0.8;
  f.batch_bytes = 4'000'000;
  f.source_read = {step_of("source_read", 600), step_of("source_read", 620)};
  f.destination_write = {step_of("destination_write", 100), step_of("destination_write", 104)};
  f.source_network = {step_of("source_network", 3000), {40, 0.2, 0.3, 0.5, 0.7}};
  f.destination_network = {step_of("destination_network", 2500), {40, 0.2, 0.3, 0.5, 0.7}};
  f.copy = step_of("copy", 95);
  f.apply.applied = step_of("apply", 10);
  f.apply.captured_through = "oplog";
  f.apply.source_seconds = 3;
  f.probes = {{"connections", "8 connections instead of 4", 100e6, 125e6}};
  f.seconds = 31;
  f.began = "2026-05-04T10:00:00Z";
  r.verdict = measure::judge(f, 3.2e12);
  r.sluice_version = "0.1.0";
  return r;
}

class written_file {
 public:
  explicit written_file(const std::string& text)
      : path_((std::filesystem::temp_directory_path() / ("bench-report-" + std::to_string(::getpid()))).string()) {
    std::ofstream(path_) << text;
  }
  ~written_file() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string refusal(const std::string& text) {
  const written_file file(text);
  const auto read = read_earlier_bench(file.path());
  return read ? std::string() : read.error().message;
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(bench_report, the_table_has_every_figure_and_the_verdict) {
  const std::string text = bench_text(report(), 100);
  for (const char* part :
       {"rs-a (db1:27017), MongoDB 6.0.27", "200,000 documents, 172 MB, flat", "source read", "610 MB/s", "102 MB/s",
        "95 MB/s", "3 GB/s", "1.07 × the write ceiling", "changes/s by oplog", "+25 %  8 connections instead of 4",
        "The limit is the destination:", "--connections 8", "3.2 TB → ", "indexes", "▶"}) {
    EXPECT_TRUE(holds(text, part)) << part << "\n" << text;
  }
}

TEST(bench_report, the_table_keeps_to_the_terminal) {
  for (const std::size_t width : {60U, 80U, 100U, 200U}) {
    std::istringstream lines(bench_text(report(), width));
    for (std::string line; std::getline(lines, line);)
      EXPECT_LE(columns(line), std::max<std::size_t>(width, 60)) << line;
  }
}

TEST(bench_report, what_was_not_measured_says_why) {
  bench_report r = report();
  r.figures.apply.applied = {.name = "apply", .skipped = "the user may not read the oplog"};
  r.figures.source_network.transfer = {.name = "source_network", .skipped = "loopback"};
  for (const std::string& text : {bench_text(r, 100), bench_html(r)}) {
    EXPECT_TRUE(holds(text, "not measured: the user may not read the oplog")) << text;
  }
  EXPECT_TRUE(holds(bench_json(r), R"("skipped":"the user may not read the oplog")"));
}

TEST(bench_report, json_is_read_back_and_compared) {
  bench_report now = report();
  const std::string before = bench_json(now);
  simdjson::dom::parser parser;
  const auto document = parser.parse(before);
  EXPECT_EQ(std::string_view(document["format"]), "sluice-bench");
  EXPECT_EQ(std::int64_t(document["formatVersion"]), bench_format_version);
  EXPECT_EQ(std::string_view(document["verdict"]["limit"]), "destination");
  EXPECT_EQ(std::string_view(document["verdict"]["estimate"]["text"]).substr(0, 6), "3.2 TB");
  EXPECT_NEAR(double(document["metrics"]["copy_ratio"]), 102.0 / 95, 1e-9);
  EXPECT_EQ(document["copy"]["series"].get_array().value().size(), 3U);

  const written_file file(before);
  auto earlier = read_earlier_bench(file.path());
  ASSERT_TRUE(earlier) << earlier.error().message;
  EXPECT_EQ(earlier.value().began, "2026-05-04T10:00:00Z");
  now.earlier = earlier.value();
  now.figures.copy = step_of("copy", 76);  // a fifth slower
  for (const bench_metric& metric : bench_metrics()) {
    if (metric.name == "copy_mb_per_second") {
      EXPECT_NEAR(change_since(now, metric).value(), -0.2, 1e-9);
    }
  }
  EXPECT_TRUE(holds(bench_text(now, 100), "worse"));
  EXPECT_TRUE(holds(bench_html(now), "▼ worse"));
  EXPECT_TRUE(holds(bench_html(now), "Compared with the last run"));
  EXPECT_TRUE(holds(bench_json(now), R"("comparedWith")"));
}

TEST(bench_report, a_file_that_is_no_report_of_this_version_is_named) {
  EXPECT_TRUE(holds(refusal("not json"), "no JSON"));
  EXPECT_TRUE(holds(refusal(R"({"documents": 3})"), "no report of sluice bench"));
  EXPECT_TRUE(holds(refusal(R"({"format": "sluice-bench", "formatVersion": 2, "metrics": {}})"), "format version 2"));
  EXPECT_TRUE(holds(refusal(R"({"format": "sluice-bench", "formatVersion": 1})"), "no metrics"));
  EXPECT_EQ(refusal(R"({"format": "sluice-bench", "formatVersion": 1, "metrics": {"copy_ratio": null}})"), "");
  const auto missing = read_earlier_bench("/nowhere/at/all.json");
  ASSERT_TRUE(missing.has_error());
  EXPECT_TRUE(holds(missing.error().message, "/nowhere/at/all.json"));
}

TEST(bench_report, the_page_stands_alone) {
  const std::string page = bench_html(report());
  for (const char* part : {"<!doctype html>", "The limit is the <span class=\"limit\">destination",
                           "prefers-color-scheme", "name=\"viewport\"", "id=\"throughput\"", "id=\"latency\"",
                           "id=\"cpu\"", "id=\"comparison\"", "role=\"img\"", "</html>"}) {
    EXPECT_TRUE(holds(page, part)) << part;
  }
  for (const char* part : {"<script", "http://", "https://", "@import", "url("})
    EXPECT_FALSE(holds(page, part)) << part;
  EXPECT_TRUE(holds(page, "rs-b &lt;db2:27017&gt;"));  // foreign text is never markup
  EXPECT_FALSE(holds(page, "<db2"));
  EXPECT_FALSE(holds(page, "nan"));
  EXPECT_FALSE(holds(page, "inf%"));
}

}  // namespace
}  // namespace sluice::tools
