// Comparing both sides: two streams of batches that agree, and documents that change and are looked at again.
#include <benchmark/benchmark.h>

#include "bench/documents.hpp"
#include "bench/hot_path.hpp"
#include "engine/verify/recheck_list.hpp"
#include "engine/verify/side_by_side.hpp"

namespace sluice::bench {

namespace {

constexpr std::size_t documents_a_batch = 2400;
constexpr std::size_t documents_a_round = 1000;

/// The same documents in memory of their own, as a cursor hands them over.
struct two_batches {
  std::vector<std::byte> source, destination;

  explicit two_batches(std::size_t documents) {
    const bson::document array = lim_array(documents);
    source.assign(array.bytes().begin(), array.bytes().end());
    destination = source;
  }
  static wire::batch batch_of(std::vector<std::byte>& memory) {
    wire::batch one;
    one.documents = memory;
    return one;
  }
};

round compare_batches() {
  return [of = std::make_shared<two_batches>(documents_a_batch)] {
    verify::side_by_side both;
    std::vector<bson::document> doubtful;
    const auto source = both.add(verify::side::source, two_batches::batch_of(of->source));
    const auto destination = both.add(verify::side::destination, two_batches::batch_of(of->destination));
    both.end(verify::side::source);
    both.end(verify::side::destination);
    const auto wanted = both.compare(doubtful);
    if (!source || !destination || !wanted || wanted.value() || !doubtful.empty()) std::abort();
    return round_work{documents_a_batch, of->source.size()};
  };
}

/// A change is noted, its turn comes, both sides are the same.
round change_and_look() {
  std::vector<bson::document> ids;
  for (std::size_t n = 0; n < documents_a_round; ++n) {
    bson::builder id;
    id.append("_id", static_cast<std::int64_t>(scrambled(n)));
    ids.push_back(id.finish());
  }
  return [ids = std::move(ids), list = std::make_shared<verify::recheck_list>()] {
    using clock = verify::recheck_list::clock;
    const clock::time_point begin{};
    const clock::time_point later = begin + std::chrono::seconds(2);
    for (const auto& id : ids) {
      if (!list->add(1, id, begin)) std::abort();
    }
    const auto due = list->take(later, ids.size());
    const verify::look seen{{1, 2, true}, {1, 2, true}, {}, {}};
    for (const auto& id : due->ids) benchmark::DoNotOptimize(list->answer(1, id, seen, later));
    return round_work{ids.size(), 0};
  };
}

}  // namespace

void add_verify(hot_paths& to) {
  to.push_back({"verify/side_by_side", compare_batches});
  to.push_back({"verify/change_and_look", change_and_look});
}

}  // namespace sluice::bench
