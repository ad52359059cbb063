// Everything that a bench has measured, as plain values: what the verdict is made from, and what reports show.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/measure/data_set.hpp"

namespace sluice::measure {

/// Of one call each: a batch received, a batch acknowledged, a ping answered.
struct latencies {
  std::int64_t count = 0;
  double p50_ms = 0, p90_ms = 0, p99_ms = 0, max_ms = 0;
};

/// Throughput over one slice of a step.
struct point {
  double seconds = 0;  // from the step's beginning to the slice's end
  double bytes_per_second = 0;
};

/// Seconds of CPU that a step has cost; absent where a server does not tell (serverStatus needs clusterMonitor).
struct cpu_seconds {
  double engine_user = 0, engine_system = 0;
  std::optional<double> source, destination;  // of the whole server processes
};

/// One thing that was measured.
struct step {
  std::string name;       // "source_read", ...: as in the JSON report
  std::string skipped{};  // why it was not measured; empty: it was
  double seconds = 0;
  std::int64_t documents = 0;
  std::int64_t bytes = 0;       // of BSON; of a network step: on the wire
  std::int64_t wire_bytes = 0;  // what they were on the wire; 0: not counted
  latencies calls{};
  std::vector<point> series{};
  cpu_seconds cpu{};

  [[nodiscard]] bool measured() const noexcept { return skipped.empty() && seconds > 0; }
  [[nodiscard]] double bytes_per_second() const noexcept {
    return measured() ? static_cast<double>(bytes) / seconds : 0;
  }
};

/// The way between this machine and one side, without any storage at its end.
struct network {
  step transfer;        // towards here for a source, from here for a destination
  latencies roundtrip;  // of `ping`
};

/// What a change of one setting would bring: the same writes with it and without, one right after the other.
struct probe {
  std::string name;  // "connections", "batch", "majority", "indexes_first"
  std::string what;  // "8 connections instead of 4"
  double baseline_bytes_per_second = 0;
  double bytes_per_second = 0;
  [[nodiscard]] double gain() const noexcept {
    return baseline_bytes_per_second > 0 ? bytes_per_second / baseline_bytes_per_second - 1 : 0;
  }
};

struct side {
  std::string name;  // "rs0 (db1:27017)"
  std::string version;
  bool loopback = false;
  std::int32_t cores = 0;         // 0: it does not tell
  std::int64_t cache_bytes = 0;   // of the storage engine; 0: it does not tell
  double data_per_wire_byte = 1;  // more than 1 where the wire is compressed
};

/// Changes of the source, and how fast they got onto the destination.
struct apply_figures {
  step applied;                  // documents: changes
  double source_seconds = 0;     // what the source took for the same changes
  std::string captured_through;  // "oplog", "change-stream"
  [[nodiscard]] double changes_per_second() const noexcept {
    return applied.measured() ? static_cast<double>(applied.documents) / applied.seconds : 0;
  }
};

struct figures {
  side source, destination;
  data_set_options data;
  bool one_machine = false;  // both primaries run on it and share its cores
  std::string from;          // the namespace that was read instead of a generated data set; empty: generated
  std::uint32_t lanes = 0;
  std::uint32_t connections = 0;       // of each lane
  std::uint32_t connections_used = 0;  // of all lanes: no more than there were partitions
  std::int64_t data_bytes = 0;         // of the data set as it was
  std::int64_t data_documents = 0;
  std::int64_t batch_bytes = 0;  // the average
  std::int32_t indexes = 0;

  // Before and after the copy, so that what drifts meanwhile is seen.
  std::vector<step> source_read;
  std::vector<step> destination_write;
  network source_network, destination_network;
  step copy;                  // from the first batch to the last one's fence
  double index_seconds = 0;   // building all indexes, after the data
  bool copy_is_whole = true;  // false: the time of a step ran out first
  apply_figures apply;
  std::vector<probe> probes;
  double seconds = 0;  // of the whole bench
  std::string began;   // RFC 3339, UTC
};

/// The mean rate of what was measured several times; 0 when it never was.
[[nodiscard]] double mean_bytes_per_second(const std::vector<step>& times) noexcept;
/// How far the measurements lie apart: (largest - smallest) / mean; 0 for one.
[[nodiscard]] double spread(const std::vector<step>& times) noexcept;
/// The copy's time in the destination's ceilings: 1 is perfect; 0 when either is missing.
[[nodiscard]] double copy_ratio(const figures& f) noexcept;

}  // namespace sluice::measure
