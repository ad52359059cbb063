#include "engine/assess/disk.hpp"

#include <algorithm>

#include "engine/measure/verdict.hpp"

namespace sluice::assess {

namespace {

using measure::size_text;

constexpr check_name destination_disk{"disk.destination", heading::disk};

}  // namespace

findings judge_disk(const disk_facts& facts) {
  if (!facts.problem.empty() || !facts.there.free_bytes) {
    return {not_known(destination_disk, "destination",
                      facts.problem.empty() ? "the server does not tell its disk" : facts.problem)};
  }
  const double free = *facts.there.free_bytes;
  if (!facts.to_store) {
    return {warning(destination_disk, "destination",
                    "has " + size_text(free) + " free; how much the source will take there is not known",
                    "look at db.stats() of the source's databases: storageSize and indexSize", {{"freeBytes", free}})};
  }
  const cluster::disk_demand demand = demand_on(facts.there, *facts.to_store);
  const double needed = demand.whole_bytes();
  const std::vector<figure> figures{{"freeBytes", free},
                                    {"neededBytes", needed},
                                    {"dataBytes", demand.data_bytes},
                                    {"indexBytes", demand.index_bytes},
                                    {"oplogBytes", demand.oplog_bytes},
                                    {"margin", disk_margin}};
  const std::string what = "has " + size_text(free) + " free; data " + size_text(demand.data_bytes) + " + indexes " +
                           size_text(demand.index_bytes) + " (both as on the source's disk) + its own oplog " +
                           size_text(demand.oplog_bytes) + " are " + size_text(needed);
  const std::string advice = "give the destination at least " + size_text(needed * disk_margin) +
                             " of free disk, migrate less (--include, --exclude), or make its oplog smaller";
  if (free < needed) return {problem(destination_disk, "destination", what, advice, figures)};
  if (free < needed * disk_margin) {
    return {warning(destination_disk, "destination",
                    what + ", and a quarter more is wanted for what the storage engine keeps meanwhile", advice,
                    figures)};
  }
  return {fine(destination_disk, "destination", what, figures)};
}

}  // namespace sluice::assess
