// Commands: sent until they are answered, and collections as a whole.
#include <algorithm>

#include "engine/runtime/limits.hpp"
#include "engine/runtime/log.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/state/checkpoint.hpp"
#include "engine/state/checkpoint_commands.hpp"
#include "engine/wire/cursor.hpp"
#include "engine/wire/retry.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::state {

namespace {

/// Changes and documents in one command: far below what a message holds.
constexpr std::size_t command_items_max = 1000;
/// The same of inserts, which cost the server a tenth of an upsert; their bytes are bounded, as `_id`s may be long.
constexpr std::size_t insert_items_max = 10'000;
constexpr std::size_t insert_bytes_max = 8 * limits::mib;
/// So often a read begins anew because the server forgot its cursor.
constexpr int cursors_lost_max = 5;

/// The first write error but `expected`.
std::optional<error> refusal_in(bson::document_view reply, const std::string& where, std::int32_t expected) {
  const auto write_errors = reply.find("writeErrors").as_array().value_or(bson::document_view());
  for (const auto element : write_errors) {
    const auto one = element.as_document().value_or(bson::document_view());
    const auto code = static_cast<std::int32_t>(one.find("code").to_int64().value_or(0));
    if (expected != 0 && code == expected) continue;
    return error{error_kind::server,
                 where + " could not be written: " + std::string(one.find("errmsg").as_string().value_or("")),
                 code,
                 {}};
  }
  return {};
}

}  // namespace

task<result<>> checkpoint::store(std::string_view collection, std::vector<bson::document> documents) {
  return in_turn(store_now(collection, std::move(documents)));
}
task<result<std::vector<bson::document>>> checkpoint::load(std::string_view collection) {
  return in_turn(load_now(collection));
}
task<result<wire::write_term>> checkpoint::write(std::string_view collection, std::vector<change> changes) {
  return in_turn(write_now(collection, std::move(changes)));
}
task<result<>> checkpoint::remove(std::string_view collection, std::vector<std::string> ids) {
  return in_turn(remove_now(collection, std::move(ids)));
}
task<result<>> checkpoint::add(std::string_view collection, std::vector<bson::document> documents) {
  return in_turn(add_now(collection, std::move(documents)));
}

std::string checkpoint::where() const {
  return connection_->host().to_string() + ": the checkpoint in " + database_;
}

task<result<>> checkpoint::connected() {
  if (connection_ && connection_->is_open()) co_return ok();
  SLUICE_CO_TRY(connection_, co_await connect_());
  co_return ok();
}

// Every command here may be sent twice: they are all idempotent.
task<result<wire::reply>> checkpoint::run(bson::document command) {
  auto attempt = [this, &command]() -> task<result<wire::reply>> {
    SLUICE_CO_TRYV(co_await connected());
    sent_at_ = boot_clock::now();
    auto answer = co_await connection_->run(database_, command);
    if (answer.has_error()) {
      if (wire::is_retryable(answer.error())) connection_->close();
      co_return answer.error();
    }
    if (auto concern = wire::write_concern_error_of_reply(answer.value().body, connection_->host().to_string())) {
      if (wire::is_retryable(*concern)) connection_->close();
      co_return std::move(*concern);
    }
    auto refused = refusal_in(answer.value().body, where(), wire::duplicate_key);
    if (refused && wire::is_retryable(*refused)) {
      connection_->close();
      co_return std::move(*refused);
    }
    co_return answer;
  };
  co_return co_await wire::retry(attempt, patience_, scope_);
}

task<result<wire::reply>> checkpoint::run_write(bson::document command, std::int32_t expected) {
  SLUICE_CO_TRY(auto answer, co_await run(std::move(command)));
  if (auto refused = refusal_in(answer.body, where(), expected)) co_return std::move(*refused);
  co_return answer;
}

task<result<wire::reply>> checkpoint::run_with_array(bson::document head, std::string array_name, bson::document array,
                                                     std::int32_t expected) {
  bson::builder command;
  command.append_all(head).append_array(array_name, array.view());
  bson::document whole = command.finish();
  auto answer = co_await run_write(std::move(whole), expected);
  co_return answer;
}

task<result<>> checkpoint::store_now(std::string_view collection, std::vector<bson::document> documents) {
  bson::builder clear;
  clear.append("delete", collection).open_array("deletes").open_document("0");
  clear.open_document("q").close().append("limit", 0).close().close();
  append_majority(clear);
  bson::document whole = clear.finish();
  SLUICE_CO_TRYV(co_await run(std::move(whole)));
  for (std::size_t first = 0; first < documents.size();) {
    bson::builder array;
    std::size_t bytes = 0;
    std::size_t next = first;
    for (; next < documents.size() && next - first < insert_items_max; ++next) {
      bytes += documents[next].view().size_bytes();
      if (next > first && bytes > insert_bytes_max) break;
      array.append(std::to_string(next - first), documents[next].view());
    }
    bson::builder head;
    head.append("insert", collection).append("ordered", false);
    append_majority(head);
    bson::document command_head = head.finish();
    bson::document command_array = array.finish();
    // The collection was emptied: what is there already came with this command, whose reply got lost.
    SLUICE_CO_TRYV(
        co_await run_with_array(std::move(command_head), "documents", std::move(command_array), wire::duplicate_key));
    first = next;
  }
  co_return ok();
}

