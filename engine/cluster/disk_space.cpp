#include "engine/cluster/disk_space.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "engine/cluster/catalog.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::cluster {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t databases_max = 200;
constexpr auto time_max = std::chrono::seconds(3);
constexpr std::int64_t question_ms_max = 2'000;
constexpr auto answer_time_max = std::chrono::milliseconds(8'000);

double number_of(bson::element_view element) noexcept {
  if (!element) return 0;
  if (const auto real = element.as_double()) return *real;
  return static_cast<double>(element.to_int64().value_or(0));
}

bson::document db_stats() {
  bson::builder command;
  command.append("dbStats", 1).append("maxTimeMS", question_ms_max);
  return command.finish();
}

bson::document oplog_stats() {
  bson::builder command;
  command.append("aggregate", "oplog.rs").open_array("pipeline");
  command.open_document("0").open_document("$collStats").open_document("storageStats").close().close().close();
  command.open_document("1").open_document("$project");
  command.append("storageStats.size", 1).append("storageStats.maxSize", 1).close().close();
  command.close().open_document("cursor").close().append("maxTimeMS", question_ms_max);
  return command.finish();
}

std::string megabytes(double bytes) {
  return std::to_string(static_cast<std::int64_t>(bytes / 1e6)) + " MB";
}

}  // namespace

disk_demand demand_on(const disk_space& there, const stored_sizes& of) noexcept {
  double oplog = of.data_bytes;
  if (there.oplog_bytes_max) {
    oplog = std::min(oplog, std::max(0.0, *there.oplog_bytes_max - there.oplog_bytes.value_or(0)));
  }
  return {.data_bytes = of.data_bytes, .index_bytes = of.index_bytes, .oplog_bytes = oplog};
}

task<result<disk_space>> read_disk_space(wire::connection& node) {
  disk_space space;
  bson::document command = db_stats();
  SLUICE_CO_TRY(const auto stats, co_await node.run("admin", std::move(command), answer_time_max));
  const auto total = stats.body.find("fsTotalSize");
  const auto used = stats.body.find("fsUsedSize");
  if (total && used) space.free_bytes = number_of(total) - number_of(used);
  if (node.hello().is_mongos) co_return space;
  bson::document of_oplog = oplog_stats();
  const auto oplog = co_await node.run("local", std::move(of_oplog), answer_time_max);
  const auto told = oplog ? oplog.value().body.at("cursor", "firstBatch", "0", "storageStats") : bson::element_view{};
  if (const auto sizes = told ? told.as_document() : std::nullopt) {
    if (sizes->find("size")) space.oplog_bytes = number_of(sizes->find("size"));
    if (sizes->find("maxSize")) space.oplog_bytes_max = number_of(sizes->find("maxSize"));
  }
  co_return space;
}

task<result<std::optional<stored_sizes>>> read_stored_sizes(wire::connection& source, const catalog& of) {
  std::map<std::string, double> taken;
  for (const auto& info : of.collections) taken[info.ns.database] += static_cast<double>(info.data_bytes);
  if (taken.size() > databases_max) co_return std::nullopt;
  const auto deadline = clock::now() + time_max;
  stored_sizes sizes;
  for (const auto& [database, bytes] : taken) {
    if (clock::now() >= deadline) co_return std::nullopt;
    bson::document command = db_stats();
    SLUICE_CO_TRY(const auto stats, co_await source.run(database, std::move(command), answer_time_max));
    const double whole = number_of(stats.body.find("dataSize"));
    const double part = whole > 0 ? std::min(1.0, bytes / whole) : 1;
    sizes.data_bytes += part * number_of(stats.body.find("storageSize"));
    sizes.index_bytes += part * number_of(stats.body.find("indexSize"));
  }
  co_return sizes;
}

result<> check_disk_space(const disk_space& there, const stored_sizes& of) {
  const double needed = demand_on(there, of).whole_bytes();
  if (!there.free_bytes || needed <= *there.free_bytes) return ok();
  return failure(error_kind::refused, "the destination has " + megabytes(*there.free_bytes) +
                                          " of free disk, and the data, its indexes and the destination's own oplog "
                                          "will take " +
                                          megabytes(needed) + " there: make room, or migrate less");
}

}  // namespace sluice::cluster
