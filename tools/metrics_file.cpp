#include "tools/metrics_file.hpp"

#include <charconv>
#include <cmath>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/chrono.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/rotating_file_sink.h>

#include "engine/http/metrics.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/log.hpp"

namespace sluice::tools {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr auto line_interval = std::chrono::seconds(10);
constexpr std::size_t file_bytes_max = 16 * limits::mib;
constexpr std::size_t older_files_max = 3;

template <class Number>
bool reads_whole(std::string_view text, Number& number) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  return fault == std::errc() && end == text.data() + text.size();
}

json::value value_of(std::string_view text) {
  std::int64_t count = 0;
  if (reads_whole(text, count)) return count;
  double number = 0;
  if (reads_whole(text, number) && std::isfinite(number)) return number;
  return json::value(text);
}

}  // namespace

std::string metrics_line(std::string_view exposition, std::string_view time) {
  json::object metrics;
  while (!exposition.empty()) {
    const std::string_view line = exposition.substr(0, exposition.find('\n'));
    exposition.remove_prefix(std::min(line.size() + 1, exposition.size()));
    const std::size_t space = line.rfind(' ');
    if (line.empty() || line.front() == '#' || space == std::string_view::npos) continue;
    metrics[line.substr(0, space)] = value_of(line.substr(space + 1));
  }
  return json::serialize(json::object{{"time", time}, {"metrics", std::move(metrics)}});
}

result<std::unique_ptr<metrics_file>> metrics_file::open(const fs::path& folder) {
  try {
    fs::create_directories(folder);
    auto sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>((folder / "metrics.log").string(),
                                                                       file_bytes_max, older_files_max);
    auto logger = std::make_shared<spdlog::logger>("metrics", std::move(sink));
    logger->set_pattern("%v");
    logger->set_error_handler([told = false](const std::string& fault) mutable {
      if (!std::exchange(told, true)) log(log_level::warn, "metrics", "Metrics are not written", {{"cause", fault}});
    });
    return std::unique_ptr<metrics_file>(new metrics_file(std::move(logger)));
  } catch (const std::exception& fault) {
    return failure(error_kind::configuration, "metricsLoggingFilepath \"" + folder.string() +
                                                  "\" cannot be written to: " + fault.what() +
                                                  "; give a folder that this user may write to");
  }
}

metrics_file::~metrics_file() = default;

void metrics_file::look(const session::progress& now, clock::time_point at) {
  if (at < due_) return;
  due_ = at + line_interval;
  const auto time = fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
  logger_->info("{}", metrics_line(http::metrics_text(now), fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", time)));
  logger_->flush();
}

}  // namespace sluice::tools
