#include "engine/measure/bench_database.hpp"

#include <algorithm>
#include <optional>

#include "engine/cluster/command_cursor.hpp"
#include "engine/runtime/log.hpp"
#include "engine/state/checkpoint.hpp"
#include "engine/wire/bulk_write.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::measure {

namespace {

constexpr std::string_view marker_collection = "marker";
constexpr std::string_view marker_id = "sluice bench";

std::string text(bson::element_view element) {
  return element ? std::string(element.as_string().value_or("")) : std::string();
}

state::process_identity owner_of(bson::document_view fields) {
  return {text(fields.find("token")), text(fields.find("host")), text(fields.find("machine")),
          fields.find("pid").to_int64().value_or(0), fields.find("started").to_int64().value_or(0)};
}

void append_majority(bson::builder& to) {
  to.open_document("writeConcern").append("w", "majority").close();
}

/// {a: 1, stale: {$lt: ["$<seen>", {$subtract: ["$$NOW", <lease>]}]}}: by the server's clock.
void append_stale(bson::builder& to, std::string_view seen, std::chrono::milliseconds lease) {
  const std::int64_t lease_ms = lease.count();
  to.open_document("stale").open_array("$lt").append("0", seen).open_document("1").open_array("$subtract");
  to.append("0", "$$NOW").append("1", lease_ms).close().close().close().close();
}

task<result<std::vector<std::string>>> database_names(wire::connection& node) {
  bson::builder list;
  list.append("listDatabases", 1).append("nameOnly", true);
  bson::document command = list.finish();
  SLUICE_CO_TRY(const auto answer, co_await node.run("admin", std::move(command)));
  std::vector<std::string> names;
  const auto databases = answer.body.find("databases").as_array().value_or(bson::document_view());
  for (const auto element : databases) {
    const auto entry = element.as_document();
    if (entry) names.push_back(text(entry->find("name")));
  }
  co_return names;
}

task<result<std::optional<bson::document>>> find_one(wire::connection& node, std::string database,
                                                     bson::document find) {
  SLUICE_CO_TRY(auto found, co_await cluster::run_cursor(node, std::move(database), std::move(find)));
  if (found.documents.empty()) co_return std::nullopt;
  co_return std::move(found.documents.front());
}

task<result<std::optional<bson::document>>> read_marker(wire::connection& node, std::string database) {
  bson::builder find;
  find.append("find", marker_collection).open_document("filter").append("_id", marker_id).close();
  find.open_document("projection");
  for (const char* field : {"token", "host", "machine", "pid", "started"}) find.append(field, 1);
  append_stale(find, "$seen", marker_lease);
  find.close().append("limit", 1).append("singleBatch", true);
  bson::document command = find.finish();
  co_return co_await find_one(node, std::move(database), std::move(command));
}

/// The first namespace that a checkpoint's run copies, its owner, and whether its lease is over; nothing: no run.
task<result<std::optional<bson::document>>> read_run(wire::connection& node) {
  bson::builder find;
  find.append("find", "run").open_document("projection").append("include", 1).append("owner", 1);
  append_stale(find, "$owner.until", std::chrono::milliseconds(0));
  find.close().append("limit", 1).append("singleBatch", true);
  bson::document command = find.finish();
  co_return co_await find_one(node, std::string(state::checkpoint_database), std::move(command));
}

/// The bench database that a run copies; empty for every other run.
std::string bench_of(bson::document_view run) {
  const auto include = run.at("include", "0");
  const std::string first = text(include);
  if (!first.starts_with(database_prefix)) return {};
  return first.substr(0, first.find('.'));
}

task<result<>> drop(wire::connection& node, std::string name) {
  bson::builder command;
  command.append("dropDatabase", 1);
  append_majority(command);
  bson::document dropping = command.finish();
  SLUICE_CO_TRYV(co_await node.run(name, std::move(dropping)));
  co_return ok();
}

}  // namespace

std::string new_database_name(const state::process_identity& self) {
  return std::string(database_prefix) + self.token.substr(0, 8);
}

