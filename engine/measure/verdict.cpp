#include "engine/measure/verdict.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace sluice::measure {

namespace {

/// A server that gets this close to what its network carries is not what holds it back. Measured: a throttled way gives
/// 0.9 and more, a server on an open one 0.5 and less.
constexpr double near_network = 0.7;
/// Ceilings and copies of one machine lie apart by a fifth without any cause (docs/performance.md): only beyond this is
/// it the copy that is slow.
constexpr double copy_own = 1.3;
/// A probe is two short measurements: less than this is noise.
constexpr double probe_gain_min = 0.10;
/// So much of its cores and a server is busy.
constexpr double busy = 0.8;
/// Nothing measured on one evening is known better than this.
constexpr double spread_least = 0.05;

std::string rate(double bytes_per_second) {
  return size_text(bytes_per_second) + "/s";
}

std::string percent(double part) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.0f %%", part * 100);
  return text.data();
}

/// What the throughput of a side is, and that of the way to it in bytes of documents.
struct way {
  double reached = 0;
  double network = 0;  // 0: unknown
};

way way_of(const std::vector<step>& measured, const network& through, const side& at) {
  return {mean_bytes_per_second(measured), through.transfer.bytes_per_second() * at.data_per_wire_byte};
}

bool by_network(const way& w) {
  return w.network > 0 && w.reached >= near_network * w.network;
}

/// The slowest of the times that something was measured: a copy that is no slower than that is not to blame.
double slowest(const std::vector<step>& times) {
  double least = mean_bytes_per_second(times);
  for (const step& one : times) {
    if (one.measured()) least = std::min(least, one.bytes_per_second());
  }
  return least;
}

/// What a copy must reach at least.
double expected(const figures& f, const way& reading, const way& writing) {
  if (reading.reached <= 0 || writing.reached <= 0) return std::max(reading.reached, writing.reached);
  // Cores that both servers share are used one after the other.
  if (f.one_machine) return 1 / (1 / reading.reached + 1 / writing.reached);
  return std::min(reading.reached, writing.reached);
}

std::optional<limit> find_limit(const figures& f, const way& reading, const way& writing) {
  if (reading.reached <= 0 || writing.reached <= 0) return {};
  const double copied = f.copy.bytes_per_second();
  const double bound = expected(f, {slowest(f.source_read)}, {slowest(f.destination_write)});
  if (copied > 0 && copied * copy_own < bound) return limit::copy;
  if (reading.reached < writing.reached) return by_network(reading) ? limit::source_network : limit::source;
  return by_network(writing) ? limit::destination_network : limit::destination;
}

std::string because(limit l, const figures& f, const way& reading, const way& writing) {
  const std::string copied = f.copy.measured() ? "; the copy reached " + rate(f.copy.bytes_per_second()) : "";
  const auto carries = [](const way& w) { return w.network > 0 ? ", and its network carries " + rate(w.network) : ""; };
  switch (l) {
    case limit::source:
      return "the source gives " + rate(reading.reached) + carries(reading) + ", the destination takes " +
             rate(writing.reached) + copied;
    case limit::destination:
      return "the destination takes " + rate(writing.reached) + carries(writing) + ", the source gives " +
             rate(reading.reached) + copied;
    case limit::source_network:
      return "the way from the source carries " + rate(reading.network) + " and reading gets " + rate(reading.reached) +
             " of it, while the destination takes " + rate(writing.reached) + copied;
    case limit::destination_network:
      return "the way to the destination carries " + rate(writing.network) + " and writing gets " +
             rate(writing.reached) + " of it, while the source gives " + rate(reading.reached) + copied;
    case limit::copy:
      return "the source gives " + rate(reading.reached) + " and the destination takes " + rate(writing.reached) +
             ", but the copy reached only " + rate(f.copy.bytes_per_second());
  }
  return {};
}

// --- advice ---

std::string flag(const char* name, std::uint32_t value) {
  return std::string(name) + " " + std::to_string(value);
}

const probe* find_probe(const figures& f, std::string_view name) {
  const auto found = std::ranges::find(f.probes, name, &probe::name);
  return found == f.probes.end() ? nullptr : &*found;
}

