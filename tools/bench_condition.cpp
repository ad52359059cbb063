#include "tools/bench_condition.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include <fmt/format.h>

#include "engine/runtime/nearest_name.hpp"

namespace sluice::tools {
namespace {

using measure::figures;
using measure::step;
using measure::verdict;

std::optional<double> positive(double value) {
  return value > 0 ? std::optional<double>(value) : std::nullopt;
}
std::optional<double> megabytes(double bytes_per_second) {
  return positive(bytes_per_second / 1e6);
}
/// The slower of the measurements before and after the copy.
std::optional<double> slowest(const std::vector<step>& times, double measure::latencies::*which) {
  double most = 0;
  for (const step& one : times) most = std::max(most, one.calls.*which);
  return positive(most);
}

using f_ref = const figures&;
using v_ref = const verdict&;

constexpr std::array<bench_metric, 16> metrics{{
    {"copy_ratio", "time of the copy in times of the destination's ceiling; 1 is perfect", false,
     [](f_ref f, v_ref) { return positive(measure::copy_ratio(f)); }},
    {"source_read_mb_per_second", "what the source gives, in MB (10^6 bytes) a second", true,
     [](f_ref f, v_ref) { return megabytes(measure::mean_bytes_per_second(f.source_read)); }},
    {"source_network_mb_per_second", "what the way from the source carries", true,
     [](f_ref f, v_ref) { return megabytes(f.source_network.transfer.bytes_per_second()); }},
    {"destination_write_mb_per_second", "what the destination takes", true,
     [](f_ref f, v_ref) { return megabytes(measure::mean_bytes_per_second(f.destination_write)); }},
    {"destination_network_mb_per_second", "what the way to the destination carries", true,
     [](f_ref f, v_ref) { return megabytes(f.destination_network.transfer.bytes_per_second()); }},
    {"copy_mb_per_second", "what the copy reached", true,
     [](f_ref f, v_ref) { return megabytes(f.copy.bytes_per_second()); }},
    {"apply_changes_per_second", "changes captured and applied", true,
     [](f_ref f, v_ref) { return positive(f.apply.changes_per_second()); }},
    {"index_seconds", "building the indexes after the data", false,
     [](f_ref f, v_ref) { return positive(f.index_seconds); }},
    {"source_ping_p99_ms", "round trip to the source", false,
     [](f_ref f, v_ref) { return positive(f.source_network.roundtrip.p99_ms); }},
    {"destination_ping_p99_ms", "round trip to the destination", false,
     [](f_ref f, v_ref) { return positive(f.destination_network.roundtrip.p99_ms); }},
    {"source_read_p99_ms", "a batch from the source", false,
     [](f_ref f, v_ref) { return slowest(f.source_read, &measure::latencies::p99_ms); }},
    {"destination_write_p99_ms", "a batch written to the destination", false,
     [](f_ref f, v_ref) { return slowest(f.destination_write, &measure::latencies::p99_ms); }},
    {"engine_cpu_seconds_per_gb", "CPU of Sluice itself while copying", false,
     [](f_ref f, v_ref) {
       if (!f.copy.measured() || f.copy.bytes <= 0) return std::optional<double>();
       return std::optional<double>((f.copy.cpu.engine_user + f.copy.cpu.engine_system) /
                                    (static_cast<double>(f.copy.bytes) / 1e9));
     }},
    {"destination_drift", "how far writing before and after the copy lie apart; 0.1 is 10 %", false,
     [](f_ref f, v_ref) {
       return f.destination_write.size() > 1 ? std::optional<double>(measure::spread(f.destination_write))
                                             : std::nullopt;
     }},
    {"estimate_seconds", "how long the size given by --estimate would take", false,
     [](f_ref, v_ref v) { return v.time ? std::optional<double>(v.time->seconds) : std::nullopt; }},
    {"bench_seconds", "of the whole bench", false, [](f_ref f, v_ref) { return positive(f.seconds); }},
}};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t";
  const std::size_t begin = text.find_first_not_of(blank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

error wrong(std::string_view text, const std::string& why) {
  return failure(error_kind::configuration, "--fail-if \"" + std::string(text) + "\": " + why);
}

std::string_view in_words(comparison how) {
  constexpr std::array<std::string_view, 4> words{"less than", "at most", "more than", "at least"};
  return words[static_cast<std::size_t>(how)];
}

}  // namespace

std::span<const bench_metric> bench_metrics() {
  return metrics;
}

result<bench_condition> parse_condition(std::string_view text) {
  const std::size_t at = text.find_first_of("<>");
  if (at == std::string_view::npos) {
    return wrong(text, "must be a figure, one of < <= > >=, and a number, as in copy_ratio>1.2");
  }
  bench_condition condition{.text = std::string(text)};
  const bool or_equal = at + 1 < text.size() && text[at + 1] == '=';
  condition.how = text[at] == '<' ? (or_equal ? comparison::at_most : comparison::less)
                                  : (or_equal ? comparison::at_least : comparison::more);
  const std::string_view name = trimmed(text.substr(0, at));
  const auto found = std::ranges::find(metrics, name, &bench_metric::name);
  if (found == metrics.end()) {
    std::vector<std::string_view> names;
    std::string listed;
    for (const bench_metric& one : metrics) {
      names.push_back(one.name);
      listed += (listed.empty() ? "" : ", ") + std::string(one.name);
    }
    const std::string nearest = runtime::did_you_mean(name, names);
    return wrong(text, "there is no figure \"" + std::string(name) + "\"" +
                           (nearest.empty() ? "; there are " + listed : nearest));
  }
  condition.metric = &*found;
  const std::string_view number = trimmed(text.substr(at + (or_equal ? 2 : 1)));
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), condition.bound);
  if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size()) {
    return wrong(text, "\"" + std::string(number) + "\" is no number");
  }
  return condition;
}

result<condition_outcome> judge(const bench_condition& condition, const figures& f, const verdict& v) {
  const auto value = condition.metric->value(f, v);
  if (!value) {
    return failure(error_kind::refused, "--fail-if \"" + condition.text + "\": " + std::string(condition.metric->name) +
                                            " was not measured in this run");
  }
  condition_outcome outcome;
  switch (condition.how) {
    case comparison::less:
      outcome.holds = *value < condition.bound;
      break;
    case comparison::at_most:
      outcome.holds = *value <= condition.bound;
      break;
    case comparison::more:
      outcome.holds = *value > condition.bound;
      break;
    case comparison::at_least:
      outcome.holds = *value >= condition.bound;
      break;
  }
  outcome.sentence = fmt::format("{} is {:.4g}, which is {}{} {:g}", condition.metric->name, *value,
                                 outcome.holds ? "" : "not ", in_words(condition.how), condition.bound);
  return outcome;
}

}  // namespace sluice::tools
