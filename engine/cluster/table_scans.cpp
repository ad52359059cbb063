#include "engine/cluster/table_scans.hpp"

#include <utility>

#include "engine/cluster/document_filter.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::cluster {

task<std::optional<bool>> read_no_table_scan(wire::connection& node) {
  if (node.hello().is_mongos) co_return std::nullopt;
  bson::builder command;
  command.append("getParameter", 1).append("notablescan", 1);
  bson::document get_parameter = command.finish();
  const auto answer = co_await node.run("admin", std::move(get_parameter));
  const auto value = answer ? answer.value().body.find("notablescan") : bson::element_view{};
  if (!value) co_return std::nullopt;
  co_return value.to_bool();
}

result<> check_table_scans(const std::optional<bool>& no_table_scan, const document_filter& documents) {
  if (!no_table_scan.value_or(false) || documents.is_everything()) return ok();
  return failure(
      error_kind::refused,
      "the source refuses the scans that a document filter needs (notablescan): turn it off for the time of "
      "the migration, on every member, with db.adminCommand({setParameter: 1, notablescan: false}), or leave "
      "the filter out");
}

}  // namespace sluice::cluster
