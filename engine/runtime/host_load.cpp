#include "engine/runtime/host_load.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <string>

namespace sluice::runtime {

namespace {

/// Its beginning: /proc/stat has a line for every core.
std::string beginning_of(const char* path) {
  std::FILE* const file = std::fopen(path, "re");
  if (file == nullptr) return {};
  std::array<char, 4096> bytes{};
  const std::size_t size = std::fread(bytes.data(), 1, bytes.size(), file);
  std::fclose(file);
  return {bytes.data(), size};
}

/// The number that comes next, taken off.
std::optional<std::uint64_t> take_number(std::string_view& text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  std::uint64_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::optional<std::uint64_t> field_of(std::string_view text, std::string_view name) noexcept {
  const std::size_t at = text.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + name.size());
  return take_number(text);
}

}  // namespace

std::optional<processor_time> processor_time_of(std::string_view proc_stat) noexcept {
  constexpr std::string_view name = "cpu ";
  if (!proc_stat.starts_with(name)) return std::nullopt;
  proc_stat = proc_stat.substr(name.size(), proc_stat.find('\n') - name.size());
  // user nice system idle iowait irq softirq steal; what guests had is in user and nice already (proc(5)).
  constexpr std::size_t counted = 8, idle_at = 3, iowait_at = 4;
  processor_time told;
  for (std::size_t i = 0; i < counted; ++i) {
    const auto number = take_number(proc_stat);
    if (!number) return i > idle_at ? std::optional(told) : std::nullopt;
    told.all += *number;
    if (i == idle_at || i == iowait_at) told.idle += *number;
  }
  return told;
}

std::optional<double> memory_used_percent_of(std::string_view proc_meminfo) noexcept {
  const auto total = field_of(proc_meminfo, "MemTotal:");
  const auto available = field_of(proc_meminfo, "MemAvailable:");
  if (!total || !available || *total == 0) return std::nullopt;
  return 100.0 * (1.0 - static_cast<double>(std::min(*available, *total)) / static_cast<double>(*total));
}

std::optional<host_load> host_load_meter::read() {
  return take(processor_time_of(beginning_of("/proc/stat")), memory_used_percent_of(beginning_of("/proc/meminfo")));
}

std::optional<host_load> host_load_meter::take(const std::optional<processor_time>& time,
                                               const std::optional<double>& memory_used_percent) noexcept {
  if (!time || !memory_used_percent) return told_ = std::nullopt;
  // The kernel counts in hundredths of a second: nothing may have passed.
  if (before_ && time->all > before_->all) {
    const auto all = static_cast<double>(time->all - before_->all);
    const auto idle = static_cast<double>(std::max(time->idle, before_->idle) - before_->idle);
    told_ = host_load{std::clamp(100.0 * (1.0 - idle / all), 0.0, 100.0), *memory_used_percent};
  }
  before_ = time;
  return told_;
}

}  // namespace sluice::runtime
