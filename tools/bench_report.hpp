// What a bench came to, for a terminal, for programs, and as a page to hand on. Takes the figures as they are; measures
// and decides nothing.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/measure/figures.hpp"
#include "engine/measure/verdict.hpp"
#include "engine/runtime/result.hpp"
#include "tools/bench_condition.hpp"

namespace sluice::tools {

/// Raised when a field changes its meaning: --compare refuses reports of other versions.
inline constexpr int bench_format_version = 1;

/// The figures of an earlier run, out of its JSON.
struct earlier_bench {
  std::string began;
  std::map<std::string, double, std::less<>> metrics;
};

struct bench_report {
  measure::figures figures;
  measure::verdict verdict;
  std::string sluice_version;
  std::optional<earlier_bench> earlier;
};

/// With bars, for a terminal of so many columns.
[[nodiscard]] std::string bench_text(const bench_report& report, std::size_t columns);
/// One object, with a newline at its end.
[[nodiscard]] std::string bench_json(const bench_report& report);
/// One file: no script, nothing fetched from anywhere.
[[nodiscard]] std::string bench_html(const bench_report& report);

/// Errors (configuration): the file that cannot be read, that is no report, or another version's.
[[nodiscard]] result<earlier_bench> read_earlier_bench(const std::string& path);

/// How a figure has changed since the earlier run: 0.1 is 10 % more. Nothing: one of them lacks it.
[[nodiscard]] std::optional<double> change_since(const bench_report& report, const bench_metric& metric);

/// The kinds of steps as reports name them.
struct report_row {
  std::string name;
  std::string kind;  // "source", "network", "destination", "copy": the colour
  const measure::step* step = nullptr;
  double bytes_per_second = 0;  // the mean, where there are several
  std::string note;
};
[[nodiscard]] std::vector<report_row> report_rows(const measure::figures& f);
[[nodiscard]] std::string data_text(const measure::figures& f);

}  // namespace sluice::tools
