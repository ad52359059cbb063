#include "bench/one_lane.hpp"

#include <cstdio>
#include <cstdlib>

namespace sluice::bench {

void must(const result<>& outcome) {
  if (outcome.has_value()) return;
  std::fprintf(stderr, "sluice-bench: %s\n", outcome.error().message.c_str());
  std::exit(1);
}

}  // namespace sluice::bench
