// Every bound of the engine and why it has that value.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::limits {

using namespace std::chrono_literals;

inline constexpr std::size_t kib = 1024;
inline constexpr std::size_t mib = 1024 * kib;

// --- the server's bounds ---
/// BSONObjMaxUserSize: the largest document a client may store, and where a cursor reply stops.
inline constexpr std::size_t document_bytes_max = 16 * mib;
/// MaxMessageSizeBytes of every server: longer length prefixes are lies or garbage.
inline constexpr std::size_t message_bytes_max = 48'000'000;
/// A cursor reply: at most 16 MiB of documents (or one document and 16 KiB of internal allowance) and its envelope.
inline constexpr std::size_t reply_bytes_max = document_bytes_max + 64 * kib;
/// More duplicates than this in one insert make the error reply outgrow what a server can send (measured: 60,000 with
/// 65-character ids); 10,000 documents are as fast as more.
inline constexpr std::int32_t batch_documents_max = 10'000;

// --- memory ---
inline constexpr std::size_t memory_default_bytes = 256 * mib;
/// What the process needs beside the data path: code, libraries, catalog, HTTP, rings, TLS.
inline constexpr std::size_t memory_reserved_bytes = 64 * mib;
inline constexpr std::size_t memory_min_bytes = 128 * mib;
/// What capturing takes while a copy runs: one reply, and the chunks that wait to be written to the spool.
inline constexpr std::size_t capture_memory_bytes = 52 * mib;
/// One compressed cursor reply and what it unpacks to: with less a lane could meet a batch it can never receive.
inline constexpr std::size_t lane_memory_min_bytes = 34 * mib;

// --- time ---
inline constexpr auto connect_timeout_default = 10s;  // connectTimeoutMS of the driver specifications
inline constexpr auto server_selection_timeout_default = 30s;
/// How long a deployment may be without a primary, or a node out of reach, before the engine gives up.
inline constexpr auto retry_time_default = 10min;
inline constexpr auto retry_backoff_min = 50ms;
/// A deployment that does not answer a ping within this counts as silent.
inline constexpr auto ping_time_max = 10s;
inline constexpr auto retry_backoff_max = 2s;

// --- copy ---
/// Partitions are cut to about this size: small enough to repeat, large enough to forget the cost of opening one.
inline constexpr std::size_t partition_bytes_target = 384 * mib;
/// Below this a collection is one partition.
inline constexpr std::size_t partition_bytes_min = 64 * mib;
/// What a batch should weigh: a third of the memory of 4 MiB, and no slower (docs/performance.md, other ways).
inline constexpr std::size_t batch_bytes_target = 2 * mib;
/// To a destination whose answers take longer than that, each batch is a wait on its connection: fewer, larger ones.
inline constexpr auto round_trip_near_max = 2ms;
inline constexpr std::size_t batch_bytes_target_far = 8 * mib;
/// A command with writes of changes: their documents come from all over the oplog, so no cache counts.
inline constexpr std::size_t write_command_bytes_target = 4 * mib;
/// Documents sampled for each boundary: ten a partition keep the largest within twice the smallest.
inline constexpr std::int32_t samples_per_partition = 10;
/// Details kept of documents that the destination refused; all are counted.
inline constexpr std::size_t refused_documents_kept = 1000;

// --- namespaces ---
/// A regular expression of a filter: longer ones are programs, and are to be taken apart.
inline constexpr std::size_t name_pattern_bytes_max = 4 * kib;
/// What telling whether a name matches may cost: names are short (255 bytes), and what needs more than these steps
/// grows exponentially. About a millisecond.
inline constexpr std::uint32_t name_pattern_steps_max = 100'000;
inline constexpr std::uint32_t name_pattern_heap_kib_max = 4096;

/// Values of a document filter: each is compared with each document that a change brings.
inline constexpr std::size_t match_values_max = 1000;

/// Entries of `sharding`: they are looked through for each collection, and are part of the checkpoint's one document
/// about the run.
inline constexpr std::size_t sharding_entries_max = 10'000;

// --- checkpoint ---
/// How often positions are made durable: what a crash repeats.
inline constexpr auto checkpoint_interval = 1s;
/// How long a process that died without a word keeps others out (its own host sees at once that it is gone).
inline constexpr auto lease_time = 15s;
/// How long a run that failed or was stopped tries to end its lease, before it leaves that to the lease's own end.
inline constexpr auto release_time = 5s;

// --- HTTP ---
inline constexpr std::size_t http_body_bytes_max = 1 * mib;
inline constexpr std::size_t http_header_bytes_max = 16 * kib;
inline constexpr std::size_t http_connections_max = 64;
inline constexpr auto http_idle_timeout = 30s;

}  // namespace sluice::limits
