#include "tests/lab/lag.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>
#include <vector>

#include "tests/lab/backlog.hpp"
#include "tests/lab/child_process.hpp"
#include "tests/lab/mongo.hpp"

namespace sluice::lab {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto probe_interval = 50ms;
constexpr auto look_again = 1ms;

double rank(const std::vector<double>& sorted, double share) {
  const auto at = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(at, 1, sorted.size()) - 1];
}

}  // namespace

measured_lag measure_lag(const std::string& source_uri, const std::string& destination_uri,
                         const lag_options& options) {
  const backlog_options what{.seed = options.seed};
  measured_lag found;
  std::thread writer(
      [&] { found.changes = write_at_rate(source_uri, what, options.changes_per_second, options.seconds); });
  client source(source_uri);
  client destination(destination_uri);
  std::vector<double> lags_ms;
  const auto end = clock::now() + std::chrono::duration<double>(options.seconds);
  bool lost = false;
  for (std::int64_t number = 0; clock::now() < end && !lost; ++number) {
    const auto next = clock::now() + probe_interval;
    source.run("backlog", R"({"insert": "probes", "documents": [{"_id": )" + std::to_string(number) +
                              R"(}], "writeConcern": {"w": 1}})");
    const auto written = clock::now();
    const std::string find = R"({"find": "probes", "filter": {"_id": )" + std::to_string(number) + "}}";
    while (!lost && destination.run("backlog", find).child("cursor.firstBatch").elements().empty()) {
      lost = clock::now() > written + 1min;
      std::this_thread::sleep_for(look_again);
    }
    lags_ms.push_back(std::chrono::duration<double, std::milli>(clock::now() - written).count());
    std::this_thread::sleep_until(next);
  }
  writer.join();
  if (lost) throw failure("a document did not arrive within a minute");
  std::ranges::sort(lags_ms);
  found.probes = lags_ms.size();
  found.p50_ms = rank(lags_ms, 0.5);
  found.p90_ms = rank(lags_ms, 0.9);
  found.p99_ms = rank(lags_ms, 0.99);
  found.max_ms = lags_ms.back();
  return found;
}

}  // namespace sluice::lab
