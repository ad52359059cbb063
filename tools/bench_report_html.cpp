// The report as one page: no script, no request, so that it can be mailed, archived and opened anywhere. Plots are SVG
// in percentages, which leaves their text as large as the page's on every screen; each has a title, and every figure
// that is drawn is written, too.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "tools/bench_report.hpp"
#include "tools/bench_report_style.hpp"
#include "tools/terminal_text.hpp"

namespace sluice::tools {
namespace {

using measure::figures;
using measure::latencies;
using measure::size_text;
using measure::step;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string rate_text(double bytes_per_second) {
  return size_text(bytes_per_second) + "/s";
}

std::string changes_text(double changes_per_second) {
  return count_text(std::llround(changes_per_second)) + " changes/s";
}

std::string card(std::string_view id, std::string_view title, std::string_view says, const std::string& inside) {
  return fmt::format(
      "<section class=\"card\" id=\"{}\" aria-labelledby=\"{}-title\">\n<h2 id=\"{}-title\">{}</h2>\n"
      "<p class=\"soft small\">{}</p>\n{}</section>\n",
      id, id, id, title, says, inside);
}

// --- the verdict ---

std::string list_of(std::string_view kind, const std::vector<std::string>& sentences) {
  if (sentences.empty()) return {};
  std::string out = fmt::format("<ul class=\"{}\">\n", kind);
  for (const std::string& one : sentences) out += "<li>" + escaped(one) + "</li>\n";
  return out + "</ul>\n";
}

std::string kind_of(const measure::verdict& v) {
  return v.limited_by ? std::string(measure::kind_of(*v.limited_by)) : "network";
}

std::string hero(const bench_report& report) {
  const measure::verdict& v = report.verdict;
  const std::string headline =
      v.limited_by ? fmt::format("The limit is the <span class=\"limit\">{}</span>", measure::to_string(*v.limited_by))
                   : std::string("Not enough was measured to name the limit");
  std::string out = fmt::format("<section class=\"card hero {}{}\" id=\"verdict\" aria-label=\"Verdict\">\n<div>\n",
                                kind_of(v), v.time ? " with-estimate" : "");
  out +=
      fmt::format("<p class=\"eyebrow\">sluice bench · {}</p>\n<h1>{}</h1>\n", escaped(report.figures.began), headline);
  if (!v.because.empty()) {
    std::string sentence = v.because;
    sentence.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(sentence.front())));
    out += "<p>" + escaped(sentence) + ".</p>\n";
  }
  out += list_of("advice", v.advice) + list_of("caveats", v.caveats) + "</div>\n";
  if (v.time) {
    out += fmt::format(
        "<div class=\"estimate\">\n<span class=\"soft small\">{} would take</span>\n<strong "
        "class=\"number\">{}</strong>\n"
        "<span class=\"number\">± {:.0f} %</span>\n<p class=\"soft small number\" style=\"margin:10px 0 0\">{} "
        "documents"
        "{}</p>\n</div>\n",
        size_text(v.time->bytes), measure::time_text(v.time->seconds), v.time->spread * 100,
        measure::time_text(v.time->data_seconds),
        v.time->index_seconds > 0 ? ", " + measure::time_text(v.time->index_seconds) + " indexes" : "");
  }
  return out + "</section>\n";
}

// --- bars ---

std::string bar_row(const report_row& row, double scale, bool is_limit) {
  std::string out = fmt::format("<div class=\"row {}\">\n<div class=\"top\"><h3>{}{}</h3>", row.kind, row.name,
                                is_limit ? "<span class=\"tag\">the limit</span>" : "");
  if (!row.step->measured()) {
    return out + fmt::format("<span class=\"soft small\">not measured: {}</span></div>\n</div>\n",
                             escaped(row.step->skipped));
  }
  const bool beyond = row.bytes_per_second > scale * 1.001;
  const double width = beyond ? 100 : row.bytes_per_second / scale * 100;
  out += fmt::format("<span class=\"number\"><strong>{}</strong></span></div>\n", rate_text(row.bytes_per_second));
  out += fmt::format(
      "<div class=\"track\" role=\"img\" aria-label=\"{}: {}\"><div class=\"fill{}\" "
      "style=\"width:{:.1f}%\"></div></div>\n",
      row.name, rate_text(row.bytes_per_second), beyond ? " beyond" : "", width);
  std::string note = row.note;
  if (beyond) note += (note.empty() ? "" : ", ") + std::string("beyond this scale");
  if (!note.empty()) out += "<span class=\"soft small number\">" + escaped(note) + "</span>\n";
  return out + "</div>\n";
}

