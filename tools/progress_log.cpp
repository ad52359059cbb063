#include "tools/progress_log.hpp"

#include <algorithm>

#include "engine/runtime/log.hpp"
#include "engine/session/follow_figures.hpp"

namespace sluice::tools {
namespace {

constexpr auto line_interval = std::chrono::seconds(30);  // the original's

struct durations {
  double average_ms = 0;
  double maximum_ms = 0;
  std::int64_t operations = 0;
};

/// What came in since `before`, which becomes `now`. The largest is of the last half minute, as lines are.
durations since(runtime::latency_counts& before, const runtime::latency_counts& now) {
  durations told;
  told.operations = static_cast<std::int64_t>(now.count() - before.count());
  if (told.operations > 0) {
    told.average_ms = static_cast<double>(now.sum - before.sum) / 1000.0 / static_cast<double>(told.operations);
    told.maximum_ms = static_cast<double>(now.recent_max_us) / 1000.0;
  }
  before = now;
  return told;
}

bool is_under_way(session::state now) {
  return now == session::state::running || now == session::state::paused || now == session::state::committing ||
         now == session::state::reversing;
}

}  // namespace

void log_progress(const char* component, const session::progress& now) {
  const session::follow_progress& follow = now.follow;
  if (now.at < session::phase::change_application) {
    // The last two of the original's fields are in each of its lines: charts put the nth value beside the nth line.
    log(log_level::info, component, "Replication progress.",
        {{"state", to_string(now.now)},
         {"phase", to_string(now.at)},
         {"copiedBytes", now.bytes_copied},
         {"totalBytes", std::max(now.bytes_total, now.bytes_copied)},
         {"copiedDocuments", now.documents_copied},
         {"copiedCollections", now.collections_copied},
         {"totalCollections", now.collections_total},
         {"builtIndexes", now.indexes_built},
         {"totalIndexes", now.indexes_total},
         {"bytesPerSecond", now.copy_bytes_per_second},
         {"totalEventsApplied", follow.events_applied},
         {"lagTimeSeconds", follow.lag_seconds.value_or(-1)},
         {"secondsToComplete", now.seconds_to_complete.value_or(-1)},
         {"capturedEntries", follow.captured_entries},
         {"spoolDiskBytes", follow.spool_disk_bytes}});
    return;
  }
  const auto compared = now.verification.value_or(verify::verify_figures{});
  log(log_level::info, component, "Replication progress.",
      {{"state", to_string(now.now)},
       {"phase", to_string(now.at)},
       {"verifierSrcLagTimeSeconds", compared.lag_seconds},
       {"verifierDstLagTimeSeconds", compared.lag_seconds},
       {"verifiedCollections", compared.collections_compared},
       {"verifiedDocuments", compared.source_documents},
       {"mismatches", compared.different},
       {"ceaStage", follow.consistent ? "steady state" : "collection copy drain"},
       {"canCommit", now.can_commit},
       {"totalEventsApplied", follow.events_applied},
       {"lagTimeSeconds", follow.lag_seconds.value_or(-1)},
       {"estimatedOplogTimeRemaining", session::oplog_time_text(follow.oplog_seconds_left)},
       {"eventApplicationRatePerSecond", follow.changes_per_second},
       {"consistencyViolations", follow.violations},
       {"spoolDiskBytes", follow.spool_disk_bytes},
       {"spoolMemoryBytes", follow.spool_memory_bytes}});
}

void progress_log::look(const session::progress& now, clock::time_point at) {
  const stand stands{now.now, now.at};
  const bool changed = told_ != stands;
  if (!changed && (!is_under_way(now.now) || at < told_at_ + line_interval)) return;
  const bool first_look = !told_;
  told_ = stands;
  told_at_ = at;
  if (first_look && !is_under_way(now.now)) return;  // it waits to be started
  log_progress(component_, now);
  log_durations(now);
  log_source_rate(now, at);
}

/// What is captured a second is what the source writes, as far as the run's namespaces go.
void progress_log::log_source_rate(const session::progress& now, clock::time_point at) {
  if (now.follow.captured_by.empty()) return;
  const auto before = std::exchange(captured_, {{at, now.follow.captured_entries}});
  if (!before || at <= before->first) return;
  const std::chrono::duration<double> time = at - before->first;
  log(log_level::info, component_, "Average Source CRUD events rate",
      {{"srcCRUDEventsPerSec", static_cast<double>(now.follow.captured_entries - before->second) / time.count()}});
}

void progress_log::log_durations(const session::progress& now) {
  const durations copy_reads = since(copy_reads_, now.copying.reads);
  const durations copy_writes = since(copy_writes_, now.copying.writes);
  const durations reads = since(reads_, now.follow.read_latency);
  const durations writes = since(writes_, now.follow.write_latency);
  log(log_level::info, component_, "Operation duration stats.",
      {{"CollectionCopySourceRead.averageDurationMs", copy_reads.average_ms},
       {"CollectionCopySourceRead.maximumDurationMs", copy_reads.maximum_ms},
       {"CollectionCopySourceRead.numOperations", copy_reads.operations},
       {"CollectionCopyDestinationWrite.averageDurationMs", copy_writes.average_ms},
       {"CollectionCopyDestinationWrite.maximumDurationMs", copy_writes.maximum_ms},
       {"CollectionCopyDestinationWrite.numOperations", copy_writes.operations},
       {"CEASourceRead.averageDurationMs", reads.average_ms},
       {"CEASourceRead.maximumDurationMs", reads.maximum_ms},
       {"CEASourceRead.numOperations", reads.operations},
       {"CEADestinationWrite.averageDurationMs", writes.average_ms},
       {"CEADestinationWrite.maximumDurationMs", writes.maximum_ms},
       {"CEADestinationWrite.numOperations", writes.operations},
       {"sourcePingLatencyMs", now.source_ping_ms.value_or(0)},
       {"destinationPingLatencyMs", now.destination_ping_ms.value_or(0)}});
}

}  // namespace sluice::tools
