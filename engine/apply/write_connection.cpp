// Sending, and sending again.
#include "engine/apply/write_connection.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include "engine/apply/writer.hpp"
#include "engine/runtime/log.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/wire/retry.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::apply {

namespace {

bson::document with_comment(const bson::document& head, std::string_view comment) {
  bson::builder whole;
  whole.append_all(head).append("comment", comment);
  return whole.finish();
}

/// A transaction by which a mongos moves a document met another one, or its shard had to begin it anew.
bool is_passing_conflict(std::int32_t code) noexcept {
  constexpr std::array<std::int32_t, 4> codes{24, 112, 246, 251};
  return std::ranges::find(codes, code) != codes.end();
}

/// Of an update or a remove; without the options that come last.
bson::builder one_statement(const std::string& collection, const bson::document& query, const document_write& write) {
  bson::builder command;
  if (write.kind == write_kind::remove) {
    command.append("delete", collection).open_array("deletes").open_document("0").append("q", query);
    command.append("limit", 1).close().close();
    return command;
  }
  command.append("update", collection).append("bypassDocumentValidation", true);
  command.open_array("updates").open_document("0").append("q", query);
  if (write.has_pipeline) {
    command.append_array("u", write.pipeline);
  } else {
    command.append("u", write.document);
  }
  command.close().close();
  return command;
}

}  // namespace

void causal_time::hear(bson::document_view reply) noexcept {
  const auto told = reply.at("$clusterTime", "clusterTime").as_timestamp();
  if (told && *told > seen) seen = *told;
}

task<result<>> write_connection::open() {
  if (connection_ && connection_->is_open()) co_return ok();
  connection_.reset();
  // Each member once: whoever calls tries again.
  SLUICE_CO_TRY(connection_,
                co_await cluster::connect_primary(destination_, scope_, std::chrono::milliseconds::zero()));
  if (unsettled_) {
    SLUICE_CO_TRYV(co_await settle());
  }
  co_return ok();
}

/// Between two shards a command is under way on none of them: its mongos tells. That is the one that is asked first
/// when a connection is lost.
task<result<bool>> write_connection::is_being_passed_on() {
  if (destination_.kind != cluster::deployment_kind::sharded) co_return false;
  bson::builder command;
  command.append("aggregate", 1).open_array("pipeline");
  command.open_document("0").open_document("$currentOp").append("localOps", true).close().close();
  command.open_document("1").open_document("$match").append("command.comment", std::string_view(comment_));
  command.close().close().close().open_document("cursor").close();
  bson::document current = command.finish();
  SLUICE_CO_TRY(const auto answer, co_await connection_->run("admin", std::move(current)));
  const auto running = answer.body.at("cursor", "firstBatch").as_array();
  co_return running && !running->empty();
}

/// A server goes on with a write whose client is gone (6.0.27). Were the command sent again meanwhile and answered, the
/// first one could still overwrite what the next window has written: so it is waited for. `$ownOps` needs no privilege.
task<result<>> write_connection::settle() {
  wire::backoff waits;
  for (;;) {
    SLUICE_CO_TRY(const bool passing_on, co_await is_being_passed_on());
    if (passing_on) {
      const bool slept = co_await runtime::sleep_for(waits.next(), scope_);
      if (!slept) co_return failure(error_kind::cancelled, "cancelled while an interrupted write was waited for");
      continue;
    }
    bson::builder current;
    current.append("currentOp", 1).append("$ownOps", true).append("command.comment", std::string_view(comment_));
    bson::document command = current.finish();
    SLUICE_CO_TRY(const auto answer, co_await connection_->run("admin", std::move(command)));
    const auto running = answer.body.find("inprog").as_array();
    if (!running || running->empty()) break;
    const bool slept = co_await runtime::sleep_for(waits.next(), scope_);
    if (!slept) co_return failure(error_kind::cancelled, "cancelled while an interrupted write was waited for");
  }
  unsettled_ = false;
  co_return ok();
}

task<result<write_reply>> write_connection::send_once(const cluster::namespace_name& ns) {
  SLUICE_CO_TRYV(co_await open());
  SLUICE_CO_TRYV(co_await state::wait_until_permitted(may_write_, scope_));
  ++counters_.round_trips;
  unsettled_ = true;
  bson::document head = with_comment(encoder_.head(), comment_);
  const auto begin = std::chrono::steady_clock::now();
  auto answer =
      co_await connection_->run_with_array(ns.database, std::move(head), encoder_.array_name(), encoder_.array());
  if (answer.has_error()) {
    unsettled_ = answer.error().kind != error_kind::server;
    co_return answer.error();
  }
  unsettled_ = false;
  counters_.write_latency.add_since(begin);
  co_return read_write_reply(answer.value().body, connection_->host().to_string());
}

wire::on_retry write_connection::reports_of(const cluster::namespace_name& ns) {
  return [this, &ns](const wire::retry_notice& notice) {
    ++counters_.retries;
    log(log_level::warn, "apply", "A write was interrupted; sending it again",
        {{"ns", ns.to_string()}, {"cause", notice.cause.message}, {"attempt", notice.attempt}});
  };
}

