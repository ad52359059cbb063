#include "engine/apply/left_writes.hpp"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "engine/cluster/command_cursor.hpp"
#include "engine/runtime/log.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/wire/retry.hpp"

namespace sluice::apply {

namespace {

/// Commands that change documents or a catalog. Told apart by their first field: while one waits for its turn, the
/// server may not yet show what kind of operation it is, nor its namespace. An update or a delete that runs is shown as
/// its statement instead ({q, u}; 5.0.4, 6.0.27): by its kind.
constexpr std::array changing_commands{"insert",       "update",      "delete",           "create",  "drop",
                                       "dropDatabase", "dropIndexes", "renameCollection", "collMod", "convertToCapped"};

/// Of a connection that libmongoc has authenticated the server knows the driver as "mongoc / sluice".
constexpr const char* driver_pattern = "(^|/ )sluice$";

void append_what_they_are(bson::builder& match) {
  match.append("active", true);
  match.open_document("clientMetadata.driver.name").append("$regex", driver_pattern).close();
  match.open_array("$or");
  for (const char* const name : changing_commands) {
    match.open_document(match.next_index());
    match.open_document(std::string("command.") + name).append("$exists", true).close().close();
  }
  match.open_document(match.next_index()).open_document("op").open_array("$in");
  for (const char* const kind : {"insert", "update", "remove"}) match.push(kind);
  match.close().close().close();
  match.close();
}

/// Whose operations: those of a server, or through a mongos of all shards; or a mongos' own.
enum class whose : std::uint8_t { servers, router };

/// The operations under way; of those in `among` alone, unless that is empty. Each as {"opid": …}.
task<result<std::vector<bson::document>>> under_way(wire::connection& node, whose operations,
                                                    const std::vector<bson::document>& among) {
  bson::builder command;
  command.append("aggregate", 1).open_array("pipeline");
  command.open_document("0").open_document("$currentOp");
  if (operations == whose::router) command.append("localOps", true);
  command.close().close();
  command.open_document("1").open_document("$match");
  append_what_they_are(command);
  if (!among.empty()) {
    command.open_document("opid").open_array("$in");
    for (const bson::document& each : among) command.push(each.view().find("opid"));
    command.close().close();
  }
  command.close().close();
  command.open_document("2").open_document("$project").append("opid", 1).close().close();
  command.close().open_document("cursor").close();
  bson::document asked = command.finish();
  SLUICE_CO_TRY(auto found, co_await cluster::run_cursor(node, "admin", std::move(asked)));
  co_return std::move(found.documents);
}

}  // namespace

namespace {

task<result<>> wait_until_ended(wire::connection& node, whose operations, bool& told, runtime::cancel_scope& scope) {
  const std::vector<bson::document> all;
  SLUICE_CO_TRY(auto left, co_await under_way(node, operations, all));
  wire::backoff waits;
  while (!left.empty()) {
    if (!std::exchange(told, true)) {
      log(log_level::info, "apply", "Waiting for writes that an earlier process left under way on the destination",
          {{"writes", left.size()}});
    }
    const bool slept = co_await runtime::sleep_for(waits.next(), scope);
    if (!slept)
      co_return failure(error_kind::cancelled, "cancelled while writes of an earlier process were waited for");
    SLUICE_CO_TRY(left, co_await under_way(node, operations, left));
  }
  co_return ok();
}

}  // namespace

task<result<>> wait_for_left_writes(connect_to_destination connect, connect_to_routers routers,
                                    std::chrono::milliseconds patience, runtime::cancel_scope& scope) {
  bool told = false;
  auto wait = [&connect, &routers, &scope, &told]() -> task<result<>> {
    // First who passes commands on, then who carries them out.
    const auto passing_on = co_await routers();
    for (const auto& router : passing_on) {
      SLUICE_CO_TRYV(co_await wait_until_ended(*router, whose::router, told, scope));
    }
    SLUICE_CO_TRY(const auto node, co_await connect());
    co_return co_await wait_until_ended(*node, whose::servers, told, scope);
  };
  co_return co_await wire::retry(wait, patience, scope);
}

}  // namespace sluice::apply
