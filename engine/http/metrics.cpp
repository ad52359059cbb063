#include "engine/http/metrics.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>

#include <sys/resource.h>
#include <unistd.h>

#include "engine/http/exposition.hpp"
#include "engine/http/metrics_of_original.hpp"

namespace sluice::http {
namespace {

/// From what is counted, microseconds, to seconds.
constexpr double us_per_second = 1e6;

using session::follow_progress;

exposition::labels label(const char* name, std::string_view value) {
  return {{name, std::string(value)}};
}

void add_state(exposition& out, const session::progress& now) {
  out.gauge("sluice_build_info", "1; the label tells the version.").value(1, label("version", SLUICE_VERSION));
  out.gauge("sluice_state", "1 for the state that the run is in, 0 for all others.");
  for (const auto one :
       {session::state::initializing, session::state::idle, session::state::running, session::state::paused,
        session::state::committing, session::state::committed, session::state::reversing, session::state::failed}) {
    out.value(one == now.now ? 1 : 0, label("state", to_string(one)));
  }
  out.gauge("sluice_phase", "1 for the phase that the run is in, 0 for all others.");
  for (auto at = 0; at <= static_cast<int>(session::phase::commit_completed); ++at) {
    const auto one = static_cast<session::phase>(at);
    out.value(one == now.at ? 1 : 0, label("phase", to_string(one)));
  }
  out.gauge("sluice_can_commit", "1 while a commit would be taken.").value(now.can_commit ? 1 : 0);
  out.gauge("sluice_can_write", "1 once applications may write to the destination.").value(now.can_write ? 1 : 0);
  out.gauge("sluice_warnings", "How many warnings progress shows.").value(now.warnings.size());
}

void add_sides(exposition& out, const session::progress& now) {
  const auto seconds = [](const std::optional<std::int64_t>& ping_ms) -> std::optional<double> {
    if (!ping_ms || *ping_ms < 0) return std::nullopt;
    return static_cast<double>(*ping_ms) / 1000;
  };
  out.gauge("sluice_ping_seconds", "How long a deployment took to answer the last ping.")
      .value(seconds(now.source_ping_ms), label("side", "source"))
      .value(seconds(now.destination_ping_ms), label("side", "destination"));
  out.gauge("sluice_unreachable_seconds", "For how long pings to a deployment have failed; 0 while it answers.")
      .value(now.source_silent_seconds.value_or(0), label("side", "source"))
      .value(now.destination_silent_seconds.value_or(0), label("side", "destination"));
}

void add_copy(exposition& out, const session::progress& now) {
  out.gauge("sluice_copy_copied_bytes", "Bytes of documents copied; less after a collection had to be begun anew.")
      .value(now.bytes_copied);
  out.gauge("sluice_copy_estimated_bytes", "Bytes of documents to copy, as estimated.")
      .value(std::max(now.bytes_total, now.bytes_copied));
  out.gauge("sluice_copy_copied_documents", "Documents copied.").value(now.documents_copied);
  out.gauge("sluice_copy_estimated_documents", "Documents to copy, as estimated.")
      .value(std::max(now.documents_total, now.documents_copied));
  out.gauge("sluice_copy_bytes_per_second", "Bytes copied a second, over the last ten.")
      .value(now.copy_bytes_per_second);
  out.gauge("sluice_copy_remaining_seconds", "How long the copy will still take, at this rate.")
      .value(now.seconds_to_complete);
  out.gauge("sluice_copy_collections", "Collections to copy.").value(now.collections_total);
  out.gauge("sluice_copy_copied_collections", "Collections copied as a whole.").value(now.collections_copied);
  out.gauge("sluice_indexes", "Indexes to build on the destination.").value(now.indexes_total);
  out.gauge("sluice_built_indexes", "Indexes built on the destination.").value(now.indexes_built);
  out.histogram("sluice_copy_batch_duration_seconds",
                "How long the destination took for a batch of documents, from the first byte sent to its answer.",
                now.copying.writes, us_per_second);
  out.histogram("sluice_copy_read_duration_seconds", "How long a batch of documents was waited for at the source.",
                now.copying.reads, us_per_second);
  out.histogram("sluice_copy_partition_duration_seconds", "How long a partition took as a whole.",
                now.copying.partitions, us_per_second);
  out.histogram("sluice_index_command_duration_seconds",
                "How long the destination took for the indexes of a collection.", now.index_commands, us_per_second);
}

void add_following(exposition& out, const session::progress& now) {
  const follow_progress& follow = now.follow;
  out.gauge("sluice_lag_seconds", "How far the destination is behind the source.").value(follow.lag_seconds);
  out.gauge("sluice_ddl_lag_seconds", "How far behind the last change of the catalog was when it was applied.")
      .value(follow.ddl_lag_seconds);
  out.gauge("sluice_catch_up_seconds", "When the lag will be gone, as it shrinks now.")
      .value(follow.seconds_to_catch_up);
  out.gauge("sluice_oplog_window_seconds",
            "For how long the source's oplog will still hold what is to be captured next.")
      .value(follow.oplog_seconds_left);
  if (follow.captured_by.empty()) return;
  out.gauge("sluice_last_applied_timestamp_seconds", "Time of the source's last change that is on the destination.")
      .value(follow.last_applied.seconds);
  out.gauge("sluice_changes_per_second", "Changes applied a second, over the last ten.")
      .value(follow.changes_per_second);
  out.counter("sluice_captured_entries_total", "Entries of the source's oplog that concern this run.")
      .value(follow.captured_entries);
  out.counter("sluice_captured_bytes_total", "Bytes of these.").value(follow.captured_bytes);
  out.counter("sluice_applied_changes_total", "Changes of the source that are on the destination.")
      .value(follow.events_applied);
  out.counter("sluice_writes_total", "What was written to the destination for the source's changes.")
      .value(follow.inserts, label("operation", "insert"))
      .value(follow.updates, label("operation", "update"))
      .value(follow.replaces, label("operation", "replace"))
      .value(follow.deletes, label("operation", "delete"))
      .value(follow.commands, label("operation", "command"));
  out.counter("sluice_consistency_violations_total",
              "Documents of the destination that were not what the source's changes expect.")
      .value(follow.violations);
  out.gauge("sluice_spool_bytes", "Captured changes that wait to be applied.")
      .value(follow.spool_disk_bytes, label("place", "disk"))
      .value(follow.spool_memory_bytes, label("place", "memory"));
  out.histogram("sluice_apply_window_duration_seconds",
                "How long the destination took for a batch of changes, from its first write to its last answer.",
                follow.window_latency, us_per_second);
  out.histogram("sluice_apply_write_duration_seconds", "How long the destination took for a command of these.",
                follow.write_latency, us_per_second);
  out.histogram("sluice_capture_read_duration_seconds",
                "How long changes were waited for at the source; who has caught up waits until there are some.",
                follow.read_latency, us_per_second);
}

void add_verification(exposition& out, const session::progress& now) {
  if (!now.verification) return;
  const auto& told = *now.verification;
  out.counter("sluice_verified_documents_total", "Documents read to compare both sides.")
      .value(told.source_documents, label("side", "source"))
      .value(told.destination_documents, label("side", "destination"));
  out.gauge("sluice_verification_collections", "Collections to compare.").value(told.collections);
  out.gauge("sluice_verified_collections", "Collections that were compared as a whole.")
      .value(told.collections_compared);
  out.gauge("sluice_verification_waiting_documents", "Documents that are to be looked at again.").value(told.undecided);
  out.gauge("sluice_verification_lag_seconds", "Since when the next of them waits.").value(told.lag_seconds);
  out.gauge("sluice_verification_mismatches", "Documents that are not the same on both sides.").value(told.different);
}

std::optional<double> resident_bytes() {
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return std::nullopt;
  unsigned long total_pages = 0, resident_pages = 0;
  const bool read = std::fscanf(file, "%lu %lu", &total_pages, &resident_pages) == 2;
  std::fclose(file);
  if (!read) return std::nullopt;
  return static_cast<double>(resident_pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

void add_process(exposition& out, const session::progress& now) {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  out.counter("sluice_retries_total", "Waits to try again, whatever had been interrupted.").value(now.retries);
  out.counter("process_cpu_seconds_total", "Processor time of this process.")
      .value(seconds(used.ru_utime) + seconds(used.ru_stime));
  out.gauge("process_resident_memory_bytes", "Memory of this process.").value(resident_bytes());
}

}  // namespace

std::string metrics_text(const session::progress& now) {
  exposition out;
  add_state(out, now);
  add_sides(out, now);
  add_copy(out, now);
  add_following(out, now);
  add_verification(out, now);
  add_process(out, now);
  add_metrics_of_original(out, now);
  return out.text();
}

}  // namespace sluice::http
