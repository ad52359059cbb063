#include "engine/cluster/query_settings.hpp"

#include <utility>

#include "engine/cluster/command_cursor.hpp"

namespace sluice::cluster {

namespace {

constexpr std::int32_t wire_version_of_8_0 = 25;

}  // namespace

task<result<std::int64_t>> count_query_settings(wire::connection& node) {
  if (node.hello().wire_version_max < wire_version_of_8_0) co_return 0;
  bson::builder command;
  command.append("aggregate", 1).open_array("pipeline");
  command.open_document("0").open_document("$querySettings").close().close();
  // Their queries may be large, and hold what users look for: only the number of them leaves the server.
  command.open_document("1").append("$count", "settings").close().close();
  command.open_document("cursor").close();
  bson::document aggregate = command.finish();
  SLUICE_CO_TRY(const auto counted, co_await run_cursor(node, "admin", std::move(aggregate)));
  if (counted.documents.empty()) co_return 0;  // a $count of nothing is no document
  const auto count = counted.documents.front().view().find("settings");
  co_return count ? count.to_int64().value_or(0) : 0;
}

std::string tell_query_settings_stay(std::int64_t count) {
  return "the source keeps settings for " + std::to_string(count) + (count == 1 ? " query" : " queries") +
         " (setQuerySettings), which are not migrated";
}

}  // namespace sluice::cluster
