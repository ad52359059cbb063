// Sending, and sending again.
#include "engine/apply/write_connection.hpp"

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

}  // namespace

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

/// A server goes on with a write whose client is gone (6.0.27). Were the command sent again meanwhile and answered, the
/// first one could still overwrite what the next window has written: so it is waited for. `$ownOps` needs no privilege.
task<result<>> write_connection::settle() {
  wire::backoff waits;
  for (;;) {
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
  auto answer =
      co_await connection_->run_with_array(ns.database, std::move(head), encoder_.array_name(), encoder_.array());
  if (answer.has_error()) {
    unsettled_ = answer.error().kind != error_kind::server;
    co_return answer.error();
  }
  unsettled_ = false;
  co_return read_write_reply(answer.value().body, connection_->host().to_string());
}

task<result<write_connection::acknowledged>> write_connection::send(write_piece piece) {
  encoder_.encode(piece, destination_.can.bypass_empty_timestamp);
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
  const wire::on_retry report = [&](const wire::retry_notice& notice) {
    ++counters_.retries;
    log(log_level::warn, "apply", "A write was interrupted; sending it again",
        {{"ns", ns.to_string()}, {"cause", notice.cause.message}, {"attempt", notice.attempt}});
  };
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

task<result<std::vector<bson::document>>> write_connection::find_ids(cluster::namespace_name ns,
                                                                     std::vector<bson::element_view> ids) {
  bson::builder find;
  find.append("find", ns.collection).open_document("filter").open_document("_id").open_array("$in");
  for (const bson::element_view id : ids) find.push(id);
  find.close().close().close().open_document("projection").append("_id", 1).close();
  find.append("batchSize", static_cast<std::int32_t>(ids.size() + 1)).append("singleBatch", true);
  const bson::document command = find.finish();
  std::vector<bson::document> there;
  auto once = [&]() -> task<result<>> {
    SLUICE_CO_TRYV(co_await open());
    bson::document sent = command;
    auto answer = co_await connection_->run(ns.database, std::move(sent));
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

}  // namespace sluice::apply
