// How busy this machine is, all its processes together: what the kernel counts in /proc.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::runtime {

struct host_load {
  double cpu_percent = 0;          // of all cores together: 100 is every core busy
  double memory_used_percent = 0;  // what new programs could not have
};

/// Units of processor time since the machine was started, as the first line of /proc/stat counts them.
struct processor_time {
  std::uint64_t all = 0;
  std::uint64_t idle = 0;  // waiting for a disk too
};
/// Nothing: that is no such line.
[[nodiscard]] std::optional<processor_time> processor_time_of(std::string_view proc_stat) noexcept;
/// Between 0 and 100. Nothing: /proc/meminfo does not say.
[[nodiscard]] std::optional<double> memory_used_percent_of(std::string_view proc_meminfo) noexcept;

/// One thread.
class host_load_meter {
 public:
  /// Since the call before. Nothing: the first call, or the kernel does not tell.
  [[nodiscard]] std::optional<host_load> read();
  /// The same of what was read.
  [[nodiscard]] std::optional<host_load> take(const std::optional<processor_time>& time,
                                              const std::optional<double>& memory_used_percent) noexcept;

 private:
  std::optional<processor_time> before_;
  std::optional<host_load> told_;
};

}  // namespace sluice::runtime
