#include <algorithm>
#include <utility>

#include "engine/assess/reading.hpp"
#include "engine/measure/server.hpp"
#include "engine/plan/partitioner.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/wire/cursor.hpp"

namespace sluice::assess {

namespace {

using clock = std::chrono::steady_clock;
using cluster::collection_info;

/// Below this a collection fits into any cache, in whatever order it is read.
constexpr std::int64_t bytes_worth_a_look = 8LL << 20;
constexpr std::size_t collections_looked_at_max = 10;
constexpr std::int32_t sample_size = 100;
/// Of fewer documents the server reads all to sample some.
constexpr std::int64_t documents_min = sample_size * 22;
constexpr auto sampling_time_max = std::chrono::seconds(3);

constexpr auto probe_time = std::chrono::milliseconds(400);
constexpr std::int64_t probe_bytes_min = 1LL << 20;

/// The largest first.
std::vector<const collection_info*> largest_of(const cluster::catalog& catalog) {
  std::vector<const collection_info*> found;
  for (const auto& info : catalog.collections) {
    if (info.kind == cluster::collection_kind::plain && info.data_bytes >= bytes_worth_a_look) found.push_back(&info);
  }
  std::ranges::stable_sort(found, std::ranges::greater{}, &collection_info::data_bytes);
  return found;
}

task<std::optional<double>> correlation_of(wire::connection& source, const collection_info& info) {
  auto sampled = co_await plan::sample_records(source, info.ns, sample_size);
  if (!sampled) co_return std::nullopt;
  std::vector<sampled_record> records;
  for (auto& one : sampled.value()) {
    const auto number = one.token.view().find("$recordId").to_int64();
    if (number) records.push_back({.record = *number, .id = std::move(one.id)});
  }
  co_return order_correlation(std::move(records));
}

}  // namespace

task<data_facts> read_data(wire::connection& source, const cluster::deployment of, const cluster::catalog& catalog) {
  data_facts facts;
  facts.stored_order = of.can.natural_resume;
  if (facts.stored_order) {
    const auto identity = co_await cluster::read_data_identity(source);
    facts.stored_order = identity && !identity.value().empty();
  }
  const bool shows_records = !source.hello().is_mongos;
  const auto deadline = clock::now() + sampling_time_max;
  for (const collection_info* info : largest_of(catalog)) {
    if (!shows_records || facts.looked_at.size() == collections_looked_at_max || clock::now() >= deadline) break;
    if (info->documents < documents_min) continue;
    const auto correlation = co_await correlation_of(source, *info);
    if (!correlation) continue;
    facts.looked_at.push_back({.ns = info->ns.to_string(),
                               .correlation = *correlation,
                               .bytes = static_cast<double>(info->data_bytes),
                               .documents = static_cast<double>(info->documents)});
  }
  co_return facts;
}

task<std::optional<double>> probe_reading(boost::asio::any_io_executor lane, const cluster::deployment source,
                                          const cluster::catalog& catalog, runtime::cancel_scope& scope) {
  const auto largest = largest_of(catalog);
  if (largest.empty()) co_return std::nullopt;
  const collection_info& info = *largest.front();
  auto opened = co_await wire::connection::open(source.uri, source.primary, scope);
  if (!opened) co_return std::nullopt;
  runtime::buffer_pool pool(lane, limits::lane_memory_min_bytes);
  std::int64_t bytes = 0;
  auto begin = clock::now();
  {
    wire::cursor_options options;
    options.batch_documents = plan::batch_documents_for(info.average_document_bytes);
    options.exhaust = source.can.exhaust_cursors;
    options.reply_within = answer_time_max;
    wire::cursor reading(*opened.value(), pool, info.ns.database, options);
    bson::builder find;
    find.append("find", info.ns.collection).open_document("hint").append("$natural", 1).close();
    bson::document command = find.finish();
    const auto begun = co_await reading.open(std::move(command));
    if (!begun) co_return std::nullopt;
    const auto deadline = clock::now() + probe_time;
    while (clock::now() < deadline) {
      auto batch = co_await reading.next();
      if (!batch || !batch.value()) break;
      bytes += static_cast<std::int64_t>(batch.value()->documents.size());
    }
    co_await reading.abandon();
  }
  const double seconds = std::chrono::duration<double>(clock::now() - begin).count();
  if (bytes < probe_bytes_min) co_return std::nullopt;
  co_return static_cast<double>(bytes) / seconds;
}

}  // namespace sluice::assess
