// What a change costs between the spool and the write command: add() and finish() of windows of 20,000 changes, in
// memory that earlier windows have left. Reports allocations a change beside the time of one.
//
//   ninja window_bench && bench/window_bench --benchmark_counters_tabular=true     (a release build)
#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "bson/bytes.hpp"
#include "bson/document.hpp"
#include "engine/apply/window.hpp"

namespace {

std::atomic<std::uint64_t> allocations{0};

}  // namespace

void* operator new(std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* const taken = std::malloc(bytes)) return taken;
  throw std::bad_alloc();
}
void operator delete(void* taken) noexcept {
  std::free(taken);
}
void operator delete(void* taken, std::size_t) noexcept {
  std::free(taken);
}

namespace sluice::apply {
namespace {

constexpr std::size_t changes_per_window = 20'000;

/// A window's entries, as a chunk of the spool holds them.
class recorded {
 public:
  void add(capture::change_kind kind, bson::document_view o, bson::document_view o2 = {}) {
    bson::builder whole;
    whole.append("ns", "shop.orders").append("o", o).append("o2", o2);
    entries_->push_back(whole.finish());
    const bson::document_view view = entries_->back().view();
    capture::change one;
    one.kind = kind;
    one.ns = "shop.orders";
    one.o = *view.find("o").as_document();
    one.o2 = *view.find("o2").as_document();
    one.whole = view;
    changes.push_back(one);
  }
  [[nodiscard]] std::shared_ptr<const void> owner() const { return entries_; }

  std::vector<capture::change> changes;

 private:
  std::shared_ptr<std::vector<bson::document>> entries_ = std::make_shared<std::vector<bson::document>>();
};

[[nodiscard]] std::uint64_t scrambled(std::uint64_t n) {
  n = (n ^ (n >> 31)) * 0x9E3779B97F4A7C15;
  return n ^ (n >> 29);
}

[[nodiscard]] bson::document object_id(std::uint64_t n) {
  bson::object_id id;
  bson::store(id.bytes, scrambled(n));
  bson::builder made;
  made.append("_id", id);
  return made.finish();
}

void insert(recorded& to, std::uint64_t n) {
  bson::builder o;
  o.append_all(object_id(n)).append("customer", static_cast<std::int64_t>(n)).append("text", std::string(180, 'x'));
  to.add(capture::change_kind::insert, o.finish());
}
void set(recorded& to, std::uint64_t n) {
  bson::builder o;
  o.append("$v", 2).open_document("diff").open_document("u");
  o.append("count", static_cast<std::int32_t>(n)).append("state", "on its way").close().close();
  to.add(capture::change_kind::update, o.finish(), object_id(n));
}
void push(recorded& to, std::uint64_t n) {
  bson::builder o;
  o.append("$v", 2).open_document("diff").open_document("sitems").append("a", true);
  o.append("u7", "an item").close().close();
  to.add(capture::change_kind::update, o.finish(), object_id(n));
}
void set_by_path(recorded& to, std::uint64_t n) {
  bson::builder o;
  o.append("$v", 1)
      .open_document("$set")
      .append("count", static_cast<std::int32_t>(n))
      .append("where.now", "x")
      .close();
  to.add(capture::change_kind::update, o.finish(), object_id(n));
}
void remove(recorded& to, std::uint64_t n) {
  to.add(capture::change_kind::remove, object_id(n));
}

void measure(benchmark::State& state, const recorded& entries) {
  const auto to = std::make_shared<const target>(target{{"shop", "orders"}, false, false});
  const std::shared_ptr<const void> owner = entries.owner();
  window open;
  const auto once = [&] {
    for (const capture::change& one : entries.changes) {
      if (!open.add(one, to, owner)) std::abort();
    }
    return open.finish();
  };
  for (int warm = 0; warm < 3; ++warm) benchmark::DoNotOptimize(once());
  const std::uint64_t before = allocations.load();
  std::uint64_t writes = 0;
  for ([[maybe_unused]] const auto round : state) writes = once().writes;
  const auto changes = static_cast<double>(state.iterations()) * static_cast<double>(entries.changes.size());
  state.counters["allocations/change"] = static_cast<double>(allocations.load() - before) / changes;
  state.counters["writes/change"] = static_cast<double>(writes) / static_cast<double>(entries.changes.size());
  state.counters["s/change"] = benchmark::Counter(changes, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

template <class Make>
void measure_each(benchmark::State& state, Make make) {
  recorded entries;
  for (std::uint64_t n = 0; n < changes_per_window; ++n) make(entries, n);
  measure(state, entries);
}

void inserts(benchmark::State& state) {
  measure_each(state, insert);
}
void sets(benchmark::State& state) {
  measure_each(state, set);
}
void sets_of_100_documents(benchmark::State& state) {
  measure_each(state, [](recorded& to, std::uint64_t n) { set(to, n % 100); });
}
void pushes(benchmark::State& state) {
  measure_each(state, push);
}
void pushes_to_100_documents(benchmark::State& state) {
  measure_each(state, [](recorded& to, std::uint64_t n) { push(to, n % 100); });
}
void removes(benchmark::State& state) {
  measure_each(state, remove);
}
void paths_4_4(benchmark::State& state) {
  measure_each(state, set_by_path);
}
/// 40 % inserts, 45 % $set, 8 % $push, 7 % removes, of documents seen lately.
void mixed(benchmark::State& state) {
  measure_each(state, [](recorded& to, std::uint64_t n) {
    const std::uint64_t kind = scrambled(n) % 100;
    const std::uint64_t some = scrambled(n + 7) % (n + 1);
    if (kind < 40) return insert(to, n);
    if (kind < 85) return set(to, some);
    if (kind < 93) return push(to, some);
    remove(to, n + changes_per_window);
  });
}

BENCHMARK(inserts)->Unit(benchmark::kMillisecond);
BENCHMARK(sets)->Unit(benchmark::kMillisecond);
BENCHMARK(sets_of_100_documents)->Unit(benchmark::kMillisecond);
BENCHMARK(pushes)->Unit(benchmark::kMillisecond);
BENCHMARK(pushes_to_100_documents)->Unit(benchmark::kMillisecond);
BENCHMARK(removes)->Unit(benchmark::kMillisecond);
BENCHMARK(paths_4_4)->Unit(benchmark::kMillisecond);
BENCHMARK(mixed)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sluice::apply

BENCHMARK_MAIN();
