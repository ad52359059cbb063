#include "tools/logging.hpp"

#include <array>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <mutex>
#include <random>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "tools/terminal_text.hpp"

namespace sluice::tools {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t field_bytes_max = 1024;
/// What the API was asked and answered is JSON: half of it says nothing to an analyser.
constexpr std::size_t body_bytes_max = 16 * 1024;

/// UTC, with microseconds after a dot; `format` is strftime's. So many digits that the original's log analysers find
/// what they read by its place: the first 26 bytes are a time without its zone.
std::string now_as(const char* format) {
  const auto now = std::chrono::system_clock::now();
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count() % 1'000'000;
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), format, &parts);
  return fmt::format("{}.{:06}", std::string_view(text.data(), length), us);
}

/// No half of a UTF-8 character at the end.
std::string_view cut(std::string_view value, std::size_t bytes_max) {
  if (value.size() <= bytes_max) return value;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0U) == 0x80U) --end;
  return value.substr(0, end);
}

/// Of this process alone, for as long as it lives.
const std::string& server_id() {
  static const std::string id = [] {
    std::random_device entropy;
    return fmt::format("{:08x}{:08x}{:08x}", entropy(), entropy(), entropy());
  }();
  return id;
}

/// "a.b" is a field of a document in the line, "a.b.c" one of a document in that.
json::value& field_of(json::object& line, std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return line[name];
  json::value& inner = line[name.substr(0, dot)];
  if (!inner.is_object()) inner.emplace_object();
  return field_of(inner.get_object(), name.substr(dot + 1));
}

/// The console, which may be shared with a live display.
class console_sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit console_sink(std::FILE* console) : console_(console) {}
  void write_lines_through(std::function<void(std::string_view)> writer) {
    const std::lock_guard guard(mutex_);
    writer_ = std::move(writer);
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    std::string line(message.payload.data(), message.payload.size());
    line.push_back('\n');
    if (writer_) {
      writer_(line);
    } else {
      std::fwrite(line.data(), 1, line.size(), console_);
    }
  }
  void flush_() override { std::fflush(console_); }

  std::FILE* console_;
  std::function<void(std::string_view)> writer_;
};

class spdlog_output final : public log_output {
 public:
  spdlog_output(log_level verbosity, bool as_json) : verbosity_(verbosity), as_json_(as_json) {}
  ~spdlog_output() override { set_log_sink(nullptr); }
  spdlog_output(const spdlog_output&) = delete;
  spdlog_output& operator=(const spdlog_output&) = delete;

  void use_console(std::FILE* console) {
    console_ = std::make_shared<console_sink>(console);
    install(console_);
  }
  void use_file(fs::path file) {
    file_ = std::move(file);
    open_file();
  }

  bool wants(log_level level) const noexcept override { return level >= verbosity_; }

  void write(const log_record& record) noexcept override {
    const std::string line =
        as_json_ ? json_line(record, now_as("%Y-%m-%dT%H:%M:%S") + "Z")
                 : text_line(record, now_as("%H:%M:%S").substr(0, std::string_view("12:00:00.000").size()));
    const std::lock_guard guard(mutex_);
    logger_->log(spdlog::level::info, "{}", line);
    logger_->flush();
  }

  void rotate() override {
    const std::string fault = open_anew();
    if (fault.empty()) return;
    log(log_level::warn, "log", "No new log file could be begun; the old one is written on", {{"cause", fault}});
  }

  void write_lines_through(std::function<void(std::string_view)> writer) override {
    if (console_) console_->write_lines_through(std::move(writer));
  }

 private:
  /// What was in the way; the old file stays open then, by whichever name it lies there now.
  std::string open_anew() {
    const std::lock_guard guard(mutex_);
    if (file_.empty()) return {};
    try {
      open_file();
    } catch (const spdlog::spdlog_ex& fault) {
      return fault.what();
    }
    return {};
  }

  void install(spdlog::sink_ptr sink) {
    logger_ = std::make_shared<spdlog::logger>("sluice", std::move(sink));
    logger_->set_pattern("%v");
  }

  /// "sluice.log" there already becomes "sluice-2026-01-31T12-00-00.123.log", as the original names it.
  void open_file() {
    if (std::error_code ignored; fs::exists(file_, ignored) && fs::file_size(file_, ignored) > 0) {
      const std::string aside = file_.stem().string() + "-" + now_as("%Y-%m-%dT%H-%M-%S");
      fs::path free = file_.parent_path() / (aside + file_.extension().string());
      for (int copy = 2; fs::exists(free, ignored); ++copy) {  // twice in one millisecond
        free.replace_filename(aside + "-" + std::to_string(copy) + file_.extension().string());
      }
      fs::rename(file_, free, ignored);
    }
    install(std::make_shared<spdlog::sinks::basic_file_sink_mt>(file_.string()));
  }

  const log_level verbosity_;
  const bool as_json_;
  std::mutex mutex_;  // of the logger as a whole: rotate() replaces it
  std::shared_ptr<spdlog::logger> logger_;
  std::shared_ptr<console_sink> console_;
  fs::path file_;
};

}  // namespace

std::string json_line(const log_record& record, const std::string& time_rfc3339) {
  static const std::string host = [] {
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    return std::string(name.data());
  }();
  json::object line;
  line["level"] = to_string(record.level);
  line["time"] = time_rfc3339;
  line["pid"] = static_cast<std::int64_t>(::getpid());
  line["host"] = host;
  line["componentName"] = record.component;
  line["serverID"] = server_id();
  line["mongosyncID"] = "coordinator";  // one process does what the original may do with one a shard
  line["message"] = record.message;
  for (const log_field& field : record.fields) {
    json::value& value = field_of(line, field.name);
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
      value = valid_utf8(cut(*text, field.name == "body" ? body_bytes_max : field_bytes_max));
    } else {
      std::visit([&](const auto& number) { value = number; }, field.value);
    }
  }
  return json::serialize(line);
}

std::string text_line(const log_record& record, const std::string& time_of_day) {
  std::string level(to_string(record.level));
  for (char& letter : level) letter = static_cast<char>(letter - 'a' + 'A');
  std::string line = fmt::format("{} {:<5} {}: {}", time_of_day, level, record.component, record.message);
  for (const log_field& field : record.fields) {
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
      line += fmt::format(" {}={}", field.name, printable(cut(*text, field_bytes_max)));
    } else {
      std::visit([&](const auto& number) { line += fmt::format(" {}={}", field.name, number); }, field.value);
    }
  }
  return line;
}

result<std::unique_ptr<log_output>> log_output::open(const log_options& options, std::FILE* console,
                                                     const std::string& program) {
  const bool on_terminal = options.path.empty() && ::isatty(::fileno(console)) == 1;
  const bool as_json = options.format == log_format::json || (options.format == log_format::automatic && !on_terminal);
  auto output = std::make_unique<spdlog_output>(options.verbosity, as_json);
  if (options.path.empty()) {
    output->use_console(console);
  } else {
    try {
      fs::path file(options.path);
      // A path that looks like a file is one; mongosync knows directories only.
      if (fs::is_directory(file) || file.extension() != ".log") {
        fs::create_directories(file);
        file /= program + ".log";
      }
      output->use_file(std::move(file));
    } catch (const std::exception& fault) {
      return failure(error_kind::configuration,
                     "cannot write the log to " + options.path + ": " + fault.what() + "; choose another --logPath");
    }
  }
  set_log_sink(output.get());
  return std::unique_ptr<log_output>(std::move(output));
}

}  // namespace sluice::tools