task<result<>> refuse_existing_database(wire::connection& node, std::string name) {
  SLUICE_CO_TRY(const auto names, co_await database_names(node));
  if (std::ranges::find(names, name) != names.end()) {
    co_return failure(error_kind::refused, "the database " + name + " exists on " + node.host().to_string() +
                                               " already; choose another one with --database. Nothing was written");
  }
  co_return ok();
}

task<result<>> claim_database(wire::connection& node, std::string name, state::process_identity self) {
  // An insert, so that of two benches that come at once one is told.
  bson::builder command;
  command.append("insert", marker_collection).open_array("documents").open_document("0");
  command.append("_id", marker_id).append("version", 1).append("token", self.token).append("host", self.host);
  command.append("machine", self.machine).append("pid", self.pid).append("started", self.started);
  command.close().close();
  append_majority(command);
  bson::document insert = command.finish();
  SLUICE_CO_TRY(const auto answer, co_await node.run(name, std::move(insert)));
  if (answer.body.find("writeErrors")) {
    co_return failure(error_kind::refused,
                      "another bench has just taken the database " + name + " on " + node.host().to_string());
  }
  co_return co_await renew_marker(node, name);
}

task<result<>> renew_marker(wire::connection& node, std::string name) {
  bson::builder command;
  command.append("update", marker_collection).open_array("updates").open_document("0");
  command.open_document("q").append("_id", marker_id).close();
  command.open_document("u").open_document("$currentDate").append("seen", true).close().close().close().close();
  bson::document update = command.finish();
  SLUICE_CO_TRYV(co_await node.run(name, std::move(update)));
  co_return ok();
}

task<result<>> drop_database(wire::connection& node, std::string name, std::string token) {
  SLUICE_CO_TRY(const auto marker, co_await read_marker(node, name));
  if (!marker || text(marker->view().find("token")) != token) co_return ok();
  co_return co_await drop(node, name);
}

task<result<leftovers>> drop_leftovers(wire::connection& node, state::process_identity self) {
  leftovers found;
  SLUICE_CO_TRY(const auto names, co_await database_names(node));
  if (std::ranges::find(names, state::checkpoint_database) != names.end()) {
    SLUICE_CO_TRY(const auto run, co_await read_run(node));
    if (run && !bench_of(run->view()).empty()) {
      const auto owner = run->view().find("owner");
      const auto who = owner ? owner.as_document() : std::nullopt;
      const bool gone =
          !who || state::is_gone(owner_of(*who), self) || run->view().find("stale").to_bool().value_or(false);
      if (gone) {
        SLUICE_CO_TRYV(co_await drop(node, std::string(state::checkpoint_database)));
        found.dropped.emplace_back(state::checkpoint_database);
      }
    }
  }
  for (const std::string& name : names) {
    if (!name.starts_with(database_prefix)) continue;
    SLUICE_CO_TRY(const auto marker, co_await read_marker(node, name));
    if (!marker) continue;  // not ours, whatever its name
    const auto owner = owner_of(marker->view());
    if (state::is_gone(owner, self) || marker->view().find("stale").to_bool().value_or(false)) {
      log(log_level::info, "bench", "Dropping what a killed bench has left",
          {{"database", name}, {"host", node.host().to_string()}});
      SLUICE_CO_TRYV(co_await drop_database(node, name, owner.token));
      found.dropped.push_back(name);
    } else {
      found.in_use.push_back(name + " (" + owner.host + ", process " + std::to_string(owner.pid) + ")");
    }
  }
  co_return found;
}

task<result<>> refuse_foreign_checkpoint(wire::connection& destination) {
  SLUICE_CO_TRY(const auto run, co_await read_run(destination));
  if (!run) co_return ok();
  co_return failure(error_kind::refused,
                    "a run of Sluice is under way or unfinished on " + destination.host().to_string() + " (database " +
                        std::string(state::checkpoint_database) +
                        "), and a bench would get in its way: let it end first, or drop its checkpoint with --reset. "
                        "Nothing was written");
}

task<result<>> drop_checkpoint(wire::connection& destination, std::string database) {
  SLUICE_CO_TRY(const auto run, co_await read_run(destination));
  if (!run || bench_of(run->view()) != database) co_return ok();
  co_return co_await drop(destination, std::string(state::checkpoint_database));
}

}  // namespace sluice::measure
