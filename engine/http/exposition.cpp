#include "engine/http/exposition.hpp"

#include <limits>
#include <sstream>

#include <prometheus/text_serializer.h>

namespace sluice::http {

exposition& exposition::family(prometheus::MetricType type, std::string name, std::string help) {
  families_.push_back({std::move(name), std::move(help), type, {}});
  return *this;
}

void exposition::add_histogram(const std::uint64_t* counts, const std::int64_t* bounds, std::size_t bounded, double sum,
                               double scale) {
  prometheus::ClientMetric one;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i <= bounded; ++i) {
    cumulative += counts[i];
    const double bound =
        i == bounded ? std::numeric_limits<double>::infinity() : static_cast<double>(bounds[i]) / scale;
    one.histogram.bucket.push_back({cumulative, bound});
  }
  one.histogram.sample_count = cumulative;
  one.histogram.sample_sum = sum / scale;
  families_.back().metric.push_back(std::move(one));
}

std::string exposition::text() {
  std::erase_if(families_, [](const prometheus::MetricFamily& one) { return one.metric.empty(); });
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families_);
  return std::move(out).str();
}

}  // namespace sluice::http
