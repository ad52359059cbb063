#include "engine/http/history.hpp"

#include <algorithm>
#include <charconv>

#include <boost/json.hpp>

namespace sluice::http {
namespace {

namespace json = boost::json;

constexpr std::size_t changes_max = 256;

history_point point_of(std::int64_t at_ms, const session::progress& now) {
  history_point one;
  one.at_ms = at_ms;
  one.now = now.now;
  one.at = now.at;
  one.bytes_copied = now.bytes_copied;
  one.copy_bytes_per_second = now.copy_bytes_per_second;
  one.changes_per_second = now.follow.changes_per_second;
  one.lag_seconds = now.follow.lag_seconds;
  one.spool_bytes = static_cast<std::int64_t>(now.follow.spool_disk_bytes + now.follow.spool_memory_bytes);
  return one;
}

/// `into` stands for `gathered` points already.
void gather(history_point& into, const history_point& one, int gathered) {
  const auto mean = [gathered](double before, double next) { return before + (next - before) / (gathered + 1); };
  into.now = one.now;
  into.at = one.at;
  into.bytes_copied = one.bytes_copied;
  into.copy_bytes_per_second = mean(into.copy_bytes_per_second, one.copy_bytes_per_second);
  into.changes_per_second = mean(into.changes_per_second, one.changes_per_second);
  into.lag_seconds = std::max(into.lag_seconds, one.lag_seconds);  // nothing is less than any
  into.spool_bytes = std::max(into.spool_bytes, one.spool_bytes);
}

template <class Get>
json::array column(const std::deque<history_point>& points, std::size_t from, Get get) {
  json::array out;
  out.reserve(points.size() - from);
  for (std::size_t i = from; i < points.size(); ++i) out.emplace_back(get(points[i]));
  return out;
}

}  // namespace

std::optional<std::chrono::seconds> parse_history_query(std::string_view query) {
  constexpr std::string_view name = "seconds=";
  if (query.empty()) return std::chrono::minutes(10);
  if (!query.starts_with(name)) return std::nullopt;
  query.remove_prefix(name.size());
  std::int64_t seconds = 0;
  const char* const end = query.data() + query.size();
  const auto [stopped, fault] = std::from_chars(query.data(), end, seconds);
  if (fault != std::errc{} || stopped != end || seconds < 1 || seconds > history_seconds_max) return std::nullopt;
  return std::chrono::seconds(seconds);
}

void history::add(std::chrono::system_clock::time_point at, const session::progress& now) {
  const std::int64_t at_ms = std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
  const history_point one = point_of(at_ms, now);
  for (series& into : series_) {
    const auto slot = [&](std::int64_t ms) { return ms / 1000 / into.seconds_a_point; };
    if (!into.points.empty() && slot(into.points.back().at_ms) == slot(at_ms)) {
      gather(into.points.back(), one, into.gathered++);
      continue;
    }
    into.points.push_back(one);
    into.gathered = 1;
    if (into.points.size() > into.points_max) into.points.pop_front();
  }
  if (changes_.empty() || changes_.back().now != one.now || changes_.back().at != one.at) {
    changes_.push_back({at_ms, one.now, one.at});
    if (changes_.size() > changes_max) changes_.pop_front();
  }
}

std::string history::json(std::chrono::seconds back) const {
  const series* from = &series_.back();
  for (const series& one : series_) {
    if (back.count() <= one.seconds_a_point * static_cast<std::int64_t>(one.points_max)) {
      from = &one;
      break;
    }
  }
  const std::deque<history_point>& points = from->points;
  const std::int64_t begin_ms = points.empty() ? 0 : points.back().at_ms - back.count() * 1000;
  const auto first =
      static_cast<std::size_t>(std::ranges::lower_bound(points, begin_ms, {}, &history_point::at_ms) - points.begin());
  json::array timeline;
  for (const history_change& one : changes_) {
    timeline.push_back(json::object{{"atMs", one.at_ms}, {"state", to_string(one.now)}, {"phase", to_string(one.at)}});
  }
  json::object reply;
  reply["success"] = true;
  reply["secondsPerPoint"] = from->seconds_a_point;
  reply["atMs"] = column(points, first, [](const auto& p) { return p.at_ms; });
  reply["copiedBytes"] = column(points, first, [](const auto& p) { return p.bytes_copied; });
  reply["copyBytesPerSecond"] = column(points, first, [](const auto& p) { return p.copy_bytes_per_second; });
  reply["changesPerSecond"] = column(points, first, [](const auto& p) { return p.changes_per_second; });
  reply["lagSeconds"] = column(points, first, [](const auto& p) {
    return p.lag_seconds ? boost::json::value(*p.lag_seconds) : boost::json::value(nullptr);
  });
  reply["spoolBytes"] = column(points, first, [](const auto& p) { return p.spool_bytes; });
  reply["timeline"] = std::move(timeline);
  return json::serialize(reply);
}

std::size_t history::points() const noexcept {
  std::size_t all = 0;
  for (const series& one : series_) all += one.points.size();
  return all;
}

}  // namespace sluice::http
