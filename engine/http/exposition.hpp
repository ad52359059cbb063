// What is scraped, as prometheus-cpp has it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

#include "engine/runtime/histogram.hpp"

namespace sluice::http {

/// Family by family, in the order of the calls; a value belongs to the family that was named last.
class exposition {
 public:
  using labels = std::vector<prometheus::ClientMetric::Label>;

  exposition& gauge(std::string name, std::string help) {
    return family(prometheus::MetricType::Gauge, std::move(name), std::move(help));
  }
  exposition& counter(std::string name, std::string help) {
    return family(prometheus::MetricType::Counter, std::move(name), std::move(help));
  }
  /// Of names that do not follow the rules for counters.
  exposition& untyped(std::string name, std::string help) {
    return family(prometheus::MetricType::Untyped, std::move(name), std::move(help));
  }
  template <class Number>
  exposition& value(Number number, labels of = {}) {
    prometheus::ClientMetric one;
    one.label = std::move(of);
    one.gauge.value = one.counter.value = one.untyped.value = static_cast<double>(number);
    families_.back().metric.push_back(std::move(one));
    return *this;
  }
  template <class Number>
  exposition& value(const std::optional<Number>& number, const labels& of = {}) {
    return number ? value(*number, of) : *this;
  }
  /// `scale`: how many of the counts' units are one of the metric's: 1e6 for seconds of microseconds.
  template <const auto& Bounds>
  exposition& histogram(std::string name, std::string help, const runtime::histogram_counts<Bounds>& counts,
                        double scale) {
    family(prometheus::MetricType::Histogram, std::move(name), std::move(help));
    add_histogram(counts.by_bucket.data(), Bounds.data(), Bounds.size(), static_cast<double>(counts.sum), scale);
    return *this;
  }
  /// A family without a value says nothing.
  [[nodiscard]] std::string text();

 private:
  exposition& family(prometheus::MetricType type, std::string name, std::string help);
  void add_histogram(const std::uint64_t* counts, const std::int64_t* bounds, std::size_t bounded, double sum,
                     double scale);

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace sluice::http