std::string ceilings(const bench_report& report) {
  const auto rows = report_rows(report.figures);
  double scale = 1;
  for (const report_row& row : rows) scale = row.kind == "network" ? scale : std::max(scale, row.bytes_per_second);
  const auto& limited = report.verdict.limited_by;
  const auto is_limit = [&limited](const report_row& row) {
    if (!limited) return false;
    const bool from_source = row.name == "network from the source";
    if (*limited == measure::limit::source_network) return from_source;
    if (*limited == measure::limit::destination_network) return row.kind == "network" && !from_source;
    return row.kind == measure::kind_of(*limited);
  };
  std::string inside = "<div class=\"rows\">\n";
  for (const report_row& row : rows) inside += bar_row(row, scale, is_limit(row));
  const measure::apply_figures& apply = report.figures.apply;
  inside += "</div>\n<p class=\"small\" style=\"margin:16px 0 0\"><strong>Apply</strong> ";
  inside += apply.applied.measured()
                ? fmt::format(
                      "<span class=\"number\">{}</span> <span class=\"soft\">captured through the {} and applied; "
                      "the source took {} to make the same {}</span>",
                      changes_text(apply.changes_per_second()), escaped(apply.captured_through),
                      measure::time_text(apply.source_seconds), count_text(apply.applied.documents))
                : "<span class=\"soft\">not measured: " + escaped(apply.applied.skipped) + "</span>";
  return card("ceilings", "What each part can do",
              "Each alone, and the copy that needs them all. Means of the measurements before and after the copy.",
              inside + "</p>\n");
}

// --- throughput over time ---

/// The next of 1, 2, 5 times a power of ten.
double rounded_up(double value) {
  if (value <= 0) return 1;
  const double power = std::pow(10.0, std::floor(std::log10(value)));
  for (const double times : {1.0, 2.0, 5.0}) {
    if (value <= times * power) return times * power;
  }
  return 10 * power;
}

std::string curve(std::string_view name, std::string_view kind, const step& of, bool changes) {
  const auto text = [changes](double value) { return changes ? changes_text(value) : rate_text(value); };
  double most = 0;
  for (const measure::point& p : of.series) most = std::max(most, p.bytes_per_second);
  const double top = rounded_up(most);
  const double end = std::max(of.seconds, of.series.empty() ? 0.0 : of.series.back().seconds);
  std::string path;
  std::string slots;
  double since = 0;
  for (const measure::point& p : of.series) {
    const double left = since / end * 100;
    const double right = p.seconds / end * 100;
    const double y = 100 - p.bytes_per_second / top * 100;
    path += fmt::format("{}{:.2f} {:.2f}H{:.2f}", path.empty() ? "M" : "L", left, y, right);
    slots += fmt::format(
        "<rect class=\"slot\" x=\"{:.2f}%\" y=\"0\" width=\"{:.2f}%\" height=\"120\"><title>{:.2f} s: {}"
        "</title></rect>",
        left, right - left, p.seconds, text(p.bytes_per_second));
    since = p.seconds;
  }
  const double mean = changes ? static_cast<double>(of.documents) / of.seconds : of.bytes_per_second();
  return fmt::format(
      "<figure class=\"{0}\" style=\"margin:0\">\n<div class=\"row\"><div class=\"top\"><h3>{1}</h3><span "
      "class=\"number "
      "small\">{2}</span></div></div>\n<svg class=\"plot\" height=\"146\" role=\"img\" aria-label=\"{1} over {3:.1f} "
      "seconds, {2} on average, {4} at most\"><title>{1} over time</title>\n<line class=\"axis\" x1=\"0\" x2=\"100%\" "
      "y1=\"0.5\" y2=\"0.5\"/><line class=\"axis\" x1=\"0\" x2=\"100%\" y1=\"60\" y2=\"60\"/><line class=\"axis\" "
      "x1=\"0\" x2=\"100%\" y1=\"120\" y2=\"120\"/>\n<svg x=\"0\" y=\"0\" width=\"100%\" height=\"120\" viewBox=\"0 0 "
      "100 "
      "100\" preserveAspectRatio=\"none\"><path class=\"area\" d=\"{5}V100H0Z\"/><path class=\"curve\" "
      "d=\"{5}\"/></svg>\n"
      "{6}<text x=\"2\" y=\"14\">{7}</text><text x=\"0\" y=\"138\">0</text><text x=\"100%\" y=\"138\" "
      "text-anchor=\"end\">{3:.1f} s</text></svg>\n</figure>\n",
      kind, name, text(mean), end, text(most), path, slots, text(top));
}

