#include "engine/assess/estimate.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "engine/measure/verdict.hpp"

namespace sluice::assess {

namespace {

using measure::size_text;
using measure::time_text;

constexpr check_name duration{"estimate.duration", heading::estimate};

// What a destination spends on a copy (docs/performance.md: 16 to 20 s of CPU for a GB in documents of 0.86 KB, 8.4 us
// for the smallest documents).
constexpr double write_seconds_per_document = 8.4e-6;
constexpr double write_seconds_per_byte = 9e-9;
/// Servers of more cores do not write faster by as much: their logs and their disk are one.
constexpr std::int32_t cores_that_help_max = 8;
constexpr std::int32_t cores_unknown = 4;
constexpr double index_seconds_per_entry = 1.5e-6;
/// Each collection is scanned once for all its indexes.
constexpr double index_scan_bytes_per_second = 300e6;
/// docs/performance.md: 6 ms without a disk that is waited for, 13 to 17 ms with one whose fsync takes 5 ms.
constexpr double create_seconds_each = 0.009;
constexpr double batch_bytes = 4 * 1024 * 1024.0;
/// Finding the deployments, reading the catalog, checkpoints.
constexpr double seconds_of_its_own = 2;
/// Nobody has written anything to measure by.
constexpr double faster = 0.6;
constexpr double slower = 2.0;

double cores_of(std::int32_t told) {
  return std::min(told > 0 ? told : cores_unknown, cores_that_help_max);
}

std::string percent(double part) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%.0f %%", part * 100);
  return text.data();
}

}  // namespace

copy_estimate estimate(const estimate_facts& facts) {
  copy_estimate time;
  time.bytes = facts.bytes;
  time.documents = facts.documents;
  const double writing = (facts.documents * write_seconds_per_document + facts.bytes * write_seconds_per_byte) /
                         cores_of(facts.destination_cores);
  double reading = 0;
  if (facts.read_bytes_per_second && *facts.read_bytes_per_second > 0) {
    const double cursors = std::clamp<double>(cores_of(facts.source_cores) / 2, 1, facts.workers);
    reading = facts.bytes / (*facts.read_bytes_per_second * cursors);
  }
  // A worker sends a batch and waits for its answer.
  const double waiting = facts.bytes / batch_bytes / std::max(1U, facts.workers) * facts.destination_ping_ms / 1000;
  double data = 0;
  if (facts.one_machine) {
    data = writing + reading;
    time.limited_by = writing >= reading ? "destination" : "source";
  } else {
    data = std::max({writing, reading, waiting});
    time.limited_by = data == writing ? "destination" : data == reading ? "source" : "network";
  }
  time.index_seconds = facts.index_entries > 0
                           ? facts.index_entries * index_seconds_per_entry + facts.bytes / index_scan_bytes_per_second
                           : 0;
  const double creating = facts.collections * create_seconds_each;
  const double working = data + creating + time.index_seconds;
  time.seconds = working + seconds_of_its_own;
  time.seconds_min = faster * working + seconds_of_its_own / 2;
  time.seconds_max = slower * time.seconds;
  time.bytes_per_second = data > 0 ? facts.bytes / data : 0;
  return time;
}

findings judge_estimate(const copy_estimate& time, const estimate_facts& facts) {
  const std::vector<figure> figures{{"bytes", time.bytes},
                                    {"seconds", time.seconds},
                                    {"secondsMin", time.seconds_min},
                                    {"secondsMax", time.seconds_max},
                                    {"indexSeconds", time.index_seconds},
                                    {"readBytesPerSecond", facts.read_bytes_per_second.value_or(0)}};
  std::string what = (facts.chooses_documents ? "without the document filter " : "") + size_text(time.bytes) +
                     " in about " + time_text(time.seconds) + " (" + time_text(time.seconds_min) + " to " +
                     time_text(time.seconds_max) + ")";
  if (time.index_seconds > 0.05 * time.seconds) {
    what += ", of which indexes take " + percent(time.index_seconds / time.seconds);
  }
  what += "; the " + time.limited_by + " limits it";
  if (facts.read_bytes_per_second) {
    what += " (one cursor reads " + size_text(*facts.read_bytes_per_second) + "/s here)";
  }
  what += ". Nothing was written to the destination: its part is guessed from " +
          (facts.destination_cores > 0 ? counted(facts.destination_cores, "core", "cores") : std::string("4 cores")) +
          ", and sluice bench measures it";
  return {fine(duration, "copy", what, figures)};
}

}  // namespace sluice::assess
