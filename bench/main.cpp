// The program around the hot paths: times them with Google Benchmark, or runs them for perf/gate, which counts.
//
//   sluice-bench --benchmark_filter=window          every flag of Google Benchmark
//   sluice-bench --list                             the paths that can be counted, one a line
//   sluice-bench --made-by                          compiler and processor: instructions of others do not compare
//   valgrind --tool=callgrind --instr-atstart=no sluice-bench --count oplog
//
// With SLUICE_BENCH_SLOWDOWN in the environment every fifth round is worked through twice and counted once: the
// slowdown by a fifth that perf/gate must notice.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>
#include <valgrind/callgrind.h>

#include "bench/allocations.hpp"
#include "bench/hot_path.hpp"

namespace sluice::bench {
namespace {

constexpr int slow_every = 5;
/// Fill what is kept between rounds.
constexpr int warm_rounds = 3;
/// A multiple of slow_every, so that the slowdown is exactly a fifth.
constexpr int counted_rounds = 5;

#if defined(__clang__)
constexpr const char* compiler = __VERSION__;
#else
constexpr const char* compiler = "g++ " __VERSION__;
#endif

/// xxHash chooses its code by the processor; under valgrind AVX2 is the most there is.
const char* processor() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") != 0 ? "x86-64 with AVX2" : "x86-64 without AVX2";
#else
  return "another architecture than x86-64";
#endif
}

hot_paths all_paths() {
  hot_paths all;
  add_bson(all);
  add_id_key(all);
  add_op_msg(all);
  add_batch(all);
  add_stream(all);
  add_buffer_pool(all);
  add_oplog(all);
  add_window(all);
  add_spool(all);
  add_checksum(all);
  add_verify(all);
  return all;
}

round make_warm(const hot_path& path, bool slow) {
  round once = path.make_ready();
  for (int warm = 0; warm < warm_rounds; ++warm) once();
  if (!slow) return once;
  return [once, number = 0]() mutable {
    if (++number % slow_every == 0) once();
    return once();
  };
}

void measure(benchmark::State& state, const hot_path& path, bool slow) {
  const round once = make_warm(path, slow);
  round_work sum;
  const std::uint64_t before = allocations();
  for ([[maybe_unused]] const auto each : state) {
    const round_work done = once();
    sum.items += done.items;
    sum.bytes += done.bytes;
  }
  const auto items = static_cast<double>(sum.items);
  state.counters["allocations/item"] = static_cast<double>(allocations() - before) / items;
  state.counters["s/item"] = benchmark::Counter(items, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetItemsProcessed(static_cast<std::int64_t>(sum.items));
  state.SetBytesProcessed(static_cast<std::int64_t>(sum.bytes));
}

/// Callgrind writes what it counted into a file that carries the path's name; the rest goes to the output.
void count(const hot_path& path, bool slow) {
  const round once = make_warm(path, slow);
  round_work sum;
  const std::uint64_t before = allocations();
  CALLGRIND_START_INSTRUMENTATION;
  for (int each = 0; each < counted_rounds; ++each) {
    const round_work done = once();
    sum.items += done.items;
    sum.bytes += done.bytes;
  }
  CALLGRIND_STOP_INSTRUMENTATION;
  const std::uint64_t taken = allocations() - before;
  CALLGRIND_DUMP_STATS_AT(path.name.c_str());
  std::printf(R"({"path": "%s", "items": %zu, "bytes": %zu, "allocations": %llu})"
              "\n",
              path.name.c_str(), sum.items, sum.bytes, static_cast<unsigned long long>(taken));
}

int count_group(const hot_paths& all, std::string_view group, bool slow) {
  bool any = false;
  for (const hot_path& path : all) {
    if (!path.counted || !std::string_view(path.name).starts_with(std::string(group) + "/")) continue;
    count(path, slow);
    any = true;
  }
  if (any) return 0;
  std::fprintf(stderr, "sluice-bench: no path of group %s can be counted; --list shows them\n",
               std::string(group).c_str());
  return 1;
}

int run(std::span<char*> arguments) {
  const hot_paths all = all_paths();
  const bool slow = std::getenv("SLUICE_BENCH_SLOWDOWN") != nullptr;
  if (arguments.size() == 2 && std::string_view(arguments[1]) == "--list") {
    for (const hot_path& path : all)
      if (path.counted) std::printf("%s\n", path.name.c_str());
    return 0;
  }
  if (arguments.size() == 2 && std::string_view(arguments[1]) == "--made-by") {
    std::printf("%s, %s\n", compiler, processor());
    return 0;
  }
  if (arguments.size() == 3 && std::string_view(arguments[1]) == "--count") {
    return count_group(all, arguments[2], slow);
  }
  int left = static_cast<int>(arguments.size());
  benchmark::Initialize(&left, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(left, arguments.data())) return 2;
  for (const hot_path& path : all) {
    auto* const registered = benchmark::RegisterBenchmark(path.name.c_str(), measure, path, slow);
    if (!path.counted) registered->UseRealTime();  // part of the work is another thread's
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argument_count, char** arguments) {
  return sluice::bench::run({arguments, static_cast<std::size_t>(argument_count)});
}
