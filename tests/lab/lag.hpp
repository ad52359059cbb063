// How long after the source a destination has a document: asked of both sides, of nobody between them.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::lab {

struct lag_options {
  double changes_per_second = 5000;  // written to the source meanwhile
  double seconds = 60;
  std::uint64_t seed = 1;
};

struct measured_lag {
  std::uint64_t changes = 0;
  std::uint64_t probes = 0;
  double p50_ms = 0, p90_ms = 0, p99_ms = 0, max_ms = 0;
};

/// A probe is a document inserted into the source, and looked for in the destination, again and again, until it is
/// there: counted from the source's acknowledgement. Throws when one does not arrive within a minute.
measured_lag measure_lag(const std::string& source_uri, const std::string& destination_uri, const lag_options& options);

}  // namespace sluice::lab