/// The cores that a server was busy on, of those it has; nothing where it does not tell.
std::optional<double> busy_part(const std::optional<double>& cpu, double seconds, std::int32_t cores) {
  if (!cpu || seconds <= 0 || cores <= 0) return {};
  return *cpu / seconds / cores;
}

std::string indexes_advice(const figures& f) {
  const double whole = f.copy.seconds + f.index_seconds;
  if (f.indexes == 0 || whole <= 0 || f.index_seconds < 0.15 * whole) return {};
  return "Building " + std::to_string(f.indexes) + (f.indexes == 1 ? " index" : " indexes") + " takes " +
         percent(f.index_seconds / whole) + " of the copy's time: drop what nobody uses, or leave them to afterwards " +
         "(sluice run --build-indexes never).";
}

void advise_destination(const figures& f, std::vector<std::string>& to) {
  const probe* const connections = find_probe(f, "connections");
  if (connections != nullptr && connections->gain() >= probe_gain_min) {
    to.push_back("More connections: " + connections->what + " wrote " + percent(connections->gain()) +
                 " faster; copy with " + flag("--connections", 2 * f.connections) + ".");
  }
  const probe* const batch = find_probe(f, "batch");
  if (batch != nullptr && batch->gain() >= probe_gain_min) {
    to.push_back("Smaller batches: " + batch->what + " wrote " + percent(batch->gain()) +
                 " faster, which speaks of a server short of memory; give it a larger cache.");
  }
  if (auto indexes = indexes_advice(f); !indexes.empty()) to.push_back(std::move(indexes));
  const step* const write = f.destination_write.empty() ? nullptr : &f.destination_write.front();
  const auto used = write == nullptr ? std::optional<double>()
                                     : busy_part(write->cpu.destination, write->seconds, f.destination.cores);
  if (used && *used >= busy) {
    to.push_back("Its CPU is the limit (" + percent(*used) + " of " + std::to_string(f.destination.cores) +
                 " cores busy while writing): give the destination more cores for the time of the copy.");
  } else if (used) {
    to.push_back("Its CPU is not the limit (" + percent(*used) + " of " + std::to_string(f.destination.cores) +
                 " cores busy while writing): look at its disk, its cache and who else writes to it.");
  } else {
    to.push_back("Give the destination more cores, a faster disk or a larger cache for the time of the copy.");
  }
  const probe* const majority = find_probe(f, "majority");
  if (majority != nullptr && majority->gain() <= -probe_gain_min) {
    to.push_back("Leave the write concern alone: w: majority would write " + percent(-majority->gain()) +
                 " slower. Sluice writes with w: 1 and has a majority confirm its positions once a second.");
  }
  const probe* const first = find_probe(f, "indexes_first");
  if (first != nullptr && first->gain() <= -probe_gain_min) {
    to.push_back(
        "Leave indexes to the end (--build-indexes afterDataCopy, the default): with them in place writing is " +
        percent(-first->gain()) + " slower.");
  }
}

void advise_source(const figures& f, std::vector<std::string>& to) {
  const step* const read = f.source_read.empty() ? nullptr : &f.source_read.front();
  const auto used =
      read == nullptr ? std::optional<double>() : busy_part(read->cpu.source, read->seconds, f.source.cores);
  if (used && *used >= busy) {
    to.push_back("Its CPU is the limit (" + percent(*used) + " of " + std::to_string(f.source.cores) +
                 " cores busy while reading): copy at a quieter hour, or give it more cores.");
    return;
  }
  if (f.connections_used >= f.lanes * f.connections) {
    to.push_back("More readers: " + flag("--connections", 2 * f.connections) + " (now " +
                 std::to_string(f.connections) + " for each of " + std::to_string(f.lanes) +
                 (f.lanes == 1 ? " lane" : " lanes") + ").");
  } else {
    to.push_back("Only " + std::to_string(f.connections_used) + " of " + std::to_string(f.lanes * f.connections) +
                 " connections had something to read, so small is the data set: measure again with more --documents.");
  }
  to.push_back("Look at the source's disk: documents that are not in its cache are read from there.");
}

