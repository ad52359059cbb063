// The checksum of the spool's records.
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/documents.hpp"
#include "bench/hot_path.hpp"
#include "engine/capture/spool_record.hpp"

namespace sluice::bench {

namespace {

round sum_up(std::size_t record_bytes) {
  constexpr std::size_t bytes_a_round = std::size_t{4} << 20U;
  std::vector<std::byte> bytes(bytes_a_round);
  for (std::size_t at = 0; at < bytes.size(); ++at) bytes[at] = static_cast<std::byte>(scrambled(at));
  return [bytes = std::move(bytes), record_bytes] {
    round_work done;
    const std::span<const std::byte> all(bytes);
    for (std::size_t at = 0; at < all.size(); at += record_bytes, ++done.items)
      benchmark::DoNotOptimize(capture::checksum(all.subspan(at, record_bytes)));
    done.bytes = all.size();
    return done;
  };
}

}  // namespace

void add_checksum(hot_paths& to) {
  to.push_back({"checksum/4KiB", [] { return sum_up(std::size_t{4} << 10U); }});
  to.push_back({"checksum/64KiB", [] { return sum_up(std::size_t{64} << 10U); }});
  to.push_back({"checksum/1MiB", [] { return sum_up(std::size_t{1} << 20U); }});
}

}  // namespace sluice::bench
