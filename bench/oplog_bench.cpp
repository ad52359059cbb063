// From an oplog reply to changes: what the tail does to each entry, and what the reader does to each captured one.
#include <cstdlib>
#include <memory>

#include <benchmark/benchmark.h>

#include "bench/hot_path.hpp"
#include "bench/one_lane.hpp"
#include "bench/oplog_entries.hpp"
#include "bson/bytes.hpp"
#include "bson/raw_array.hpp"
#include "engine/capture/change_reader.hpp"
#include "engine/capture/chunk_builder.hpp"
#include "engine/capture/entry_filter.hpp"
#include "engine/capture/oplog_entry.hpp"

namespace sluice::bench {

namespace {

constexpr std::uint32_t entries_a_round = 2000;

round read_entries() {
  return [chunk = mixed_chunk(entries_a_round)] {
    const bson::bytes_view all(chunk->entries);
    for (std::size_t at = 0; at < all.size();) {
      const bson::document_view entry(all.data() + at);
      benchmark::DoNotOptimize(must(capture::read_entry(entry)));
      at += entry.size_bytes();
    }
    return round_work{chunk->count, all.size()};
  };
}

/// A reply's entries judged, and those that are wanted collected.
round capture_reply(cluster::namespace_filter filter) {
  bson::builder array;
  for (std::uint64_t n = 0; n < entries_a_round; ++n) array.push(mixed_entry(n));
  auto judge = std::make_shared<capture::entry_filter>(std::move(filter));
  return [judge, reply = array.finish()] {
    capture::chunk_builder chunk;
    chunk.expect(reply.bytes().size());
    bson::raw_array_walk walk(reply.bytes());
    while (const auto entry = walk.next()) {
      const capture::entry_verdict verdict = must(judge->judge(*entry));
      chunk.seen(verdict.at.at);
      if (verdict.wanted) chunk.add(*entry, verdict.at);
    }
    if (walk.fault() || walk.count() != entries_a_round) std::abort();
    benchmark::DoNotOptimize(chunk.take({}));
    return round_work{walk.count(), reply.bytes().size()};
  };
}

/// A reader's times never go back, so every round has its own.
round read_changes() {
  return [chunk = mixed_chunk(entries_a_round)] {
    capture::change_reader reader({});
    reader.give(chunk);
    std::size_t changes = 0;
    while (const auto change = must(reader.next())) {
      benchmark::DoNotOptimize(change->o);
      ++changes;
    }
    if (changes != entries_a_round) std::abort();
    return round_work{changes, chunk->entries.size()};
  };
}

}  // namespace

void add_oplog(hot_paths& to) {
  to.push_back({"oplog/read_entry", read_entries});
  to.push_back({"oplog/capture_all", [] { return capture_reply({}); }});
  to.push_back({"oplog/capture_none", [] { return capture_reply({.include = {"other"}, .exclude = {}}); }});
  to.push_back({"oplog/read_changes", read_changes});
}

}  // namespace sluice::bench