void advise_network(const side& at, const network& through, const figures& f, bool towards,
                    std::vector<std::string>& to) {
  // A connection that waits for an answer carries one batch each round trip.
  const double rate_each = through.transfer.bytes_per_second() / std::max(1U, f.connections_used);
  const double waits =
      f.batch_bytes > 0 ? through.roundtrip.p50_ms / 1000 * rate_each / static_cast<double>(f.batch_bytes) : 0;
  if (towards && waits > 0.4) {
    to.push_back("It is the round trip, not the bandwidth (" + percent(waits) + " of the time goes into waiting): " +
                 flag("--connections", 2 * f.connections) + " or " + flag("--lanes", f.lanes + 1) + ".");
  }
  if (at.data_per_wire_byte <= 1.01) {
    to.push_back("Compress: add compressors=zstd to the " + std::string(towards ? "destination" : "source") +
                 "'s URI; documents shrink to a third or less, for some CPU on both ends.");
  }
  to.push_back("Run Sluice nearer to the " + std::string(towards ? "destination" : "source") +
               ", or widen the way: no other setting will help.");
}

void advise_copy(const figures& f, std::vector<std::string>& to) {
  const double own = f.copy.seconds > 0 ? (f.copy.cpu.engine_user + f.copy.cpu.engine_system) / f.copy.seconds : 0;
  if (f.lanes > 0 && own >= busy * f.lanes) {
    to.push_back("Sluice's threads are busy (" + percent(own / f.lanes) + " of " + std::to_string(f.lanes) +
                 (f.lanes == 1 ? " lane" : " lanes") + "): " + flag("--lanes", f.lanes + 1) + ".");
    return;
  }
  if (f.connections_used < f.lanes * f.connections) {
    to.push_back("The data set makes only " + std::to_string(f.connections_used) + " partitions for " +
                 std::to_string(f.lanes * f.connections) + " connections: measure again with more --documents.");
  } else {
    to.push_back("More batches under way: " + flag("--connections", 2 * f.connections) +
                 ", and --memory-mb if they wait " + "for memory.");
  }
  to.push_back("Look at what else runs on this machine, and on those of the servers, while it copies.");
}

std::vector<std::string> advice_for(limit l, const figures& f) {
  std::vector<std::string> advice;
  switch (l) {
    case limit::source:
      advise_source(f, advice);
      break;
    case limit::destination:
      advise_destination(f, advice);
      break;
    case limit::source_network:
      advise_network(f.source, f.source_network, f, false, advice);
      break;
    case limit::destination_network:
      advise_network(f.destination, f.destination_network, f, true, advice);
      break;
    case limit::copy:
      advise_copy(f, advice);
      break;
  }
  if (l != limit::destination) {
    if (auto indexes = indexes_advice(f); !indexes.empty()) advice.push_back(std::move(indexes));
  }
  return advice;
}

// --- the estimate ---

/// How far the slices of the copy lie apart, as the error of their mean.
double error_of_mean(const std::vector<point>& series) {
  if (series.size() < 3) return 0;
  double mean = 0;
  for (const point& p : series) mean += p.bytes_per_second;
  mean /= static_cast<double>(series.size());
  if (mean <= 0) return 0;
  double squares = 0;
  for (const point& p : series) squares += (p.bytes_per_second / mean - 1) * (p.bytes_per_second / mean - 1);
  return std::sqrt(squares / static_cast<double>(series.size() - 1) / static_cast<double>(series.size()));
}

std::optional<estimate> estimate_for(const figures& f, double bytes, std::optional<limit> l) {
  if (!f.copy.measured() || bytes <= 0) return {};
  estimate e;
  e.bytes = bytes;
  e.data_seconds = bytes / f.copy.bytes_per_second();
  if (f.index_seconds > 0 && f.data_bytes > 0 && f.data_documents > 1) {
    // Sorting: n log n.
    const double times = bytes / static_cast<double>(f.data_bytes);
    const double documents = static_cast<double>(f.data_documents);
    const double deeper = std::log2(std::max(2.0, documents * times)) / std::log2(std::max(2.0, documents));
    e.index_seconds = f.index_seconds * times * std::max(0.5, deeper);
  }
  e.seconds = e.data_seconds + e.index_seconds;
  const bool by_reading = l == limit::source || l == limit::source_network;
  const double drift = spread(by_reading ? f.source_read : f.destination_write) / 2;
  const double slices = error_of_mean(f.copy.series);
  e.spread = std::min(0.95, std::sqrt(spread_least * spread_least + drift * drift + slices * slices));
  return e;
}

