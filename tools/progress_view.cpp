#include "tools/progress_view.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "tools/terminal_text.hpp"

namespace sluice::tools {
namespace {

constexpr std::size_t name_width_max = 40;
constexpr std::size_t bar_width_max = 40;
constexpr std::size_t percent_width = 5;

double fraction_of(double part, double whole) {
  return whole > 0 ? std::clamp(part / whole, 0.0, 1.0) : 0.0;
}

std::string percent(double fraction) {
  // 100 % is said when everything is there and not before.
  const int whole = fraction >= 1 ? 100 : std::min(99, static_cast<int>(fraction * 100));
  return fmt::format("{:>3} %", whole);
}

bool builds_indexes(const session::collection_progress& one) {
  return one.copied && one.indexes_built < one.indexes_total && one.index_build_fraction > 0;
}

bool is_under_way(const session::collection_progress& one) {
  return builds_indexes(one) || (!one.copied && one.bytes_copied > 0);
}

bool is_waiting(const session::collection_progress& one, bool building_indexes) {
  return building_indexes ? one.indexes_built < one.indexes_total : !one.copied;
}

/// Under way first, then the largest.
std::vector<const session::collection_progress*> chosen(const session::progress& now, std::size_t count) {
  const bool building = now.at == session::phase::index_build;
  std::vector<const session::collection_progress*> all;
  for (const auto& one : now.collections) {
    if (is_under_way(one) || is_waiting(one, building)) all.push_back(&one);
  }
  std::ranges::stable_sort(all, [](const auto* a, const auto* b) {
    if (is_under_way(*a) != is_under_way(*b)) return is_under_way(*a);
    return a->bytes_total > b->bytes_total;
  });
  if (all.size() > count) all.resize(count);
  return all;
}

struct layout {
  std::size_t name;
  std::size_t bar;
};

layout layout_of(std::size_t width) {
  const std::size_t name = std::min(name_width_max, width / 3);
  const std::size_t rest = width > name + percent_width + 2 ? width - name - percent_width - 2 : 0;
  return {name, std::min(bar_width_max, rest * 2 / 5)};
}

std::string bar_line(std::string_view name, double fraction, const std::string& details, std::size_t width) {
  const layout parts = layout_of(width);
  std::string line = fitted(printable(name), parts.name) + " ";
  line += bar(fraction, parts.bar) + " " + percent(fraction) + "  " + details;
  return cut_to(line, width);
}

std::string collection_line(const session::collection_progress& one, bool building, std::size_t width) {
  if (building || builds_indexes(one)) {
    const double built = one.indexes_built + std::clamp(one.index_build_fraction, 0.0, 1.0);
    return bar_line(
        one.ns, fraction_of(built, one.indexes_total),
        fmt::format("index {} of {}", std::min(one.indexes_built + 1, one.indexes_total), one.indexes_total), width);
  }
  const auto total = std::max(one.bytes_total, one.bytes_copied);
  return bar_line(one.ns, fraction_of(static_cast<double>(one.bytes_copied), static_cast<double>(total)),
                  bytes_text(static_cast<double>(one.bytes_copied)) + " of " + bytes_text(static_cast<double>(total)),
                  width);
}

bool is_following(const session::progress& now) {
  return now.at >= session::phase::change_application;
}

std::string header(const session::progress& now, std::chrono::seconds elapsed, std::size_t width) {
  std::string line(to_string(now.at));
  if (now.at == session::phase::collection_copy) {
    line += " · " + bytes_text(now.copy_bytes_per_second) + "/s";
    if (now.seconds_to_complete) line += " · " + duration_text(*now.seconds_to_complete) + " left";
  }
  if (now.now == session::state::paused) line += " · PAUSED";
  if (is_following(now)) {
    if (now.follow.lag_seconds) line += " · " + duration_text(*now.follow.lag_seconds) + " behind";
    line += fmt::format(" · {} changes/s", count_text(static_cast<std::int64_t>(now.follow.changes_per_second)));
    if (now.follow.seconds_to_catch_up) {
      line += " · caught up in " + duration_text(*now.follow.seconds_to_catch_up);
    }
  }
  if (!now.pausing.empty()) line += " · waiting for " + now.pausing;
  return cut_to(line + " · " + duration_text(elapsed.count()) + " so far", width);
}

std::string total_line(const session::progress& now, std::size_t width) {
  if (now.at == session::phase::index_build) {
    return bar_line("indexes", fraction_of(now.indexes_built, now.indexes_total),
                    fmt::format("{} of {}", now.indexes_built, now.indexes_total), width);
  }
  const auto total = std::max(now.bytes_total, now.bytes_copied);
  const bool complete = now.at > session::phase::index_build;
  const double fraction =
      complete ? 1.0 : fraction_of(static_cast<double>(now.bytes_copied), static_cast<double>(total));
  return bar_line(
      fmt::format("total, {} of {} collections", now.collections_copied, now.collections_total), fraction,
      bytes_text(static_cast<double>(now.bytes_copied)) + " · " + count_text(now.documents_copied) + " documents",
      width);
}

std::string changes_line(const session::follow_progress& follow, std::size_t width) {
  return cut_to(fmt::format("{} changes applied: {} inserts, {} updates, {} replaces, {} deletes, {} commands",
                            count_text(follow.events_applied), count_text(follow.inserts), count_text(follow.updates),
                            count_text(follow.replaces), count_text(follow.deletes), count_text(follow.commands)),
                width);
}

std::string spool_line(const session::follow_progress& follow, std::size_t width) {
  return cut_to(
      fmt::format("{} changes captured by {} · spool: {} on disk, {} in memory", count_text(follow.captured_entries),
                  follow.captured_by, bytes_text(static_cast<double>(follow.spool_disk_bytes)),
                  bytes_text(static_cast<double>(follow.spool_memory_bytes))),
      width);
}

std::string verification_line(const verify::verify_figures& told, std::size_t width) {
  const double share = fraction_of(static_cast<double>(std::min(told.source_documents, told.documents_estimate)),
                                   static_cast<double>(told.documents_estimate));
  const std::string differ =
      told.different == 0 ? "none differ" : count_text(told.different) + (told.different == 1 ? " differs" : " differ");
  const std::string details = fmt::format("{} documents, {}", count_text(told.source_documents), differ);
  return bar_line(fmt::format("verified, {} of {} collections", told.collections_compared, told.collections),
                  told.nearly_done() ? 1.0 : std::min(share, 0.99), details, width);
}

}  // namespace

std::string bar(double fraction, std::size_t width) {
  constexpr std::array<std::string_view, 8> eighths{" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const double clamped = std::isfinite(fraction) ? std::clamp(fraction, 0.0, 1.0) : 0.0;
  const auto filled = static_cast<std::size_t>(clamped * static_cast<double>(width * 8));
  std::string out;
  for (std::size_t at = 0; at < width; ++at) {
    if (filled >= (at + 1) * 8) {
      out += "█";
    } else {
      out += filled > at * 8 ? eighths[filled - at * 8] : "·";
    }
  }
  return out;
}

std::vector<std::string> progress_lines(const session::progress& now, std::chrono::seconds elapsed,
                                        terminal_size size) {
  if (size.width < 2 || size.height < 2) return {};
  const std::size_t width = size.width - 1;
  const std::size_t height = size.height - 1;
  std::vector<std::string> lines{header(now, elapsed, width)};
  if (height >= 2) lines.push_back(total_line(now, width));
  if (!now.follow.captured_by.empty() && height > lines.size()) lines.push_back(spool_line(now.follow, width));
  if (is_following(now)) {
    if (height > lines.size()) lines.push_back(changes_line(now.follow, width));
    if (now.verification && height > lines.size()) lines.push_back(verification_line(*now.verification, width));
    for (const std::string& warning : now.warnings) {
      if (height > lines.size()) lines.push_back(cut_to("! " + printable(warning), width));
    }
    return lines;
  }
  const bool building = now.at == session::phase::index_build;
  for (const auto* one : chosen(now, height - lines.size())) lines.push_back(collection_line(*one, building, width));
  return lines;
}

}  // namespace sluice::tools
