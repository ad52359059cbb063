#include "tools/summary.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <sys/resource.h>

#include "tools/terminal_text.hpp"

namespace sluice::tools {
namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

copy_summary summarize(const session::progress& last, std::chrono::duration<double> took) {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  copy_summary out;
  out.documents = last.documents_copied;
  out.bytes = last.bytes_copied;
  out.seconds = took.count();
  out.cpu_user_seconds = seconds_of(used.ru_utime);
  out.cpu_system_seconds = seconds_of(used.ru_stime);
  out.peak_memory_bytes = std::int64_t{used.ru_maxrss} * 1024;  // Linux counts in KiB
  out.collections = last.collections_copied;
  out.indexes = last.indexes_built;
  out.duplicates_skipped = last.duplicates_skipped;
  out.changes_applied = last.follow.events_applied;
  out.accounts = last.accounts;
  return out;
}

std::string summary_table(const copy_summary& summary) {
  const double gigabytes = static_cast<double>(summary.bytes) / 1e9;
  const double rate = summary.seconds > 0 ? gigabytes / summary.seconds : 0;
  std::string out;
  const auto row = [&out](std::string_view name, const std::string& value) {
    out += fmt::format("  {:<20}{}\n", name, right_aligned(value, 16));
  };
  row("documents", count_text(summary.documents));
  row("GB", fmt::format("{:.3f}", gigabytes));
  row("seconds", fmt::format("{:.2f}", summary.seconds));
  row("GB/s", fmt::format("{:.3f}", rate));
  row("CPU user, seconds", fmt::format("{:.2f}", summary.cpu_user_seconds));
  row("CPU system, seconds", fmt::format("{:.2f}", summary.cpu_system_seconds));
  row("peak memory, MiB", fmt::format("{:.0f}", static_cast<double>(summary.peak_memory_bytes) / (1024.0 * 1024)));
  row("collections", count_text(summary.collections));
  row("indexes", count_text(summary.indexes));
  if (summary.changes_applied > 0) row("changes applied", count_text(summary.changes_applied));
  if (summary.duplicates_skipped > 0) row("duplicates skipped", count_text(summary.duplicates_skipped));
  if (summary.accounts) {
    row("users", count_text(summary.accounts->users_copied));
    row("roles", count_text(summary.accounts->roles_copied));
    row("accounts skipped", count_text(static_cast<std::int64_t>(summary.accounts->skipped.size())));
    const std::size_t listed = std::min(summary.accounts->skipped.size(), accounts::skipped_accounts_listed_max);
    for (std::size_t i = 0; i < listed; ++i) {
      const auto& one = summary.accounts->skipped[i];
      const std::string_view kind = one.kind == accounts::account_kind::role ? "role" : "user";
      out += fmt::format("    {} {}: {}\n", kind, one.name, one.reason);
    }
  }
  return out;
}

std::string summary_json(const copy_summary& summary) {
  boost::json::object out;
  out["documents"] = summary.documents;
  out["bytes"] = summary.bytes;
  out["seconds"] = summary.seconds;
  out["cpu_user_seconds"] = summary.cpu_user_seconds;
  out["cpu_system_seconds"] = summary.cpu_system_seconds;
  out["peak_memory_bytes"] = summary.peak_memory_bytes;
  out["collections"] = summary.collections;
  out["indexes"] = summary.indexes;
  out["duplicates_skipped"] = summary.duplicates_skipped;
  out["changes_applied"] = summary.changes_applied;
  if (summary.accounts) {
    out["users"] = summary.accounts->users_copied;
    out["roles"] = summary.accounts->roles_copied;
    out["accounts_skipped"] = summary.accounts->skipped.size();
  }
  return boost::json::serialize(out) + "\n";
}

result<> write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (file.fail()) return failure(error_kind::storage, "cannot write " + path + ": " + std::strerror(errno));
  return ok();
}

}  // namespace sluice::tools
