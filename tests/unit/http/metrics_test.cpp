// What Prometheus reads: by its own rules, with the values of the run, under the names that the manual lists.
#include "engine/http/metrics.hpp"

#include <fstream>
#include <set>
#include <sstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "tests/unit/http/exposition.hpp"

namespace sluice::http {
namespace {

using test::exposed;
using test::read_exposition;

/// A run of which everything is known.
session::progress full_run() {
  session::progress now;
  now.now = session::state::running;
  now.at = session::phase::change_application;
  now.can_commit = true;
  now.bytes_total = 1000;
  now.bytes_copied = 1200;  // an estimate that was too low
  now.documents_copied = 30;
  now.collections_total = 3;
  now.indexes_total = 5;
  now.indexes_built = 4;
  now.seconds_to_complete = 0;
  now.source_ping_ms = 20;
  now.destination_ping_ms = -1;
  now.destination_silent_seconds = 7;
  now.warnings = {"mind the gap"};
  now.batch_latency.by_bucket = {4, 2, 0, 1};
  now.batch_latency.by_bucket.back() = 1;
  now.batch_latency.sum_us = 61'500'000;
  session::follow_progress& follow = now.follow;
  follow.captured_by = "oplog";
  follow.lag_seconds = 3;
  follow.ddl_lag_seconds = 2;
  follow.seconds_to_catch_up = 11;
  follow.oplog_seconds_left = 3600;
  follow.last_applied = {1'700'000'000, 4};
  follow.events_applied = 100;
  follow.inserts = 60;
  follow.deletes = 39;
  follow.commands = 1;
  follow.changes_per_second = 12.5;
  follow.captured_entries = 120;
  follow.violations = 1;
  follow.spool_disk_bytes = 4096;
  follow.window_latency.by_bucket[5] = 9;
  follow.window_latency.sum_us = 300'000;
  now.verification.emplace();
  now.verification->source_documents = 77;
  now.verification->different = 2;
  return now;
}

double value_of(const exposed& all, const std::string& name, const std::map<std::string, std::string>& labels = {}) {
  const std::string family = family_of(all, name);
  EXPECT_NE(family, "") << name;
  if (family.empty()) return NAN;
  for (const auto& one : all.families.at(family).samples) {
    if (one.name == name && one.labels == labels) return one.value;
  }
  ADD_FAILURE() << name << " has no such sample";
  return NAN;
}

TEST(metrics, follow_the_rules_of_promtool_in_every_state) {
  session::progress now = full_run();
  for (const session::progress& one : {session::progress{}, now}) {
    const exposed all = read_exposition(metrics_text(one));
    EXPECT_EQ(all.complaints, std::vector<std::string>{});
    EXPECT_GT(all.families.size(), 20U);
  }
}

TEST(metrics, the_rules_would_notice) {
  const auto complaints = [](const std::string& text) { return read_exposition(text).complaints.size(); };
  EXPECT_EQ(complaints("# HELP a_total A.\n# TYPE a_total counter\na_total 1\n"), 0U);
  EXPECT_EQ(complaints("# HELP a A.\n# TYPE a counter\na 1\n"), 1U);
  EXPECT_EQ(complaints("# HELP a_ms A.\n# TYPE a_ms gauge\na_ms 1\n"), 1U);
  EXPECT_EQ(complaints("# TYPE a gauge\na 1\n"), 1U);
  EXPECT_EQ(complaints("# HELP a A.\n# TYPE a gauge\n# HELP a A.\n# TYPE a gauge\na 1\n"), 2U);
  EXPECT_EQ(complaints("# HELP a A.\n# TYPE a gauge\na 1\na 2\n"), 1U);
  EXPECT_EQ(complaints("b 1\n"), 1U);
  const std::string histogram = "# HELP h_seconds H.\n# TYPE h_seconds histogram\n";
  EXPECT_EQ(complaints(histogram + "h_seconds_count 2\nh_seconds_sum 1\nh_seconds_bucket{le=\"1\"} 1\n"
                                   "h_seconds_bucket{le=\"+Inf\"} 2\n"),
            0U);
  EXPECT_EQ(
      complaints(histogram + "h_seconds_count 2\nh_seconds_bucket{le=\"1\"} 2\nh_seconds_bucket{le=\"+Inf\"} 1\n"), 2U);
  EXPECT_GE(complaints(histogram + "h_seconds_count 2\nh_seconds_bucket{le=\"1\"} 2\n"), 1U);
}

TEST(metrics, tell_what_progress_tells) {
  const exposed all = read_exposition(metrics_text(full_run()));
  EXPECT_EQ(value_of(all, "sluice_state", {{"state", "RUNNING"}}), 1);
  EXPECT_EQ(value_of(all, "sluice_state", {{"state", "IDLE"}}), 0);
  EXPECT_EQ(value_of(all, "sluice_phase", {{"phase", "change event application"}}), 1);
  EXPECT_EQ(value_of(all, "sluice_can_commit"), 1);
  EXPECT_EQ(value_of(all, "sluice_warnings"), 1);
  EXPECT_EQ(value_of(all, "sluice_copy_copied_bytes"), 1200);
  EXPECT_EQ(value_of(all, "sluice_copy_estimated_bytes"), 1200) << "a share must not pass 1";
  EXPECT_EQ(value_of(all, "sluice_ping_seconds", {{"side", "source"}}), 0.02);
  EXPECT_EQ(all.families.at("sluice_ping_seconds").samples.size(), 1U) << "a failed ping took no time";
  EXPECT_EQ(value_of(all, "sluice_unreachable_seconds", {{"side", "destination"}}), 7);
  EXPECT_EQ(value_of(all, "sluice_lag_seconds"), 3);
  EXPECT_EQ(value_of(all, "sluice_applied_changes_total"), 100);
  EXPECT_EQ(value_of(all, "sluice_writes_total", {{"operation", "delete"}}), 39);
  EXPECT_EQ(value_of(all, "sluice_spool_bytes", {{"place", "disk"}}), 4096);
  EXPECT_EQ(value_of(all, "sluice_last_applied_timestamp_seconds"), 1'700'000'000);
  EXPECT_GT(value_of(all, "process_resident_memory_bytes"), 1e6);
  EXPECT_EQ(value_of(all, "sluice_verified_documents_total", {{"side", "source"}}), 77);
  EXPECT_EQ(value_of(all, "sluice_verification_mismatches"), 2);
  EXPECT_EQ(value_of(all, "mongosync_lag_time"), 3000);
  EXPECT_EQ(value_of(all, "mongosync_phase"), 7);
  EXPECT_EQ(value_of(all, "mongosync_dst_unavailable"), 1);
  EXPECT_EQ(value_of(all, "mongosync_cea_total_crud_events_applied"), 99);
  EXPECT_EQ(value_of(all, "mongosync_cea_change_stream_reader_events_read"), 120);
  EXPECT_EQ(value_of(all, "mongosync_index_checker_service_created_count"), 4);
  EXPECT_EQ(value_of(all, "verifier_initial_hasher_docs_hashed_total"), 77);
}

TEST(metrics, histograms_are_cumulative_and_in_seconds) {
  const exposed all = read_exposition(metrics_text(full_run()));
  const std::string name = "sluice_copy_batch_duration_seconds";
  EXPECT_EQ(value_of(all, name + "_bucket", {{"le", "0.001"}}), 4);
  EXPECT_EQ(value_of(all, name + "_bucket", {{"le", "0.002"}}), 6);
  EXPECT_EQ(value_of(all, name + "_bucket", {{"le", "60"}}), 7);
  EXPECT_EQ(value_of(all, name + "_bucket", {{"le", "+Inf"}}), 8);
  EXPECT_EQ(value_of(all, name + "_count"), 8);
  EXPECT_EQ(value_of(all, name + "_sum"), 61.5);
  EXPECT_EQ(value_of(all, "sluice_apply_window_duration_seconds_count"), 9);
}

TEST(metrics, what_is_not_known_is_not_told) {
  const exposed all = read_exposition(metrics_text({}));
  for (const char* name : {"sluice_lag_seconds", "sluice_ping_seconds", "sluice_copy_remaining_seconds",
                           "sluice_oplog_window_seconds", "sluice_applied_changes_total", "mongosync_lag_time"}) {
    EXPECT_FALSE(all.families.contains(name)) << name;
  }
}

/// The names in the first column of the manual's table of metrics.
std::set<std::string> documented_names() {
  std::ifstream manual(SLUICE_MANUAL);
  std::set<std::string> names;
  static const std::regex row("\\| `((?:sluice|mongosync|verifier|process)_[a-z_]+)`.*");
  for (std::string line; std::getline(manual, line);) {
    std::smatch part;
    if (std::regex_match(line, part, row)) names.insert(part[1]);
  }
  return names;
}

TEST(metrics, the_manual_lists_exactly_these) {
  std::set<std::string> served;
  for (const auto& [name, family] : read_exposition(metrics_text(full_run())).families) served.insert(name);
  EXPECT_EQ(documented_names(), served);
}

TEST(metrics, the_dashboard_asks_for_nothing_else) {
  std::ifstream file(SLUICE_DASHBOARD);
  std::ostringstream text;
  text << file.rdbuf();
  const boost::json::value dashboard = boost::json::parse(text.str());
  const exposed all = read_exposition(metrics_text(full_run()));
  static const std::regex name("(?:sluice|mongosync|process)_[a-z_]+");
  std::set<std::string> asked;
  for (const auto& panel : dashboard.at("panels").as_array()) {
    for (const auto& target : panel.at("targets").as_array()) {
      const std::string expression(target.at("expr").as_string());
      for (std::sregex_iterator it(expression.begin(), expression.end(), name); it != std::sregex_iterator(); ++it) {
        asked.insert(it->str());
      }
    }
  }
  EXPECT_GT(asked.size(), 20U);
  for (const std::string& one : asked) EXPECT_NE(family_of(all, one), "") << one << " is no metric";
}

TEST(latency, is_counted_in_its_bucket_and_added_up_over_lanes) {
  using namespace std::chrono_literals;
  runtime::latencies_by_lane lanes;
  lanes.of_lane(0).add(1ms);     // at most a millisecond
  lanes.of_lane(1).add(1001us);  // more
  lanes.of_lane(17).add(2min);   // beyond the last bound
  lanes.of_lane(0).add(-1s);     // no clock runs backwards, but nothing may break if it does
  const runtime::latency_counts counts = lanes.counts();
  EXPECT_EQ(counts.by_bucket[0], 2U);
  EXPECT_EQ(counts.by_bucket[1], 1U);
  EXPECT_EQ(counts.by_bucket.back(), 1U);
  EXPECT_EQ(counts.sum_us, 1'000U + 1'001U + 120'000'000U);
}

}  // namespace
}  // namespace sluice::http