std::string over_time(const figures& f) {
  std::string inside = "<div class=\"grid\" style=\"margin-top:14px\">\n";
  const auto add = [&inside](std::string_view name, std::string_view kind, const step& of, bool changes) {
    if (of.measured() && !of.series.empty()) inside += curve(name, kind, of, changes);
  };
  if (!f.source_read.empty()) add("Source read", "source", f.source_read.front(), false);
  if (!f.destination_write.empty()) add("Destination write", "destination", f.destination_write.front(), false);
  add("Copy", "copy", f.copy, false);
  add("Apply", "engine", f.apply.applied, true);
  return card("throughput", "Throughput over time",
              "Level is good; gaps are a server that stopped to flush or to evict.", inside + "</div>\n");
}

// --- latencies ---

std::string latency_row(std::string_view name, std::string_view kind, const latencies& l, double least, double most) {
  const auto at = [&](double ms) {
    return (std::log10(std::max(ms, least)) - std::log10(least)) / (std::log10(most) - std::log10(least)) * 98 + 1;
  };
  return fmt::format(
      "<div class=\"row {0}\">\n<div class=\"top\"><h3>{1}</h3><span class=\"soft small number\">p50 {2:.1f} · p90 "
      "{3:.1f} "
      "· p99 {4:.1f} · max {5:.1f} ms</span></div>\n<svg class=\"plot\" height=\"24\" role=\"img\" aria-label=\"{1}: "
      "half "
      "within {2:.1f} ms, 99 of 100 within {4:.1f} ms\"><title>{1}, {6} calls</title><line class=\"axis\" x1=\"0\" "
      "x2=\"100%\" y1=\"12\" y2=\"12\"/><line class=\"span\" x1=\"{7:.2f}%\" x2=\"{10:.2f}%\" y1=\"12\" "
      "y2=\"12\"/><line "
      "class=\"tick\" x1=\"{8:.2f}%\" x2=\"{8:.2f}%\" y1=\"7\" y2=\"17\"/><line class=\"tick\" x1=\"{9:.2f}%\" "
      "x2=\"{9:.2f}%\" y1=\"4\" y2=\"20\"/><circle class=\"dot\" cx=\"{7:.2f}%\" cy=\"12\" r=\"7\"/></svg>\n</div>\n",
      kind, name, l.p50_ms, l.p90_ms, l.p99_ms, l.max_ms, count_text(l.count), at(l.p50_ms), at(l.p90_ms), at(l.p99_ms),
      at(l.max_ms));
}

std::string latency_card(const figures& f) {
  struct row {
    std::string_view name;
    std::string_view kind;
    const latencies* of;
  };
  std::vector<row> rows;
  const auto add = [&rows](std::string_view name, std::string_view kind, const latencies& of) {
    if (of.count > 0) rows.push_back({name, kind, &of});
  };
  add("Ping to the source", "source", f.source_network.roundtrip);
  if (!f.source_read.empty()) add("A batch from the source", "source", f.source_read.front().calls);
  add("Ping to the destination", "destination", f.destination_network.roundtrip);
  if (!f.destination_write.empty()) add("A batch written", "destination", f.destination_write.front().calls);
  if (rows.empty()) return {};
  double least = rows.front().of->p50_ms;
  double most = rows.front().of->max_ms;
  for (const row& one : rows) {
    least = std::min(least, one.of->p50_ms);
    most = std::max(most, one.of->max_ms);
  }
  least = std::pow(10.0, std::floor(std::log10(std::max(least, 0.01))));
  most = std::max(least * 10, std::pow(10.0, std::ceil(std::log10(std::max(most, 0.1)))));
  std::string inside = "<div class=\"rows\">\n";
  for (const row& one : rows) inside += latency_row(one.name, one.kind, *one.of, least, most);
  inside += fmt::format(
      "</div>\n<p class=\"soft small number\" style=\"display:flex;justify-content:space-between;"
      "margin:6px 0 0\"><span>{:g} ms</span><span>logarithmic</span><span>{:g} ms</span></p>\n",
      least, most);
  return card(
      "latency", "How long calls take",
      "Dot: half of them are faster. Short tick: nine of ten. Long tick: 99 of 100. The line ends at the slowest.",
      inside);
}

