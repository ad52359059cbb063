// Where the engine's log goes: human lines on a terminal, one JSON object a line otherwise.
#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "engine/runtime/log.hpp"
#include "engine/runtime/result.hpp"
#include "tools/command_line.hpp"

namespace sluice::tools {

/// Installs itself as the process's sink while it lives. Thread-safe.
class log_output : public log_sink {
 public:
  /// `console` (stdout or stderr) is used unless the options name a path. A log file that is there already is moved
  /// aside under the time of now; `program` gives the file its name. Errors (configuration): the path that cannot be
  /// written, and why.
  [[nodiscard]] static result<std::unique_ptr<log_output>> open(const log_options& options, std::FILE* console,
                                                                const std::string& program);

  /// Moves the log file aside and starts a new one; nothing on a console.
  virtual void rotate() = 0;

  /// From now on console lines (with their newline) go there, so that a live display can step aside; nullptr undoes it.
  virtual void write_lines_through(std::function<void(std::string_view)> writer) = 0;
};

/// One record as its JSON line, without a newline: level, time, pid, host, component, message, then the fields, of
/// which strings are cut at 1024 characters.
[[nodiscard]] std::string json_line(const log_record& record, const std::string& time_rfc3339);

/// "12:00:00.123 INFO  copy: message ns=db.c documents=3"; control characters of foreign text are made visible.
[[nodiscard]] std::string text_line(const log_record& record, const std::string& time_of_day);

}  // namespace sluice::tools
