// How long a copy may take, from what can be known without writing anything: sizes, a moment of reading, round trips,
// and the cores of the servers. A range, not a promise: sluice bench measures.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/assess/findings.hpp"

namespace sluice::assess {

struct estimate_facts {
  double bytes = 0;
  double documents = 0;
  double collections = 0;
  double index_entries = 0;
  bool chooses_documents = false;               // a document filter: how much less that is, nobody knows
  std::optional<double> read_bytes_per_second;  // of one cursor on the largest collection; nothing: not probed
  double destination_ping_ms = 0;
  std::uint32_t workers = 4;           // readers and writers that a copy would have
  std::int32_t source_cores = 0;       // 0: not known
  std::int32_t destination_cores = 0;  // 0: not known
  bool one_machine = false;            // both servers share their cores
};

[[nodiscard]] copy_estimate estimate(const estimate_facts& facts);
[[nodiscard]] findings judge_estimate(const copy_estimate& time, const estimate_facts& facts);

}  // namespace sluice::assess
