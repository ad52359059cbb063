// Hands records to the sink that the program set. Formats nothing, writes nothing itself.
#include "engine/runtime/log.hpp"

#include <atomic>

namespace sluice {
namespace {

// Global: a logger in every constructor would tell a reader nothing.
std::atomic<log_sink*> current_sink{nullptr};

}  // namespace

std::string_view to_string(log_level level) noexcept {
  switch (level) {
    case log_level::trace:
      return "trace";
    case log_level::debug:
      return "debug";
    case log_level::info:
      return "info";
    case log_level::warn:
      return "warn";
    case log_level::error:
      return "error";
    case log_level::fatal:
      return "fatal";
  }
  return "unknown";
}

log_sink* set_log_sink(log_sink* sink) noexcept {
  return current_sink.exchange(sink);
}

void log(log_level level, std::string_view component, std::string_view message,
         std::initializer_list<log_field> fields) noexcept {
  log_sink* const sink = current_sink.load(std::memory_order_acquire);
  if (sink == nullptr || !sink->wants(level)) return;
  sink->write({level, component, message, {fields.begin(), fields.size()}});
}

}  // namespace sluice
