// Values handed from one coroutine to another.
#include <cstdlib>
#include <memory>
#include <vector>

#include "bench/hot_path.hpp"
#include "bench/one_lane.hpp"
#include "engine/runtime/bounded_stream.hpp"

namespace sluice::bench {

namespace {

constexpr std::size_t values_a_round = 1000;
using payload = std::unique_ptr<std::size_t>;
using stream = runtime::bounded_stream<payload>;

task<void> produce(stream& into, std::vector<payload>& values) {
  for (payload& one : values) {
    const bool wanted = co_await into.push(std::move(one));
    if (!wanted) std::abort();
  }
  into.close();
}

/// Values go back to where they came from: nothing is allocated that the stream does not allocate.
task<void> consume(stream& from, std::vector<payload>& values) {
  for (payload& place : values) {
    auto one = co_await from.pop();
    if (!one) std::abort();
    place = *std::move(one);
  }
}

round hand_on(std::size_t capacity) {
  struct state {
    one_lane lane;
    runtime::cancel_scope scope;
    std::vector<payload> values;
  };
  auto kept = std::make_shared<state>();
  for (std::size_t n = 0; n < values_a_round; ++n) kept->values.push_back(std::make_unique<std::size_t>(n));
  return [kept, capacity] {
    stream between(kept->lane.executor(), capacity, kept->scope);
    std::vector<payload>& values = kept->values;
    kept->lane.run(produce(between, values), consume(between, values));
    return round_work{values_a_round, 0};
  };
}

}  // namespace

void add_stream(hot_paths& to) {
  to.push_back({"stream/one_at_a_time", [] { return hand_on(1); }});
  to.push_back({"stream/sixteen_at_a_time", [] { return hand_on(16); }});
}

}  // namespace sluice::bench
