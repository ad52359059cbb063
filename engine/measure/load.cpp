#include <algorithm>
#include <atomic>

#include "bson/raw_array.hpp"
#include "engine/copy/collections.hpp"
#include "engine/copy/partition_reader.hpp"
#include "engine/measure/reading.hpp"
#include "engine/measure/steps.hpp"
#include "engine/plan/partitioner.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/wire/bulk_write.hpp"

namespace sluice::measure {

namespace {

constexpr wire::insert_options plain;

/// Everything that was sent must be there: a bench of half a data set tells nothing.
result<> complete(const wire::insert_outcome& outcome, std::int64_t sent) {
  if (outcome.inserted == sent) return ok();
  const std::string cause = outcome.refused.empty() ? "" : ": " + outcome.refused.front().message;
  return failure(error_kind::server, "the server took " + std::to_string(outcome.inserted) + " of " +
                                         std::to_string(sent) + " documents" + cause);
}

task<result<>> generate(bench& on, std::function<void(std::int64_t)> tell) {
  const data_set data(on.settings.data);
  bson::document create = data.create_command(documents_collection);
  SLUICE_CO_TRYV(co_await on.to_source->run(on.database, std::move(create)));
  const std::string collection(documents_collection);
  std::atomic<std::int64_t> next = 0;
  const std::int64_t at_once = data.batch_documents();
  const std::int64_t documents = data.options().documents;
  auto insert_all = [&](copy::worker& w, std::size_t) -> task<result<>> {
    SLUICE_CO_TRY(w.from, co_await cluster::connect_primary(w.source, w.scope, w.patience));
    for (;;) {
      const std::int64_t first = next.fetch_add(at_once);
      if (first >= documents) co_return ok();
      const std::int64_t count = std::min(at_once, documents - first);
      const bson::document batch = data.batch(first, count);
      SLUICE_CO_TRY(const auto done, co_await wire::insert(*w.from, on.database, collection, batch.bytes(), plain));
      SLUICE_CO_TRYV(complete(done, count));
      tell((first + count) * data.options().document_bytes);
    }
  };
  SLUICE_CO_TRYV(co_await run_crew(on.control, on.crew(on.workers()), on.source, on.destination, on.scope, insert_all));
  auto indexes = data.index_command(documents_collection);
  if (indexes) {
    SLUICE_CO_TRYV(co_await on.to_source->run(on.database, std::move(*indexes)));
  }
  co_return ok();
}

/// The options and as many indexes as are wanted of a collection, under the bench's name.
task<result<>> take(bench& on, std::function<void(std::int64_t)> tell) {
  const auto ns = cluster::parse_namespace(on.settings.from);
  const cluster::namespace_name& wanted_ns = *ns;
  SLUICE_CO_TRY(const source_plan original, co_await plan_source(on, wanted_ns));
  cluster::collection_info made = original.info;
  made.ns = {on.database, std::string(documents_collection)};
  SLUICE_CO_TRYV(co_await copy::create_collection(*on.to_source, made));
  const cluster::namespace_name into = made.data_ns();

  std::atomic<std::size_t> next = 0;
  std::atomic<std::int64_t> documents = 0;
  std::atomic<std::int64_t> bytes = 0;
  const std::int64_t wanted = on.settings.data.documents;
  auto copy_all = [&](copy::worker& w, std::size_t) -> task<result<>> {
    SLUICE_CO_TRY(w.to, co_await cluster::connect_primary(w.source, w.scope, w.patience));
    for (std::size_t i = next++; i < original.partitions.size() && documents < wanted; i = next++) {
      on_batch each = [&](std::span<std::byte> array) -> task<result<bool>> {
        bson::raw_array_walk walk(array);
        while (walk.next()) {
        }
        const auto all = static_cast<std::int64_t>(walk.count());
        const std::int64_t room = wanted - documents.fetch_add(all);
        if (room <= 0) co_return false;
        const std::int64_t count = std::min(all, room);
        const auto cut = count == all ? array : bson::cut_at(array, walk_offset(array, count));
        SLUICE_CO_TRY(const auto done, co_await wire::insert(*w.to, into.database, into.collection, cut, plain));
        SLUICE_CO_TRYV(complete(done, count));
        tell(bytes += static_cast<std::int64_t>(cut.size()));
        co_return room > all;
      };
      SLUICE_CO_TRYV(co_await read_batches(w, original.partitions[i], each));
    }
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await run_crew(on.control, on.crew(on.workers()), on.source, on.source, on.scope, copy_all));
  if (made.indexes.empty() || on.settings.data.indexes == 0) co_return ok();
  bson::builder command;
  command.append("createIndexes", made.ns.collection).open_array("indexes");
  const auto count = std::min(made.indexes.size(), static_cast<std::size_t>(on.settings.data.indexes));
  for (std::size_t i = 0; i < count; ++i) command.push(cluster::index_for_create(made.indexes[i], made));
  command.close();
  bson::document indexes = command.finish();
  SLUICE_CO_TRYV(co_await on.to_source->run(on.database, std::move(indexes)));
  co_return ok();
}

}  // namespace

std::int64_t held_batch::bytes() const {
  const auto overhead = bson::array_overhead_bytes(static_cast<std::size_t>(count));
  return static_cast<std::int64_t>(documents.size()) - static_cast<std::int64_t>(overhead);
}

task<result<>> load_source(bench& on, std::function<void(std::int64_t)> tell) {
  if (on.settings.from.empty()) co_return co_await generate(on, std::move(tell));
  co_return co_await take(on, std::move(tell));
}

task<result<source_plan>> plan_source(bench& on, cluster::namespace_name ns) {
  source_plan made;
  const cluster::namespace_filter filter{.include = {ns.to_string()}, .exclude = {}};
  SLUICE_CO_TRY(auto catalog, co_await cluster::read_catalog(*on.to_source, filter, true));
  if (catalog.collections.empty() || catalog.collections.front().kind == cluster::collection_kind::view) {
    co_return failure(error_kind::refused, "there is no collection " + ns.to_string() + " on the source " +
                                               on.source.name() + ". Nothing was written");
  }
  made.info = std::move(catalog.collections.front());
  plan::partitioning how;
  how.partition_bytes = plan::partition_bytes_for(made.info.data_bytes, on.workers());
  if (on.source.can.natural_resume) {
    how.node = on.to_source->host();
    SLUICE_CO_TRY(how.data_identity, co_await cluster::read_data_identity(*on.to_source));
  }
  SLUICE_CO_TRY(made.partitions, co_await plan::cut(*on.to_source, made.info, how, on.source.can));
  co_return made;
}

task<result<std::vector<held_batch>>> hold_batches(bench& on, const source_plan& of, std::size_t bytes_max) {
  std::vector<held_batch> held;
  std::size_t bytes = 0;
  auto read = [&](copy::worker& w, std::size_t) -> task<result<>> {
    on_batch each = [&](std::span<std::byte> array) -> task<result<bool>> {
      held_batch one;
      one.documents.assign(array.begin(), array.end());
      bson::raw_array_walk walk(array);
      while (walk.next()) ++one.count;
      bytes += one.documents.size();
      held.push_back(std::move(one));
      co_return bytes < bytes_max;
    };
    for (const plan::partition& partition : of.partitions) {
      if (bytes >= bytes_max) break;
      SLUICE_CO_TRYV(co_await read_batches(w, partition, each));
    }
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await run_crew(on.control, on.crew(1), on.source, on.destination, on.scope, read));
  if (held.empty()) co_return failure(error_kind::refused, of.info.ns.to_string() + " is empty: nothing to measure");
  co_return held;
}

}  // namespace sluice::measure