// --- CPU ---

std::string cpu_row(std::string_view name, const step& of, double scale) {
  struct part {
    std::string_view kind;
    std::string_view whose;
    double cores;
  };
  std::vector<part> parts;
  if (of.cpu.source) parts.push_back({"source", "source", *of.cpu.source / of.seconds});
  parts.push_back({"engine", "Sluice", (of.cpu.engine_user + of.cpu.engine_system) / of.seconds});
  if (of.cpu.destination) parts.push_back({"destination", "destination", *of.cpu.destination / of.seconds});
  std::string fills;
  std::string words;
  for (const part& one : parts) {
    fills += fmt::format("<div class=\"fill {}\" style=\"width:{:.2f}%\" title=\"{}: {:.2f} cores\"></div>", one.kind,
                         std::max(0.0, one.cores) / scale * 100, one.whose, one.cores);
    words += fmt::format("{}{} {:.2f}", words.empty() ? "" : " · ", one.whose, std::max(0.0, one.cores));
  }
  return fmt::format(
      "<div class=\"row\">\n<div class=\"top\"><h3>{0}</h3><span class=\"soft small number\">{1} cores</span>"
      "</div>\n<div class=\"track\" role=\"img\" aria-label=\"{0}: {1} cores\">{2}</div>\n</div>\n",
      name, words, fills);
}

double cores_of(const step& of) {
  return (of.cpu.source.value_or(0) + of.cpu.destination.value_or(0) + of.cpu.engine_user + of.cpu.engine_system) /
         of.seconds;
}

std::string cpu_card(const figures& f) {
  std::vector<std::pair<std::string_view, const step*>> steps;
  if (!f.source_read.empty()) steps.emplace_back("Reading", &f.source_read.front());
  if (!f.destination_write.empty()) steps.emplace_back("Writing", &f.destination_write.front());
  steps.emplace_back("Copying", &f.copy);
  steps.emplace_back("Applying", &f.apply.applied);
  std::erase_if(steps, [](const auto& one) { return !one.second->measured(); });
  double scale = 0.1;
  for (const auto& [name, of] : steps) scale = std::max(scale, cores_of(*of));
  std::string inside =
      "<ul class=\"legend\"><li class=\"source\"><i></i>source</li><li class=\"engine\"><i></i>Sluice</li>"
      "<li class=\"destination\"><i></i>destination</li></ul>\n<div class=\"rows\">\n";
  for (const auto& [name, of] : steps) inside += cpu_row(name, *of, scale);
  inside += "</div>\n";
  const bool silent = std::ranges::any_of(steps, [&f](const auto& one) {
    return (!one.second->cpu.source && !f.source.loopback) || (!one.second->cpu.destination && !f.destination.loopback);
  });
  if (silent) inside += "<p class=\"soft small\">A server does not tell its CPU: its user lacks clusterMonitor.</p>\n";
  return card("cpu", "Who spends the CPU", "Cores busy on average during each step, of whole server processes.",
              inside);
}

// --- what if, before and now, everything ---

std::string probes_card(const figures& f) {
  if (f.probes.empty()) return {};
  std::string body;
  for (const measure::probe& one : f.probes) {
    const bool notable = std::abs(one.gain()) >= 0.10;
    body += fmt::format(
        "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td><td class=\"number\">{}</td><td "
        "class=\"number {}\">{:+.0f} %</td></tr>\n",
        escaped(one.what), rate_text(one.baseline_bytes_per_second), rate_text(one.bytes_per_second),
        !notable         ? "soft"
        : one.gain() > 0 ? "better"
                         : "worse",
        one.gain() * 100);
  }
  return card(
      "probes", "What if",
      "Writing to the destination with one setting changed, each beside its own baseline. Less "
      "than ten per cent is noise.",
      "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"probes-title\"><table><thead><tr><th "
      "scope=\"col\">Change</th><th scope=\"col\" class=\"number\">Without</th><th scope=\"col\" "
      "class=\"number\">With</th><th scope=\"col\" class=\"number\">Gain</th></tr></thead><tbody>\n" +
          body + "</tbody></table></div>\n");
}

