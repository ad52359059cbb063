// One line of the log: what the engine has to say, with typed fields. Where it goes is for the program to decide; the
// engine knows no logging library, and nothing that holds a credential is ever handed in here.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <type_traits>
#include <variant>

namespace sluice {

enum class log_level : std::uint8_t { trace, debug, info, warn, error, fatal };
[[nodiscard]] std::string_view to_string(log_level level) noexcept;  // "trace", "debug", ...

/// A name and a value that live as long as the call they are passed to. Units go into the name: "durationMs".
struct log_field {
  using value_type = std::variant<std::string_view, std::int64_t, double, bool>;
  std::string_view name;
  value_type value;

  template <class T>
  log_field(std::string_view field_name, const T& field_value) : name(field_name), value(convert(field_value)) {}

 private:
  template <class T>
  static value_type convert(const T& given) {
    if constexpr (std::is_same_v<T, bool>) {
      return given;
    } else if constexpr (std::is_integral_v<T>) {
      return static_cast<std::int64_t>(given);
    } else if constexpr (std::is_floating_point_v<T>) {
      return static_cast<double>(given);
    } else {
      return std::string_view(given);
    }
  }
};

struct log_record {
  log_level level;
  std::string_view component;  // the folder that speaks: "copy", "http", ...
  std::string_view message;    // a fixed sentence; what varies is in the fields
  std::span<const log_field> fields;
};

/// Called from any thread, also from several at once.
class log_sink {
 public:
  virtual ~log_sink() = default;
  [[nodiscard]] virtual bool wants(log_level level) const noexcept = 0;
  virtual void write(const log_record& record) noexcept = 0;
};

/// The sink must outlive every thread that logs; nullptr (as at start) drops every record. Returns the one before.
log_sink* set_log_sink(log_sink* sink) noexcept;

/// log(log_level::info, "copy", "Partition done", {{"ns", ns}, {"documents", count}});
void log(log_level level, std::string_view component, std::string_view message,
         std::initializer_list<log_field> fields = {}) noexcept;

}  // namespace sluice
