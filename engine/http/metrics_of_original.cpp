#include "engine/http/metrics_of_original.hpp"

namespace sluice::http {

namespace {

constexpr double us_per_ms = 1e3;
constexpr double as_counted = 1;

void add_run(exposition& out, const session::progress& now) {
  out.gauge("mongosync_phase", "Number of the phase, in the order of sluice_phase.").value(static_cast<int>(now.at));
  out.gauge("mongosync_lag_time", "Lag in seconds.").value(now.follow.lag_seconds);
  out.gauge("mongosync_src_unavailable", "1 while the source does not answer.")
      .value(now.source_silent_seconds ? 1 : 0);
  out.gauge("mongosync_dst_unavailable", "1 while the destination does not answer.")
      .value(now.destination_silent_seconds ? 1 : 0);
  out.histogram("mongosync_src_ping_latency", "Pings of the source, in milliseconds.", now.source_pings, us_per_ms);
  out.histogram("mongosync_dst_ping_latency", "Pings of the destination, in milliseconds.", now.destination_pings,
                us_per_ms);
  out.untyped("mongosync_retry_count", "Waits to try again.").value(now.retries);
  if (now.host) {
    out.gauge("mongosync_host_cpu_usage", "Percent of this machine's cores that are busy, whoever keeps them so.")
        .value(now.host->cpu_percent);
    out.gauge("mongosync_host_memory_percent_used", "Percent of this machine's memory that nobody else could have.")
        .value(now.host->memory_used_percent);
  }
}

void add_copy(exposition& out, const session::progress& now) {
  const copy::measured& copying = now.copying;
  out.untyped("mongosync_collection_copy_copied_docs_count", "Documents copied.").value(now.documents_copied);
  out.untyped("mongosync_collection_copy_copied_bytes_count", "Bytes of documents copied.").value(now.bytes_copied);
  out.untyped("mongosync_collection_copy_partitions_completed_count", "Partitions written as a whole.")
      .value(copying.partitions.count());
  out.histogram("mongosync_collection_copy_partition_size", "Bytes of these, as planned.", copying.partition_bytes,
                as_counted);
  out.histogram("mongosync_collection_copy_copy_partition_duration", "How long these took, in milliseconds.",
                copying.partitions, us_per_ms);
  out.histogram("mongosync_collection_copy_source_read_op_duration",
                "How long a batch was waited for at the source, in milliseconds.", copying.reads, us_per_ms);
  out.histogram("mongosync_collection_copy_destination_write_op_duration",
                "How long the destination took for a batch, in milliseconds.", copying.writes, us_per_ms);
  out.untyped("mongosync_bulk_inserter_docs_inserted_count", "Documents in the batches of this process.")
      .value(copying.batch_documents.sum);
  out.untyped("mongosync_bulk_inserter_bytes_inserted_count", "Bytes in these.").value(copying.batch_bytes.sum);
  out.histogram("mongosync_bulk_inserter_docs_per_batch", "Documents in a batch.", copying.batch_documents, as_counted);
  out.histogram("mongosync_bulk_inserter_bytes_per_batch", "Bytes in a batch.", copying.batch_bytes, as_counted);
  out.untyped("mongosync_index_checker_service_created_count", "Indexes built.").value(now.indexes_built);
  out.histogram("mongosync_index_checker_service_create_indexes_duration",
                "How long createIndexes took, in milliseconds.", now.index_commands, us_per_ms);
}

void add_following(exposition& out, const session::follow_progress& follow) {
  out.untyped("mongosync_cea_total_events_applied", "Changes of the source that are on the destination.")
      .value(follow.events_applied);
  out.untyped("mongosync_cea_total_crud_events_applied", "Those of documents.")
      .value(follow.events_applied - follow.commands);
  out.untyped("mongosync_cea_total_ddl_events_applied", "Those of the catalog.").value(follow.commands);
  out.untyped("mongosync_cea_change_stream_reader_events_read", "Changes read from the source.")
      .value(follow.captured_entries);
  out.untyped("mongosync_cea_change_stream_reader_bytes_read", "Bytes of these.").value(follow.captured_bytes);
  out.histogram("mongosync_cea_source_read_op_duration",
                "How long changes were waited for, in milliseconds; who has caught up waits until there are some.",
                follow.read_latency, us_per_ms);
  out.histogram("mongosync_cea_destination_write_op_duration",
                "How long the destination took for a write command, in milliseconds.", follow.write_latency, us_per_ms);
  out.histogram("mongosync_cea_crud_applier_txn_duration", "How long a batch of changes took, in milliseconds.",
                follow.window_latency, us_per_ms);
  out.histogram("mongosync_cea_crud_applier_txn_size", "Changes in a batch.", follow.window_changes, as_counted);
}

void add_verification(exposition& out, const verify::verify_figures& told) {
  const std::int64_t compared = told.source_documents + told.destination_documents;
  out.gauge("verifier_lag_time", "Since when the next document waits that is to be looked at again, in seconds.")
      .value(told.lag_seconds);
  out.counter("verifier_initial_hasher_docs_hashed_total", "Documents of both sides that were compared.")
      .value(compared);
  out.gauge("verifier_auditor_num_docs_hashed", "The same.").value(compared);
  out.gauge("verifier_auditor_estimated_docs_count", "Documents of both sides that there are to compare, as estimated.")
      .value(2 * told.documents_estimate);
  out.gauge("verifier_auditor_scanned_collection_count", "Collections that were compared as a whole.")
      .value(told.collections_compared);
}

}  // namespace

void add_metrics_of_original(exposition& out, const session::progress& now) {
  add_run(out, now);
  add_copy(out, now);
  add_following(out, now.follow);
  if (now.verification) add_verification(out, *now.verification);
}

}  // namespace sluice::http