task<result<>> checkpoint::remove_now(std::string_view collection, std::vector<std::string> ids) {
  bson::builder command;
  command.append("delete", collection).open_array("deletes").open_document("0").open_document("q");
  command.open_document("_id").open_array("$in");
  for (const std::string& id : ids) command.push(id);
  command.close().close().close().append("limit", 0).close().close();
  append_majority(command);
  bson::document whole = command.finish();
  SLUICE_CO_TRYV(co_await run(std::move(whole)));
  co_return ok();
}

task<result<>> checkpoint::add_now(std::string_view collection, std::vector<bson::document> documents) {
  for (std::size_t first = 0; first < documents.size(); first += command_items_max) {
    const std::size_t last = std::min(documents.size(), first + command_items_max);
    bson::builder head;
    head.append("update", collection).append("ordered", false);
    append_majority(head);
    bson::builder updates;  // a document with the keys of an array
    for (std::size_t i = first; i < last; ++i) {
      updates.open_document(std::to_string(i - first));
      updates.open_document("q").append(documents[i].view().find("_id")).close();
      // As a pipeline: a replacement would have its empty timestamps replaced by the server's clock (6.0.27).
      updates.open_array("u").open_document("0").open_document("$replaceWith");
      updates.append("$literal", documents[i].view()).close().close().close();
      updates.append("upsert", true).close();
    }
    bson::document command_head = head.finish();
    bson::document array = updates.finish();
    SLUICE_CO_TRYV(co_await run_with_array(std::move(command_head), "updates", std::move(array)));
  }
  co_return ok();
}

task<result<wire::write_term>> checkpoint::write_now(std::string_view collection, std::vector<change> changes) {
  wire::write_term term;
  for (std::size_t first = 0; first < changes.size(); first += command_items_max) {
    const std::size_t last = std::min(changes.size(), first + command_items_max);
    bson::builder head;
    head.append("update", collection).append("ordered", false);
    append_majority(head);
    bson::builder updates;
    for (std::size_t i = first; i < last; ++i) {
      updates.open_document(std::to_string(i - first));
      updates.open_document("q").append("_id", changes[i].id).close();
      updates.open_document("u").append("$set", changes[i].set).close().close();
    }
    bson::document command_head = head.finish();
    bson::document array = updates.finish();
    SLUICE_CO_TRY(auto answer, co_await run_with_array(std::move(command_head), "updates", std::move(array)));
    const wire::write_term now = wire::term_of_reply(answer.body);
    // Writes in two terms fence nothing: the caller sees a term that matches none of its own.
    term = first == 0 || now == term ? now : wire::write_term{};
  }
  co_return term;
}

task<result<std::vector<bson::document>>> checkpoint::load_now(std::string_view collection) {
  auto attempt = [this, collection]() -> task<result<std::vector<bson::document>>> {
    SLUICE_CO_TRYV(co_await connected());
    auto whole = co_await load_once(collection);
    if (whole.has_error() && wire::is_retryable(whole.error())) connection_->close();
    co_return whole;
  };
  wire::backoff waits;
  for (int lost = 0;; ++lost) {
    auto whole = co_await wire::retry(attempt, patience_, scope_);
    if (whole || whole.error().server_code != wire::cursor_not_found || lost >= cursors_lost_max) co_return whole;
    log(log_level::info, "checkpoint", "The server forgot the cursor; reading again from the start",
        {{"collection", collection}, {"cause", whole.error().message}});
    const bool waited = co_await runtime::sleep_for(waits.next(), scope_);
    if (!waited) co_return failure(error_kind::cancelled, "cancelled while reading the checkpoint");
  }
}

// Over one connection, without run(): a getMore that is sent again on another one asks for a cursor that is not there.
task<result<std::vector<bson::document>>> checkpoint::load_once(std::string_view collection) {
  std::vector<bson::document> documents;
  bson::builder find;
  find.append("find", collection).open_document("filter").close();
  find.open_document("sort").append("_id", 1).close();
  find.open_document("readConcern").append("level", "majority").close();
  find.append("batchSize", 10'000);
  bson::document command = find.finish();
  for (std::string array_name = "firstBatch";; array_name = "nextBatch") {
    SLUICE_CO_TRY(const auto answer, co_await connection_->run(database_, std::move(command)));
    const auto batch = answer.body.at("cursor", array_name).as_array().value_or(bson::document_view());
    for (const auto element : batch) {
      if (const auto document = element.as_document()) documents.emplace_back(*document);
    }
    const auto id = answer.body.at("cursor", "id").to_int64().value_or(0);
    if (id == 0) co_return documents;
    bson::builder more;
    more.append("getMore", id).append("collection", collection);
    command = more.finish();
  }
}

}  // namespace sluice::state
