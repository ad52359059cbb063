#include "engine/assess/disk.hpp"

#include <algorithm>

#include "engine/measure/verdict.hpp"

namespace sluice::assess {

namespace {

using measure::size_text;

constexpr check_name destination_disk{"disk.destination", heading::disk};

double oplog_growth(const disk_facts& facts) {
  const double room = facts.oplog_bytes_max ? std::max(0.0, *facts.oplog_bytes_max - facts.oplog_bytes.value_or(0))
                                            : facts.storage_bytes.value_or(0);
  return std::min(room, facts.storage_bytes.value_or(0));
}

}  // namespace

std::optional<double> disk_needed_bytes(const disk_facts& facts) {
  if (!facts.storage_bytes) return {};
  return *facts.storage_bytes + facts.index_bytes.value_or(0) + oplog_growth(facts);
}

findings judge_disk(const disk_facts& facts) {
  const auto needed = disk_needed_bytes(facts);
  if (!facts.problem.empty() || !facts.free_bytes) {
    return {not_known(destination_disk, "destination",
                      facts.problem.empty() ? "the server does not tell its disk" : facts.problem)};
  }
  if (!needed) {
    return {not_known(destination_disk, "destination",
                      "it has " + size_text(*facts.free_bytes) + " free; how much the source takes is not known")};
  }
  const std::vector<figure> figures{{"freeBytes", *facts.free_bytes},
                                    {"neededBytes", *needed},
                                    {"dataBytes", facts.storage_bytes.value_or(0)},
                                    {"indexBytes", facts.index_bytes.value_or(0)},
                                    {"oplogBytes", oplog_growth(facts)},
                                    {"margin", disk_margin}};
  const std::string what =
      "has " + size_text(*facts.free_bytes) + " free; data " + size_text(facts.storage_bytes.value_or(0)) +
      " + indexes " + size_text(facts.index_bytes.value_or(0)) + " (both as on the source's disk) + its own oplog " +
      size_text(oplog_growth(facts)) + " are " + size_text(*needed);
  const std::string advice = "give the destination at least " + size_text(*needed * disk_margin) +
                             " of free disk, migrate less (--include, --exclude), or make its oplog smaller";
  if (*facts.free_bytes < *needed) return {problem(destination_disk, "destination", what, advice, figures)};
  if (*facts.free_bytes < *needed * disk_margin) {
    return {warning(destination_disk, "destination",
                    what + ", and a quarter more is wanted for what the storage engine keeps meanwhile", advice,
                    figures)};
  }
  return {fine(destination_disk, "destination", what, figures)};
}

}  // namespace sluice::assess