task<result<write_connection::acknowledged>> write_connection::send(write_piece piece) {
  encoder_.encode(piece, {.bypass_empty_timestamp = destination_.can.bypass_empty_timestamp,
                          .by_majority = destination_.is_written_by_majority()});
  acknowledged done;
  if (encoder_.empty()) co_return done;
  const cluster::namespace_name& ns = piece.to->ns;
  auto once = [&]() -> task<result<write_reply>> {
    auto said = co_await send_once(ns);
    if (said.has_error() && wire::is_retryable(said.error())) {
      done.resent = true;
      if (connection_) connection_->close();
    }
    co_return said;
  };
  const wire::on_retry report = reports_of(ns);
  auto said = co_await wire::retry(once, patience_, scope_, report);
  if (said.has_error()) {
    error why = std::move(said).error();
    if (why.kind == error_kind::server) why.message = ns.to_string() + ": " + why.message;
    co_return why;
  }
  done.reply = std::move(said).value();
  encoder_.trim();
  co_return done;
}

// Servers know a write by its number: sent again after its answer was lost, the answer is told and nothing happens
// twice.
task<result<write_connection::acknowledged>> write_connection::send_with_key(cluster::namespace_name ns,
                                                                             bson::document query,
                                                                             document_write write) {
  acknowledged done;
  bool same_again = false;
  auto once = [&]() -> task<result<write_reply>> {
    SLUICE_CO_TRYV(co_await open());
    SLUICE_CO_TRYV(co_await state::wait_until_permitted(may_write_, scope_));
    if (!same_again) ++transaction_number_;
    bson::builder command = one_statement(ns.collection, query, write);
    if (destination_.can.bypass_empty_timestamp && write.kind == write_kind::update)
      command.append("bypassEmptyTsReplacement", true);
    command.append("lsid", session_id()).append("txnNumber", transaction_number_);
    wire::append_data_write_concern(command, true);
    command.append("comment", std::string_view(comment_));
    bson::document sent = command.finish();
    ++counters_.round_trips;
    unsettled_ = true;
    const auto begin = std::chrono::steady_clock::now();
    auto answer = co_await connection_->run(ns.database, std::move(sent));
    if (answer.has_error()) {
      error why = std::move(answer).error();
      unsettled_ = why.kind != error_kind::server;
      same_again = wire::is_retryable(why);
      if (same_again) connection_->close();
      if (why.kind == error_kind::server && is_passing_conflict(why.server_code)) why.kind = error_kind::network;
      co_return why;
    }
    unsettled_ = false;
    counters_.write_latency.add_since(begin);
    times_.hear(answer.value().body);
    same_again = false;
    SLUICE_CO_TRY(auto said, read_write_reply(answer.value().body, connection_->host().to_string()));
    if (!said.refused.empty() && is_passing_conflict(said.refused.front().code)) {
      co_return failure(error_kind::network, connection_->host().to_string() + ": " + said.refused.front().message);
    }
    co_return said;
  };
  const wire::on_retry report = reports_of(ns);
  auto said = co_await wire::retry(once, patience_, scope_, report);
  if (said.has_error()) co_return std::move(said).error();
  done.reply = std::move(said).value();
  co_return done;
}

bson::document write_connection::session_id() {
  if (session_.empty()) {
    std::random_device random;
    for (int i = 0; i < 16; ++i) session_.push_back(static_cast<std::byte>(random()));
  }
  bson::builder id;
  id.append("id", bson::binary_view{.subtype = 4, .data = session_});
  return id.finish();
}

task<result<std::vector<bson::document>>> write_connection::find(const std::string& database, bson::document command) {
  std::vector<bson::document> there;
  if (destination_.kind == cluster::deployment_kind::sharded && times_.seen != bson::timestamp{}) {
    bson::builder caused;
    caused.append_all(command).open_document("readConcern").append("level", "local");
    caused.append("afterClusterTime", times_.seen).close();
    command = caused.finish();
  }
  auto once = [&]() -> task<result<>> {
    there.clear();
    SLUICE_CO_TRYV(co_await open());
    bson::document sent = command;
    auto answer = co_await connection_->run(database, std::move(sent));
    if (answer.has_error()) {
      if (wire::is_retryable(answer.error())) connection_->close();
      co_return answer.error();
    }
    const auto batch = answer.value().body.at("cursor", "firstBatch").as_array();
    if (!batch) co_return ok();
    for (const bson::element_view one : *batch) there.emplace_back(one.as_document().value_or(bson::document_view()));
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await wire::retry(once, patience_, scope_));
  co_return there;
}

task<result<std::vector<bson::document>>> write_connection::find_ids(cluster::namespace_name ns,
                                                                     std::vector<bson::element_view> ids) {
  bson::builder find_them;
  find_them.append("find", ns.collection).open_document("filter").open_document("_id").open_array("$in");
  for (const bson::element_view id : ids) find_them.push(id);
  find_them.close().close().close().open_document("projection").append("_id", 1).close();
  find_them.append("batchSize", static_cast<std::int32_t>(ids.size() + 1)).append("singleBatch", true);
  bson::document command = find_them.finish();
  auto there = co_await find(ns.database, std::move(command));
  co_return there;
}

task<result<std::vector<bson::document>>> write_connection::find_keys(cluster::namespace_name ns, bson::element_view id,
                                                                      bson::document_view key) {
  bson::builder find_them;
  find_them.append("find", ns.collection).open_document("filter").open_document("_id").append("$eq", id);
  find_them.close().close().open_document("projection").append("_id", 1);
  for (const bson::element_view part : key) {
    if (part.key() != "_id") find_them.append(part.key(), 1);
  }
  find_them.close().append("singleBatch", true);
  bson::document command = find_them.finish();
  auto there = co_await find(ns.database, std::move(command));
  co_return there;
}

}  // namespace sluice::apply
