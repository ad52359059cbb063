#include "engine/assess/data.hpp"

#include <algorithm>
#include <numeric>

#include "bson/compare.hpp"
#include "engine/measure/verdict.hpp"

namespace sluice::assess {

namespace {

using measure::size_text;

constexpr check_name ids{"data.randomIds", heading::data};
constexpr std::size_t sample_min = 10;
/// Of an entry of an _id index, in the cache: key, RecordId and what a page needs beside them.
constexpr double index_entry_bytes = 40;

finding judge_random(const data_facts& facts, const id_order& one) {
  const std::vector<figure> figures{
      {"correlation", one.correlation}, {"bytes", one.bytes}, {"documents", one.documents}};
  const std::string what = "its _ids are random (they do not come in stored order)";
  if (!facts.stored_order) {
    return warning(
        ids, one.ns,
        what + ", and the source can only be read in _id order: each document from another place on its disk",
        "let Sluice read the source's `local` database (role backup); through a mongos there is no other way", figures);
  }
  const double index_bytes = one.documents * index_entry_bytes;
  if (facts.destination_cache_bytes && index_bytes > *facts.destination_cache_bytes) {
    return warning(ids, one.ns,
                   what + "; it is read in stored order, but its _id index on the destination will be about " +
                       size_text(index_bytes) + ", more than the cache of " +
                       size_text(*facts.destination_cache_bytes) + ": inserts slow down as it grows",
                   "give the destination a larger cache for the time of the copy", figures);
  }
  return fine(ids, one.ns, what + "; it is read in stored order, which costs the source nothing more", figures);
}

}  // namespace

std::optional<double> order_correlation(std::vector<sampled_record> sample) {
  if (sample.size() < sample_min) return {};
  std::ranges::sort(sample, {}, &sampled_record::record);
  std::vector<std::size_t> by_id(sample.size());
  std::iota(by_id.begin(), by_id.end(), std::size_t{0});
  std::ranges::stable_sort(by_id, [&sample](std::size_t a, std::size_t b) {
    return bson::compare_values(sample[a].id.view().find("_id"), sample[b].id.view().find("_id")) < 0;
  });
  const auto n = static_cast<double>(sample.size());
  double squares = 0;
  for (std::size_t rank = 0; rank < by_id.size(); ++rank) {
    const double apart = static_cast<double>(rank) - static_cast<double>(by_id[rank]);
    squares += apart * apart;
  }
  return 1 - 6 * squares / (n * (n * n - 1));
}

findings judge_data(const data_facts& facts) {
  if (!facts.problem.empty()) return {not_known(ids, "source", facts.problem)};
  findings found;
  std::vector<std::string> ordered;
  for (const id_order& one : facts.looked_at) {
    // Descending is an order, too.
    if (std::abs(one.correlation) < correlation_random) {
      found.push_back(judge_random(facts, one));
    } else {
      ordered.push_back(one.ns);
    }
  }
  if (!ordered.empty()) found.push_back(fine(ids, "source", "_ids come in stored order: " + listed(ordered)));
  if (!facts.stored_order && found.empty()) {
    found.push_back(fine(ids, "source", "collections are read in _id order; none is large enough for that to matter"));
  }
  return found;
}

}  // namespace sluice::assess