std::vector<std::string> caveats_of(const figures& f, double estimate_bytes) {
  std::vector<std::string> caveats;
  if (!f.copy_is_whole) {
    caveats.emplace_back(
        "The copy was ended when its time was over: the figures are those of its beginning, and no "
        "indexes were built (--seconds allows more).");
  }
  const auto data = static_cast<double>(f.data_bytes);
  const auto cache = static_cast<double>(f.destination.cache_bytes);
  if (cache > 0 && data < cache && estimate_bytes > cache) {
    caveats.push_back("The data set (" + size_text(data) + ") fits into the destination's cache (" + size_text(cache) +
                      "), " + size_text(estimate_bytes) + " will not: a larger --documents tells more.");
  }
  if (f.connections_used > 0 && f.connections_used < f.lanes * f.connections) {
    caveats.push_back("The data set makes " + std::to_string(f.connections_used) +
                      (f.connections_used == 1 ? " partition" : " partitions") + ", so " +
                      std::to_string(f.connections_used) + " of " + std::to_string(f.lanes * f.connections) +
                      " connections were used.");
  }
  if (f.one_machine) {
    caveats.emplace_back("Source and destination run on one machine and share its cores: apart they would be faster.");
  }
  if (spread(f.destination_write) > 0.3) {
    caveats.push_back("Writing before and after the copy differed by " + percent(spread(f.destination_write)) +
                      ": something else was going on, measure again.");
  }
  return caveats;
}

}  // namespace

std::string_view to_string(limit l) noexcept {
  constexpr std::array<std::string_view, 5> names{"source", "network from the source", "destination",
                                                  "network to the destination", "copy"};
  return names[static_cast<std::size_t>(l)];
}

std::string_view kind_of(limit l) noexcept {
  constexpr std::array<std::string_view, 5> names{"source", "network", "destination", "network", "copy"};
  return names[static_cast<std::size_t>(l)];
}

verdict judge(const figures& f, double estimate_bytes) {
  verdict v;
  const way reading = way_of(f.source_read, f.source_network, f.source);
  const way writing = way_of(f.destination_write, f.destination_network, f.destination);
  v.limited_by = find_limit(f, reading, writing);
  if (v.limited_by) {
    const limit l = *v.limited_by;
    v.bytes_per_second = l == limit::copy                                   ? f.copy.bytes_per_second()
                         : l == limit::source || l == limit::source_network ? reading.reached
                                                                            : writing.reached;
    v.because = because(l, f, reading, writing);
    v.advice = advice_for(l, f);
  }
  v.time = estimate_for(f, estimate_bytes, v.limited_by);
  v.caveats = caveats_of(f, estimate_bytes);
  return v;
}

std::string time_text(double seconds) {
  if (seconds < 10) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f s", seconds);
    return text.data();
  }
  struct unit {
    std::int64_t seconds;
    const char* name;
  };
  constexpr std::array<unit, 4> units{{{86'400, "d"}, {3'600, "h"}, {60, "min"}, {1, "s"}}};
  for (std::size_t i = 0; i + 1 < units.size(); ++i) {
    if (seconds < static_cast<double>(units[i].seconds)) continue;
    // Two units, rounded to the smaller one.
    const std::int64_t small = units[i + 1].seconds;
    const std::int64_t whole = std::llround(seconds / static_cast<double>(small)) * small;
    const std::int64_t rest = whole % units[i].seconds / small;
    const std::string large = std::to_string(whole / units[i].seconds) + " " + units[i].name;
    return rest == 0 ? large : large + " " + std::to_string(rest) + " " + units[i + 1].name;
  }
  return std::to_string(std::llround(seconds)) + " s";
}

std::string estimate_text(const estimate& e) {
  return size_text(e.bytes) + " → " + time_text(e.seconds) + " ± " + percent(e.spread);
}

std::string size_text(double bytes) {
  constexpr std::array<const char*, 6> units{"B", "KB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < units.size()) {
    bytes /= 1000;
    ++unit;
  }
  std::array<char, 32> digits{};
  std::snprintf(digits.data(), digits.size(), "%.*f", unit == 0 || bytes >= 99.5 ? 0 : bytes >= 9.95 ? 1 : 2, bytes);
  std::string text = digits.data();
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return text + " " + units[unit];
}

}  // namespace sluice::measure