std::string change_cell(const bench_report& report, const bench_metric& metric) {
  const auto change = change_since(report, metric);
  if (!change) return "<td class=\"number soft\">–</td>";
  const bool same = std::abs(*change) < 0.05;
  const bool better = (*change > 0) == metric.more_is_better;
  return fmt::format("<td class=\"number {}\">{:+.1f} %<br><span class=\"small\">{}</span></td>",
                     same     ? "soft"
                     : better ? "better"
                              : "worse",
                     *change * 100,
                     same     ? "about the same"
                     : better ? "▲ better"
                              : "▼ worse");
}

std::string comparison_card(const bench_report& report) {
  std::string body;
  for (const bench_metric& metric : bench_metrics()) {
    const auto now = metric.value(report.figures, report.verdict);
    std::string before;
    if (report.earlier) {
      const auto found = report.earlier->metrics.find(metric.name);
      before = fmt::format("<td class=\"number\">{}</td>",
                           found == report.earlier->metrics.end() ? "–" : fmt::format("{:.4g}", found->second));
    }
    body += fmt::format(
        "<tr><th scope=\"row\"><code>{}</code><br><span class=\"soft small\">{}</span></th>{}<td "
        "class=\"number\">{}</td>{}</tr>\n",
        metric.name, metric.meaning, before, now ? fmt::format("{:.4g}", *now) : "–",
        report.earlier ? change_cell(report, metric) : "");
  }
  const std::string says = report.earlier ? "Beside the run of " + escaped(report.earlier->began) + "."
                                          : "Under the names that --fail-if takes. With --compare FILE an earlier run "
                                            "stands beside it.";
  return card(
      "comparison", report.earlier ? "Compared with the last run" : "All figures", says,
      fmt::format("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"comparison-title\"><table>"
                  "<thead><tr><th scope=\"col\">Figure</th>{}<th scope=\"col\" class=\"number\">Now</th>{}</tr>"
                  "</thead><tbody>\n{}</tbody></table></div>\n",
                  report.earlier ? "<th scope=\"col\" class=\"number\">Before</th>" : "",
                  report.earlier ? "<th scope=\"col\" class=\"number\">Change</th>" : "", body));
}

std::string surroundings(const bench_report& report) {
  const figures& f = report.figures;
  const auto side_text = [](const measure::side& s) {
    if (s.loopback) return std::string("the built-in loopback server");
    std::string text = escaped(s.name) + ", MongoDB " + escaped(s.version);
    if (s.cores > 0) text += ", " + std::to_string(s.cores) + " cores";
    if (s.cache_bytes > 0) text += ", " + size_text(static_cast<double>(s.cache_bytes)) + " cache";
    return text;
  };
  const auto row = [](std::string_view name, const std::string& value) {
    return fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", name, value);
  };
  return card(
      "surroundings", "What was measured", "One run, one after the other.",
      "<table><tbody>\n" + row("Source", side_text(f.source)) + row("Destination", side_text(f.destination)) +
          row("Data", escaped(data_text(f))) +
          row("Sluice", fmt::format("{}; {} {}, {} connections each, {} of all in use", escaped(report.sluice_version),
                                    f.lanes, f.lanes == 1 ? "lane" : "lanes", f.connections, f.connections_used)) +
          row("Indexes", f.index_seconds > 0 && f.indexes > 0
                             ? fmt::format("{} built in {}", f.indexes, measure::time_text(f.index_seconds))
                             : std::string("none built")) +
          row("Took", measure::time_text(f.seconds)) + "</tbody></table>\n");
}

}  // namespace

std::string bench_html(const bench_report& report) {
  const measure::verdict& v = report.verdict;
  std::string out =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n<title>";
  out += "sluice bench: " +
         (v.limited_by ? "the limit is the " + std::string(measure::to_string(*v.limited_by)) : std::string("report"));
  out += "</title>\n<style>" + std::string(bench_style) + "</style>\n</head>\n<body>\n<main>\n";
  out += hero(report) + ceilings(report) + over_time(report.figures) + latency_card(report.figures);
  out += cpu_card(report.figures) + probes_card(report.figures) + comparison_card(report) + surroundings(report);
  return out +
         "<footer>Made by sluice bench. Rates count bytes of BSON; the network's are bytes on the wire.</footer>\n"
         "</main>\n</body>\n</html>\n";
}

}  // namespace sluice::tools
