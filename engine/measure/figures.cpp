#include "engine/measure/figures.hpp"

#include <algorithm>

namespace sluice::measure {

double mean_bytes_per_second(const std::vector<step>& times) noexcept {
  double sum = 0;
  int count = 0;
  for (const step& one : times) {
    if (!one.measured()) continue;
    sum += one.bytes_per_second();
    ++count;
  }
  return count > 0 ? sum / count : 0;
}

double spread(const std::vector<step>& times) noexcept {
  const double mean = mean_bytes_per_second(times);
  if (mean <= 0) return 0;
  double least = mean;
  double most = mean;
  for (const step& one : times) {
    if (!one.measured()) continue;
    least = std::min(least, one.bytes_per_second());
    most = std::max(most, one.bytes_per_second());
  }
  return (most - least) / mean;
}

double copy_ratio(const figures& f) noexcept {
  const double ceiling = mean_bytes_per_second(f.destination_write);
  const double copied = f.copy.bytes_per_second();
  return copied > 0 ? ceiling / copied : 0;
}

}  // namespace sluice::measure
