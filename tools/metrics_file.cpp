#include "tools/metrics_file.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/chrono.h>

#include "engine/http/metrics.hpp"
#include "engine/runtime/log.hpp"

namespace sluice::tools {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr auto line_interval = std::chrono::seconds(30);
constexpr std::string_view file_name = "mongosync_metrics.log";
constexpr std::string_view older_prefix = "mongosync_metrics-";

bool is_kept(std::string_view line) {
  if (line.empty() || line.front() == '#') return false;
  return line.starts_with("mongosync_") || line.starts_with("verifier_") ||
         line.substr(0, line.find_first_of("{ ")).find("_bucket") == std::string_view::npos;
}

/// With microseconds: the viewer finds the time in the first 26 bytes.
std::string time_now() {
  const auto now = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  const auto us = now.time_since_epoch().count() % 1'000'000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)), us);
}

}  // namespace

std::string metrics_line(std::string_view exposition, std::string_view time) {
  std::string kept;
  while (!exposition.empty()) {
    const std::string_view line = exposition.substr(0, exposition.find('\n'));
    exposition.remove_prefix(std::min(line.size() + 1, exposition.size()));
    if (is_kept(line)) kept.append(line).push_back('\n');
  }
  return json::serialize(json::object{{"time", time}, {"message", kept}});
}

result<std::unique_ptr<metrics_file>> metrics_file::open(const fs::path& folder, std::uintmax_t file_bytes_max) {
  try {
    fs::create_directories(folder);
    std::unique_ptr<metrics_file> file(new metrics_file(folder, file_bytes_max));
    file->begin_file();
    return file;
  } catch (const std::exception& fault) {
    return failure(error_kind::configuration, "metricsLoggingFilepath \"" + folder.string() +
                                                  "\" cannot be written to: " + fault.what() +
                                                  "; give a folder that this user may write to");
  }
}

void metrics_file::begin_file() {
  const fs::path path = folder_ / file_name;
  out_.close();
  out_.clear();
  errno = 0;
  out_.open(path, std::ios::app | std::ios::binary);
  if (!out_) throw std::system_error(errno, std::generic_category(), path.string());
  size_ = fs::file_size(path);
}

void metrics_file::put_aside(std::string_view time) {
  const fs::path path = folder_ / file_name;
  // Whoever has taken the file away has put it aside.
  if (fs::exists(path)) fs::rename(path, folder_ / (std::string(older_prefix) + std::string(time) + ".log"));
  std::vector<fs::path> older;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (entry.path().filename().string().starts_with(older_prefix)) older.push_back(entry.path());
  }
  std::ranges::sort(older, std::ranges::greater());  // times in names: the newest first
  for (std::size_t i = older_files_max; i < older.size(); ++i) fs::remove(older[i]);
  begin_file();
}

void metrics_file::tell(const std::string& fault) {
  if (!std::exchange(told_, true)) log(log_level::warn, "metrics", "Metrics are not written", {{"cause", fault}});
}

void metrics_file::look(const session::progress& now, clock::time_point at) {
  if (at < due_) return;
  due_ = at + line_interval;
  const std::string time = time_now();
  const std::string line = metrics_line(http::metrics_text(now), time) + "\n";
  try {
    if (size_ > 0 && size_ + line.size() > bytes_max_) put_aside(time);
    if (!out_) begin_file();  // the line before could not be written
    out_ << line << std::flush;
    if (!out_) return tell("a line could not be written to " + (folder_ / file_name).string());
    size_ += line.size();
  } catch (const std::exception& fault) {
    tell(fault.what());
  }
}

}  // namespace sluice::tools
