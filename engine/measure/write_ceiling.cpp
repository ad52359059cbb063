#include <algorithm>
#include <atomic>

#include "bson/raw_array.hpp"
#include "engine/copy/collections.hpp"
#include "engine/measure/meter.hpp"
#include "engine/measure/steps.hpp"
#include "engine/wire/bulk_write.hpp"

namespace sluice::measure {

namespace {

/// What a probe writes, and its baseline as well: half a second of a small server.
constexpr std::int64_t probe_bytes = std::int64_t{48} << 20U;

/// wire::insert with the write concern that Sluice itself does not use.
task<result<wire::insert_outcome>> insert_majority(wire::connection& to, cluster::namespace_name ns,
                                                   bson::bytes_view documents) {
  bson::builder head;
  head.append("insert", ns.collection).append("ordered", false).append("bypassDocumentValidation", true);
  head.open_document("writeConcern").append("w", "majority").close();
  bson::document command = head.finish();
  SLUICE_CO_TRY(const auto answer, co_await to.run_with_array(ns.database, std::move(command), "documents", documents));
  wire::insert_outcome outcome;
  outcome.inserted = answer.body.find("n").to_int64().value_or(0);
  co_return outcome;
}

task<result<>> build_indexes(wire::connection& to, cluster::collection_info of) {
  if (of.indexes.empty()) co_return ok();
  bson::builder command;
  command.append("createIndexes", of.ns.collection).open_array("indexes");
  for (const auto& index : of.indexes) command.push(cluster::index_for_create(index, of));
  command.close();
  bson::document indexes = command.finish();
  SLUICE_CO_TRYV(co_await to.run(of.ns.database, std::move(indexes)));
  co_return ok();
}

struct piece {
  bson::bytes_view documents;
  std::int64_t count = 0;
  std::int64_t bytes = 0;
};

/// The batches, or each cut into several; `cut` owns the pieces of those.
std::vector<piece> pieces_of(const std::vector<held_batch>& batches, const write_options& options,
                             std::vector<held_batch>& cut) {
  const std::size_t most = options.batches_max == 0 ? batches.size() : std::min(options.batches_max, batches.size());
  std::vector<piece> pieces;
  for (std::size_t b = 0; b < most && options.pieces > 1; ++b) {
    const auto count = static_cast<std::size_t>(batches[b].count);
    for (std::size_t p = 0; p < options.pieces; ++p) {
      const std::size_t first = count * p / options.pieces;
      const std::size_t last = count * (p + 1) / options.pieces;
      auto part = first < last ? bson::slice(batches[b].documents, first, last) : std::nullopt;
      if (part) cut.push_back({std::move(*part), static_cast<std::int64_t>(last - first)});
    }
  }
  const std::vector<held_batch>& from = options.pieces > 1 ? cut : batches;
  const std::size_t end = options.pieces > 1 ? cut.size() : most;
  for (std::size_t i = 0; i < end; ++i) pieces.push_back({from[i].documents, from[i].count, from[i].bytes()});
  return pieces;
}

}  // namespace

task<result<step>> measure_write(bench& on, const source_plan& of, const std::vector<held_batch>& batches,
                                 write_options options) {
  step written{.name = "destination_write"};
  cluster::collection_info made = of.info;
  made.ns = {on.database, std::string(ceiling_collection)};
  SLUICE_CO_TRYV(co_await copy::create_collection(*on.to_destination, made));
  if (options.indexes_first) {
    SLUICE_CO_TRYV(co_await build_indexes(*on.to_destination, made));
  }
  const cluster::namespace_name into = made.data_ns();
  std::vector<held_batch> cut;
  const std::vector<piece> pieces = pieces_of(batches, options, cut);

  const auto before = co_await on.cpu();
  std::vector<meter> meters(options.workers, meter(steady::now()));
  std::atomic<std::size_t> next = 0;
  std::atomic<std::int64_t> wire_bytes = 0;
  // Connections first, so that the time of opening them is not counted.
  auto connect_then_write = [&](copy::worker& w, std::size_t number) -> task<result<>> {
    SLUICE_CO_TRY(w.to, co_await cluster::connect_primary(w.destination, w.scope, w.patience));
    const auto mine = steady::now();
    meters[number] = meter(mine);
    const auto deadline = mine + on.settings.step_time;
    for (std::size_t i = next++; i < pieces.size() && steady::now() < deadline; i = next++) {
      const piece& now = pieces[i];
      const auto since = steady::now();
      wire::insert_outcome done;
      if (options.majority) {
        SLUICE_CO_TRY(done, co_await insert_majority(*w.to, into, now.documents));
      } else {
        const wire::insert_options how{.bypass_empty_timestamp = w.destination.can.bypass_empty_timestamp,
                                       .by_majority = w.destination.is_written_by_majority()};
        SLUICE_CO_TRY(done, co_await wire::insert(*w.to, into.database, into.collection, now.documents, how));
      }
      if (done.inserted != now.count) {
        co_return failure(error_kind::server, "the destination took " + std::to_string(done.inserted) + " of " +
                                                  std::to_string(now.count) + " documents" +
                                                  (done.refused.empty() ? "" : ": " + done.refused.front().message));
      }
      meters[number].count(since, now.count, now.bytes);
    }
    wire_bytes += static_cast<std::int64_t>(w.to->transferred().sent_bytes);
    co_return ok();
  };
  SLUICE_CO_TRYV(
      co_await run_crew(on.control, on.crew(options.workers), on.source, on.destination, on.scope, connect_then_write));
  const auto after = co_await on.cpu();
  written.cpu = difference(before, after);
  merge(meters, written);
  written.wire_bytes = wire_bytes;
  SLUICE_CO_TRYV(co_await copy::drop_collection(*on.to_destination, made.ns));
  co_return written;
}

task<result<std::vector<probe>>> measure_probes(bench& on, const source_plan& of,
                                                const std::vector<held_batch>& batches) {
  std::size_t few = 0;
  std::int64_t bytes = 0;
  for (; few < batches.size() && bytes < probe_bytes; ++few) bytes += batches[few].bytes();
  const write_options baseline{.workers = on.workers(), .batches_max = few};
  struct wanted {
    std::string name;
    std::string what;
    write_options how;
  };
  std::vector<wanted> all;
  write_options how = baseline;
  how.workers = 2 * baseline.workers;
  how.pieces = 2;  // else the batches would not go round
  all.push_back({"connections",
                 std::to_string(how.workers) + " connections instead of " + std::to_string(baseline.workers), how});
  how = baseline;
  how.pieces = 4;
  all.push_back({"batch", "a quarter of the batch size", how});
  how = baseline;
  how.majority = true;
  all.push_back({"majority", "w: majority instead of w: 1", how});
  if (!of.info.indexes.empty()) {
    how = baseline;
    how.indexes_first = true;
    all.push_back({"indexes_first",
                   std::to_string(of.info.indexes.size()) + (of.info.indexes.size() == 1 ? " index" : " indexes") +
                       " there before the data",
                   how});
  }
  std::vector<probe> probes;
  for (const wanted& one : all) {
    probe measured{.name = one.name, .what = one.what};
    SLUICE_CO_TRY(const step first, co_await measure_write(on, of, batches, baseline));
    SLUICE_CO_TRY(const step changed, co_await measure_write(on, of, batches, one.how));
    SLUICE_CO_TRY(const step last, co_await measure_write(on, of, batches, baseline));
    measured.baseline_bytes_per_second = (first.bytes_per_second() + last.bytes_per_second()) / 2;
    measured.bytes_per_second = changed.bytes_per_second();
    probes.push_back(std::move(measured));
  }
  co_return probes;
}

}  // namespace sluice::measure
