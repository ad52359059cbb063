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
  now.copying.writes.by_bucket = {4, 2, 0, 1};
  now.copying.writes.by_bucket.back() = 1;
  now.copying.writes.sum = 61'500'000;
  now.copying.reads.by_bucket[0] = 2;
  now.copying.partitions.by_bucket[8] = 5;
  now.copying.batch_documents.by_bucket[3] = 8;
  now.copying.batch_documents.sum = 6000;
  now.source_pings.by_bucket[1] = 3;
  now.source_pings.sum = 4'500;
  now.host = runtime::host_load{12.5, 40};
  now.retries = 6;
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
  follow.window_latency.sum = 300'000;
  follow.window_changes.by_bucket[2] = 9;
  follow.window_changes.sum = 700;
  follow.captured_bytes = 5000;
  now.verification.emplace();
  now.verification->source_documents = 77;
  now.verification->different = 2;
  now.verification->documents_estimate = 90;
  now.verification->lag_seconds = 4;
  now.verification->collections_compared = 3;
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
  EXPECT_EQ(value_of(all, "mongosync_lag_time"), 3) << "seconds, as lags are";
  EXPECT_EQ(value_of(all, "mongosync_phase"), 7);
  EXPECT_EQ(value_of(all, "mongosync_dst_unavailable"), 1);
  EXPECT_EQ(value_of(all, "mongosync_cea_total_crud_events_applied"), 99);
  EXPECT_EQ(value_of(all, "mongosync_cea_change_stream_reader_events_read"), 120);
  EXPECT_EQ(value_of(all, "mongosync_index_checker_service_created_count"), 4);
  EXPECT_EQ(value_of(all, "verifier_initial_hasher_docs_hashed_total"), 77);
}

TEST(metrics, the_originals_are_in_its_units) {
  const exposed all = read_exposition(metrics_text(full_run()));
  EXPECT_EQ(value_of(all, "mongosync_retry_count"), 6);
  EXPECT_EQ(value_of(all, "mongosync_host_cpu_usage"), 12.5);
  EXPECT_EQ(value_of(all, "mongosync_host_memory_percent_used"), 40);
  EXPECT_EQ(value_of(all, "mongosync_src_ping_latency_bucket", {{"le", "2"}}), 3) << "milliseconds";
  EXPECT_EQ(value_of(all, "mongosync_src_ping_latency_sum"), 4.5);
  EXPECT_EQ(value_of(all, "mongosync_collection_copy_partitions_completed_count"), 5);
  EXPECT_EQ(value_of(all, "mongosync_collection_copy_copy_partition_duration_bucket", {{"le", "500"}}), 5);
  EXPECT_EQ(value_of(all, "mongosync_collection_copy_source_read_op_duration_count"), 2);
  EXPECT_EQ(value_of(all, "mongosync_collection_copy_destination_write_op_duration_sum"), 61'500);
  EXPECT_EQ(value_of(all, "mongosync_bulk_inserter_docs_inserted_count"), 6000);
  EXPECT_EQ(value_of(all, "mongosync_bulk_inserter_docs_per_batch_bucket", {{"le", "1000"}}), 8);
  EXPECT_EQ(value_of(all, "mongosync_cea_change_stream_reader_bytes_read"), 5000);
  EXPECT_EQ(value_of(all, "mongosync_cea_crud_applier_txn_duration_sum"), 300);
  EXPECT_EQ(value_of(all, "mongosync_cea_crud_applier_txn_size_sum"), 700);
  EXPECT_EQ(value_of(all, "verifier_lag_time"), 4);
  EXPECT_EQ(value_of(all, "verifier_auditor_num_docs_hashed"), 77);
  EXPECT_EQ(value_of(all, "verifier_auditor_estimated_docs_count"), 180) << "both sides";
  EXPECT_EQ(value_of(all, "verifier_auditor_scanned_collection_count"), 3);
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
  static const std::regex name("`((?:sluice|mongosync|verifier|process)_[a-z_]+)`");
  for (std::string line; std::getline(manual, line);) {
    if (!line.starts_with("| `")) continue;
    const std::string first = line.substr(0, line.find(" | "));
    for (std::sregex_iterator it(first.begin(), first.end(), name); it != std::sregex_iterator(); ++it) {
      names.insert((*it)[1]);
    }
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

}  // namespace
}  // namespace sluice::http
