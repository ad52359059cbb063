// What a server tells about itself beside its data: cores, cache, free disk, CPU spent. Nothing of it is worth failing
// for: what the user may not ask for, or an old server does not say, is simply absent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/measure/figures.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::measure {

struct server_facts {
  std::string host;  // as the machine calls itself
  std::int32_t cores = 0;
  std::int64_t cache_bytes = 0;
  std::optional<double> free_disk_bytes;
};
[[nodiscard]] task<server_facts> read_server_facts(wire::connection& node);

/// Seconds of CPU that the server's process has used since its start.
[[nodiscard]] task<std::optional<double>> read_server_cpu(wire::connection& node);

/// CPU of this process and of both servers: taken twice, the difference is what lay between.
struct cpu_reading {
  double engine_user = 0, engine_system = 0;
  std::optional<double> source, destination;
};
/// `source` or `destination` may be null: not asked.
[[nodiscard]] task<cpu_reading> read_cpu(wire::connection* source, wire::connection* destination);
[[nodiscard]] cpu_seconds difference(const cpu_reading& before, const cpu_reading& after);

/// Error (refused): `needed_bytes` do not fit into the server's free disk. Nothing known: no error.
[[nodiscard]] result<> check_disk(const server_facts& facts, double needed_bytes, const std::string& whose);

}  // namespace sluice::measure
