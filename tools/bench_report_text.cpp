// The report on a terminal: a bar a measurement, then the verdict.
#include <algorithm>

#include <fmt/format.h>

#include "tools/bench_report.hpp"
#include "tools/terminal_text.hpp"

namespace sluice::tools {
namespace {

using measure::figures;

constexpr std::size_t name_columns = 24;
constexpr std::size_t rate_columns = 12;
constexpr std::size_t columns_max = 110;

/// Eighths of a block. What is off the scale ends with an arrow.
std::string bar(double value, double scale, std::size_t width) {
  constexpr std::array<std::string_view, 8> eighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  if (scale <= 0 || value <= 0) return {};
  std::string out;
  if (value > scale * 1.001) {
    for (std::size_t i = 0; i + 1 < width; ++i) out += "█";
    return out + "▶";
  }
  const auto parts = static_cast<std::size_t>(value / scale * static_cast<double>(width * 8));
  for (std::size_t i = 0; i < parts / 8; ++i) out += "█";
  return out + std::string(eighths[parts % 8]);
}

std::string latency_text(const measure::latencies& l) {
  if (l.count == 0) return {};
  return fmt::format("p50 {:.1f} ms, p99 {:.1f} ms", l.p50_ms, l.p99_ms);
}

std::string heading(const bench_report& report) {
  const figures& f = report.figures;
  std::string out;
  const auto line = [&out](std::string_view name, const std::string& value) {
    out += fmt::format("  {} {}\n", fitted(name, name_columns - 1), value);
  };
  const auto side_text = [](const measure::side& s) {
    return s.loopback ? std::string("the built-in loopback") : printable(s.name) + ", MongoDB " + printable(s.version);
  };
  line("source", side_text(f.source));
  line("destination", side_text(f.destination));
  line("data", data_text(f));
  line("lanes, connections", fmt::format("{}, {} each; {} in use", f.lanes, f.connections, f.connections_used));
  return out + "\n";
}

/// No line wraps: the beginning is what tells.
std::string lines_cut_to(std::string_view text, std::size_t width) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += cut_to(text.substr(0, end), width) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string comparison_text(const bench_report& report) {
  std::string out;
  for (const bench_metric& metric : bench_metrics()) {
    const auto change = change_since(report, metric);
    if (!change) continue;
    const bool better = (*change > 0) == metric.more_is_better;
    const std::string_view judged = std::abs(*change) < 0.05 ? "about the same" : better ? "better" : "worse";
    out += fmt::format("  {} {} {:>+7.1f} %  {}\n", fitted(metric.name, 36),
                       right_aligned(fmt::format("{:.4g}", *metric.value(report.figures, report.verdict)), 10),
                       *change * 100, judged);
  }
  if (out.empty()) return {};
  return "\n  Compared with the run of " + report.earlier->began + "\n" + out;
}

}  // namespace

std::string data_text(const figures& f) {
  const std::string what = f.from.empty() ? std::string(measure::to_string(f.data.form)) + ", " +
                                                std::string(measure::to_string(f.data.ids)) + " ids, seed " +
                                                std::to_string(f.data.seed)
                                          : "from " + printable(f.from);
  // What is copied of a time-series are its buckets.
  const bool in_buckets = f.from.empty() && f.data.form == measure::shape::timeseries;
  const std::string many = in_buckets ? fmt::format("{} measurements in {} buckets", count_text(f.data.documents),
                                                    count_text(f.data_documents))
                                      : count_text(f.data_documents) + " documents";
  return fmt::format("{}, {}, {}, {} {}", many, measure::size_text(static_cast<double>(f.data_bytes)), what, f.indexes,
                     f.indexes == 1 ? "index" : "indexes");
}

std::vector<report_row> report_rows(const figures& f) {
  std::vector<report_row> rows;
  const auto several = [&rows](std::string name, std::string kind, const std::vector<measure::step>& times) {
    if (times.empty()) return;
    rows.push_back({std::move(name), std::move(kind), &times.front(), measure::mean_bytes_per_second(times), ""});
  };
  const auto network = [&rows](std::string name, const measure::network& n) {
    std::string note;
    if (n.roundtrip.count > 0) note = fmt::format("round trip {:.1f} ms", n.roundtrip.p50_ms);
    rows.push_back({std::move(name), "network", &n.transfer, n.transfer.bytes_per_second(), std::move(note)});
  };
  several("source read", "source", f.source_read);
  network("network from the source", f.source_network);
  several("destination write", "destination", f.destination_write);
  network("network to destination", f.destination_network);
  std::string ratio;
  if (measure::copy_ratio(f) > 0) ratio = fmt::format("{:.2f} × the write ceiling", measure::copy_ratio(f));
  rows.push_back({"copy", "copy", &f.copy, f.copy.bytes_per_second(), std::move(ratio)});
  return rows;
}

std::string bench_text(const bench_report& report, std::size_t terminal_columns) {
  const figures& f = report.figures;
  const std::size_t width = std::clamp<std::size_t>(terminal_columns, 60, columns_max) - 2;
  constexpr std::size_t beside_bar = name_columns + rate_columns + 32;
  const std::size_t bar_columns = width > beside_bar ? std::clamp<std::size_t>(width - beside_bar, 10, 40) : 10;
  const auto not_measured = [width](std::string_view name, const std::string& why) {
    return wrapped("not measured: " + printable(why), fmt::format("  {} ", fitted(name, name_columns - 1)), width);
  };
  std::string out = heading(report);
  const auto rows = report_rows(f);
  // The network carries many times what servers do; a scale that holds it would make all others look alike.
  double scale = 0;
  for (const report_row& row : rows) scale = row.kind == "network" ? scale : std::max(scale, row.bytes_per_second);
  for (const report_row& row : rows) {
    if (!row.step->measured()) {
      out += not_measured(row.name, row.step->skipped);
      continue;
    }
    const std::string note = row.note.empty() ? latency_text(row.step->calls) : row.note;
    out += cut_to(fmt::format("  {} {} {}  {}", fitted(row.name, name_columns - 1),
                              fitted(bar(row.bytes_per_second, scale, bar_columns), bar_columns),
                              right_aligned(measure::size_text(row.bytes_per_second) + "/s", rate_columns), note),
                  width + 2) +
           "\n";
  }
  if (f.index_seconds > 0 && f.indexes > 0) {
    out += fmt::format("  {} {} in {:.2f} s, after the data\n", fitted("indexes", name_columns - 1), f.indexes,
                       f.index_seconds);
  }
  if (f.apply.applied.measured()) {
    out += fmt::format("  {} {} changes/s by {} ({} in all; the source took {:.1f} s)\n",
                       fitted("apply", name_columns - 1),
                       count_text(static_cast<std::int64_t>(f.apply.changes_per_second())), f.apply.captured_through,
                       count_text(f.apply.applied.documents), f.apply.source_seconds);
  } else {
    out += not_measured("apply", f.apply.applied.skipped);
  }
  for (const measure::probe& one : f.probes) {
    out += fmt::format("  {} {:>+5.0f} %  {}\n", fitted("what if", name_columns - 1), one.gain() * 100, one.what);
  }
  out = lines_cut_to(out, width + 2);
  out += "\n";
  const measure::verdict& v = report.verdict;
  if (v.limited_by) {
    out += wrapped("The limit is the " + std::string(measure::to_string(*v.limited_by)) + ": " + v.because + ".", "  ",
                   width);
  }
  for (const std::string& one : v.advice) out += wrapped(one, "  → ", width);
  for (const std::string& one : v.caveats) out += wrapped(one, "  ! ", width);
  if (v.time) out += "\n  " + measure::estimate_text(*v.time) + "\n";
  return out + comparison_text(report);
}

}  // namespace sluice::tools
