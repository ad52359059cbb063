#include "engine/measure/meter.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::measure {

namespace {

constexpr auto slice = std::chrono::milliseconds(50);
constexpr std::size_t points_max = 48;  // more than a plot of a report can show apart

double seconds_of(steady::duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

void meter::count(steady::time_point since, std::int64_t documents, std::int64_t bytes) {
  last_ = steady::now();
  documents_ += documents;
  bytes_ += bytes;
  const double from = seconds_of(std::max(since, begin_) - begin_) / seconds_of(slice);
  const double to = std::max(from, seconds_of(last_ - begin_) / seconds_of(slice));
  const auto first = static_cast<std::size_t>(from);
  const auto last = static_cast<std::size_t>(to);
  if (last >= slices_.size()) slices_.resize(last + 1);
  for (std::size_t i = first; i <= last; ++i) {
    const double here = std::min(to, static_cast<double>(i + 1)) - std::max(from, static_cast<double>(i));
    slices_[i] += static_cast<double>(bytes) * (to > from ? here / (to - from) : 1);
  }
  calls_ms_.push_back(seconds_of(last_ - since) * 1000);
}

void merge(std::span<const meter> all, step& into) {
  std::vector<double> slices;
  std::vector<double> calls_ms;
  steady::duration time{};
  for (const meter& one : all) {
    into.documents += one.documents_;
    into.bytes += one.bytes_;
    time = std::max(time, one.last_ - one.begin_);
    if (one.slices_.size() > slices.size()) slices.resize(one.slices_.size());
    for (std::size_t i = 0; i < one.slices_.size(); ++i) slices[i] += one.slices_[i];
    calls_ms.insert(calls_ms.end(), one.calls_ms_.begin(), one.calls_ms_.end());
  }
  into.seconds = seconds_of(time);
  into.calls = latencies_of(calls_ms);
  into.series = series_of(slices, seconds_of(slice), into.seconds);
}

latencies latencies_of(std::vector<double>& durations_ms) {
  latencies found;
  found.count = static_cast<std::int64_t>(durations_ms.size());
  if (durations_ms.empty()) return found;
  std::ranges::sort(durations_ms);
  const auto at = [&durations_ms](double part) {
    const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(durations_ms.size())));
    return durations_ms[std::max<std::size_t>(rank, 1) - 1];
  };
  found.p50_ms = at(0.50);
  found.p90_ms = at(0.90);
  found.p99_ms = at(0.99);
  found.max_ms = durations_ms.back();
  return found;
}

std::vector<point> series_of(std::span<const double> slices, double slice_seconds, double total_seconds) {
  std::vector<point> series;
  const std::size_t together = std::max<std::size_t>(1, (slices.size() + points_max - 1) / points_max);
  for (std::size_t first = 0; first < slices.size(); first += together) {
    const std::size_t end = std::min(first + together, slices.size());
    double bytes = 0;
    for (std::size_t i = first; i < end; ++i) bytes += slices[i];
    const double begin_at = static_cast<double>(first) * slice_seconds;
    // The last slice is as long as it was used.
    const double end_at = end == slices.size() ? total_seconds : static_cast<double>(end) * slice_seconds;
    // A sliver would show a rate that nobody had: it belongs to the slice before.
    const bool sliver = !series.empty() && end_at - begin_at < slice_seconds * static_cast<double>(together) / 3;
    if (sliver) {
      point& before = series.back();
      const double since = series.size() > 1 ? series[series.size() - 2].seconds : 0;
      const double whole = before.bytes_per_second * (before.seconds - since) + bytes;
      before = {end_at, end_at > since ? whole / (end_at - since) : 0};
    } else if (end_at > begin_at) {
      series.push_back({end_at, bytes / (end_at - begin_at)});
    }
  }
  return series;
}

}  // namespace sluice::measure
