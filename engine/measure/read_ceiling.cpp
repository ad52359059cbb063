#include <algorithm>
#include <atomic>

#include "bson/raw_array.hpp"
#include "engine/measure/meter.hpp"
#include "engine/measure/reading.hpp"
#include "engine/measure/steps.hpp"

namespace sluice::measure {

namespace {

/// A data set that is read in less is read again: two figures of a tenth of a second say nothing about each other.
constexpr auto time_min = std::chrono::seconds(1);

}  // namespace

task<result<step>> measure_read(bench& on, const source_plan& of) {
  step read{.name = "source_read"};
  // As many at a time as a copy would have.
  const auto workers = static_cast<std::uint32_t>(std::min<std::size_t>(on.workers(), of.partitions.size()));
  const auto before = co_await on.cpu();
  const auto begin = steady::now();
  const auto deadline = begin + on.settings.step_time;
  std::vector<meter> meters(workers, meter(begin));
  std::atomic<std::size_t> next = 0;
  std::atomic<std::int64_t> wire_bytes = 0;
  auto read_all = [&](copy::worker& w, std::size_t number) -> task<result<>> {
    auto since = steady::now();
    on_batch each = [&](std::span<std::byte> array) -> task<result<bool>> {
      bson::raw_array_walk walk(array);
      while (walk.next()) {
      }
      const auto count = static_cast<std::int64_t>(walk.count());
      const auto overhead = static_cast<std::int64_t>(bson::array_overhead_bytes(walk.count()));
      meters[number].count(since, count, static_cast<std::int64_t>(array.size()) - overhead);
      since = steady::now();
      co_return since < deadline;
    };
    for (std::size_t i = next++;; i = next++) {
      const bool another_pass = i >= of.partitions.size();
      if (another_pass && steady::now() - begin >= time_min) break;
      SLUICE_CO_TRY(const bool to_end, co_await read_batches(w, of.partitions[i % of.partitions.size()], each));
      if (!to_end) break;
    }
    if (w.from) wire_bytes += static_cast<std::int64_t>(w.from->transferred().received_bytes);
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await run_crew(on.control, on.crew(workers), on.source, on.destination, on.scope, read_all));
  const auto after = co_await on.cpu();
  read.cpu = difference(before, after);
  merge(meters, read);
  read.wire_bytes = wire_bytes;
  co_return read;
}

}  // namespace sluice::measure
