// The order of _ids: whether a collection's _ids come in the order in which its documents are stored. Judges; asks
// nobody.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bson/document.hpp"
#include "engine/assess/findings.hpp"

namespace sluice::assess {

/// A document that was looked at.
struct sampled_record {
  std::int64_t record = 0;  // RecordId: grows with each insert
  bson::document id;        // {_id: ...}
};

/// Spearman's rank correlation of _id and record: 1 in the same order, around 0 without any. Nothing of fewer than ten.
[[nodiscard]] std::optional<double> order_correlation(std::vector<sampled_record> sample);

/// Below this _ids count as random: of a hundred in random order one in a million lies above it.
inline constexpr double correlation_random = 0.5;

struct id_order {
  std::string ns;
  double correlation = 0;
  double bytes = 0;
  double documents = 0;
};

struct data_facts {
  std::string problem;
  bool stored_order = true;  // the source is read in stored order: RecordIds can be bound to its node
  std::vector<id_order> looked_at;
  std::optional<double> destination_cache_bytes;
};

[[nodiscard]] findings judge_data(const data_facts& facts);

}  // namespace sluice::assess
