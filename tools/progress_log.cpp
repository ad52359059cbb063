#include "tools/progress_log.hpp"

#include <algorithm>
#include <numeric>

#include "engine/runtime/log.hpp"
#include "engine/session/follow_figures.hpp"

namespace sluice::tools {
namespace {

constexpr auto line_interval = std::chrono::seconds(30);  // the original's

struct durations {
  double average_ms = 0;
  std::int64_t operations = 0;
};

/// What came in since `before`, which becomes `now`.
durations since(runtime::latency_counts& before, const runtime::latency_counts& now) {
  const auto count = [](const runtime::latency_counts& of) {
    return std::accumulate(of.by_bucket.begin(), of.by_bucket.end(), std::uint64_t{0});
  };
  durations told;
  told.operations = static_cast<std::int64_t>(count(now) - count(before));
  if (told.operations > 0) {
    told.average_ms = static_cast<double>(now.sum_us - before.sum_us) / 1000.0 / static_cast<double>(told.operations);
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
  const durations copied = since(batches_, now.batch_latency);
  const durations applied = since(windows_, now.follow.window_latency);
  log(log_level::info, component_, "Operation duration stats.",
      {{"CollectionCopyDestinationWrite.averageDurationMs", copied.average_ms},
       {"CollectionCopyDestinationWrite.numOperations", copied.operations},
       {"CEADestinationWrite.averageDurationMs", applied.average_ms},
       {"CEADestinationWrite.numOperations", applied.operations},
       {"sourcePingLatencyMs", now.source_ping_ms.value_or(0)},
       {"destinationPingLatencyMs", now.destination_ping_ms.value_or(0)}});
}

}  // namespace sluice::tools
