// `--fail-if 'copy_ratio>1.2'`: what a pipeline must not let pass; and the figures that such a condition can name.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/measure/figures.hpp"
#include "engine/measure/verdict.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::tools {

/// One figure of a report, under the name that --fail-if and the JSON have for it.
struct bench_metric {
  std::string_view name;
  std::string_view meaning;
  bool more_is_better;
  std::optional<double> (*value)(const measure::figures&, const measure::verdict&);  // nothing: was not measured
};
[[nodiscard]] std::span<const bench_metric> bench_metrics();

enum class comparison : std::uint8_t { less, at_most, more, at_least };

struct bench_condition {
  std::string text;  // as it was given
  const bench_metric* metric = nullptr;
  comparison how = comparison::more;
  double bound = 0;
};

/// A metric, one of < <= > >=, a number; blanks do not matter. Error (configuration): what is wrong, and what there is.
[[nodiscard]] result<bench_condition> parse_condition(std::string_view text);

struct condition_outcome {
  bool holds = false;
  std::string sentence;  // "copy_ratio is 1.31, which is more than 1.2"
};
/// Error (refused): the metric was not measured in this run. A pipeline must not take that for a pass.
[[nodiscard]] result<condition_outcome> judge(const bench_condition& condition, const measure::figures& figures,
                                              const measure::verdict& verdict);

}  // namespace sluice::tools
