#include "engine/state/checkpoint.hpp"

#include <algorithm>
#include <array>

#include "engine/runtime/limits.hpp"
#include "engine/runtime/log.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/wire/cursor.hpp"
#include "engine/wire/retry.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::state {

namespace {

constexpr std::array phase_names{std::string_view("planning"), std::string_view("copying"),
                                 std::string_view("indexing"), std::string_view("completed")};
/// Changes and documents in one command: far below what a message holds.
constexpr std::size_t command_items_max = 1000;
/// The same of inserts, which cost the server a tenth of an upsert; their bytes are bounded, as `_id`s may be long.
constexpr std::size_t insert_items_max = 10'000;
constexpr std::size_t insert_bytes_max = 8 * limits::mib;
/// So often a read begins anew because the server forgot its cursor.
constexpr int cursors_lost_max = 5;

void append_majority(bson::builder& to) {
  to.open_document("writeConcern").append("w", "majority").close();
}

void append_strings(bson::builder& to, std::string_view key, const std::vector<std::string>& values) {
  to.open_array(key);
  for (const std::string& value : values) to.push(value);
  to.close();
}

std::vector<std::string> read_strings(bson::document_view from, std::string_view key) {
  std::vector<std::string> values;
  if (const auto array = from.find(key).as_array()) {
    for (const auto element : *array) values.emplace_back(element.as_string().value_or(""));
  }
  return values;
}

std::string text(bson::element_view element) {
  return std::string(element.as_string().value_or(""));
}

std::string joined(std::vector<std::string> values) {
  if (values.empty()) return "(none)";
  std::string all;
  for (const std::string& value : values) all += (all.empty() ? "" : ", ") + value;
  return all;
}

/// The first way in which the stored run is another one than `mine`; empty when it is the same.
std::string difference(bson::document_view stored, const run_parameters& mine) {
  const auto differs = [](std::string_view what, const std::string& was, const std::string& is) {
    return std::string(what) + " was " + was + " and is " + is;
  };
  if (text(stored.find("sourceIdentity")) != mine.source_identity) {
    return differs("the source", text(stored.find("sourceName")), mine.source_name);
  }
  if (text(stored.find("destinationIdentity")) != mine.destination_identity) {
    return differs("the destination", text(stored.find("destinationName")), mine.destination_name);
  }
  if (const auto was = read_strings(stored, "include"); was != mine.include) {
    return differs("--include", joined(was), joined(mine.include));
  }
  if (const auto was = read_strings(stored, "exclude"); was != mine.exclude) {
    return differs("--exclude", joined(was), joined(mine.exclude));
  }
  return {};
}

process_identity read_owner(bson::document_view owner) {
  return {text(owner.find("token")), text(owner.find("host")), text(owner.find("machine")),
          owner.find("pid").to_int64().value_or(0), owner.find("started").to_int64().value_or(0)};
}

/// [{$set: {owner: {..., until: $$NOW + lease}}}]: the server's clock, so that hosts need not agree on the time.
void append_ownership(bson::builder& to, const process_identity& self) {
  to.open_array("update").open_document("0").open_document("$set").open_document("owner");
  to.append("token", self.token).append("host", self.host).append("machine", self.machine);
  to.append("pid", self.pid).append("started", self.started);
  const std::int64_t lease_ms = std::chrono::duration_cast<std::chrono::milliseconds>(limits::lease_time).count();
  to.open_document("until").open_array("$add").append("0", "$$NOW").append("1", lease_ms).close().close();
  to.close().close().close().close();
}

}  // namespace

std::string_view to_string(run_phase phase) noexcept {
  return phase_names[static_cast<std::size_t>(phase)];
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
    auto answer = co_await connection_->run(checkpoint_database, command);
    if (answer.has_error()) {
      if (wire::is_retryable(answer.error())) connection_->close();
      co_return answer.error();
    }
    if (auto concern = wire::write_concern_error_of_reply(answer.value().body, connection_->host().to_string())) {
      if (wire::is_retryable(*concern)) connection_->close();
      co_return std::move(*concern);
    }
    co_return answer;
  };
  co_return co_await wire::retry(attempt, patience_, scope_);
}

task<result<wire::reply>> checkpoint::run_with_array(bson::document head, std::string array_name, bson::document array,
                                                     std::int32_t expected) {
  bson::builder command;
  command.append_all(head).append_array(array_name, array.view());
  bson::document whole = command.finish();
  SLUICE_CO_TRY(auto answer, co_await run(std::move(whole)));
  const auto write_errors = answer.body.find("writeErrors").as_array().value_or(bson::document_view());
  for (const auto element : write_errors) {
    const auto one = element.as_document().value_or(bson::document_view());
    const auto code = static_cast<std::int32_t>(one.find("code").to_int64().value_or(0));
    if (expected != 0 && code == expected) continue;
    co_return error{error_kind::server,
                    connection_->host().to_string() + ": the checkpoint in " + std::string(checkpoint_database) +
                        " could not be written: " + text(one.find("errmsg")),
                    code,
                    {}};
  }
  co_return answer;
}

task<result<bool>> checkpoint::exists() {
  SLUICE_CO_TRY(auto runs, co_await load("run"));
  co_return !runs.empty();
}

task<result<opened_run>> checkpoint::open(run_parameters mine, process_identity self) {
  SLUICE_CO_TRY(auto runs, co_await load("run"));
  opened_run opened;
  if (runs.empty()) {
    SLUICE_CO_TRYV(co_await store("refused", {}));  // an interrupted drop() may have left some
    SLUICE_CO_TRYV(co_await begin(mine));
  } else {
    opened.fresh = false;
    const bson::document_view stored = runs.front().view();
    const auto version = stored.find("version").to_int64().value_or(0);
    if (version != checkpoint_version) {
      co_return failure(error_kind::refused, "the checkpoint on " + mine.destination_name + " has format " +
                                                 std::to_string(version) + ", this program writes format " +
                                                 std::to_string(checkpoint_version) +
                                                 "; finish with the version that began, or start over with --reset");
    }
    if (std::string other = difference(stored, mine); !other.empty()) {
      co_return failure(error_kind::refused, "the destination holds the checkpoint of another copy: " + other +
                                                 "; use the same parameters to go on, or --reset to drop it");
    }
    const auto name = std::ranges::find(phase_names, stored.find("phase").as_string().value_or(""));
    if (name == phase_names.end()) {
      co_return failure(error_kind::refused, "the checkpoint on " + mine.destination_name +
                                                 " names an unknown phase; start over with --reset");
    }
    opened.phase = static_cast<run_phase>(name - phase_names.begin());
    opened.confirmed_flush = stored.find("confirmedFlush").to_int64().value_or(0);
  }
  phase_ = opened.phase;
  SLUICE_CO_TRY(opened.term, co_await take_ownership(std::move(self)));
  co_return opened;
}

task<result<>> checkpoint::begin(run_parameters mine) {
  bson::builder run_document;
  run_document.append("_id", "run").append("version", checkpoint_version);
  run_document.append("phase", to_string(run_phase::planning));
  run_document.append("sourceIdentity", mine.source_identity).append("sourceName", mine.source_name);
  run_document.append("destinationIdentity", mine.destination_identity);
  run_document.append("destinationName", mine.destination_name);
  append_strings(run_document, "include", mine.include);
  append_strings(run_document, "exclude", mine.exclude);
  // No owner yet: two processes that begin at once write the same document, then one wins take_ownership.
  bson::builder command;
  command.append("update", "run").open_array("updates").open_document("0");
  command.open_document("q").append("_id", "run").close();
  command.open_document("u").open_document("$setOnInsert").append_all(run_document.finish()).close().close();
  command.append("upsert", true).close().close();
  append_majority(command);
  bson::document whole = command.finish();
  SLUICE_CO_TRYV(co_await run(std::move(whole)));
  co_return ok();
}

task<result<wire::write_term>> checkpoint::take_ownership(process_identity self) {
  bool told = false;
  for (;;) {
    SLUICE_CO_TRY(auto runs, co_await load("run"));
    if (runs.empty()) co_return failure(error_kind::refused, "the checkpoint was dropped while it was being opened");
    const auto owner = runs.front().view().find("owner").as_document();
    const process_identity other = owner ? read_owner(*owner) : process_identity{};

    bson::builder command;
    command.append("findAndModify", "run").open_document("query").append("_id", "run");
    if (owner && is_gone(other, self)) {
      command.open_document("owner.token").append("$eq", other.token).close();
    } else {
      // Nobody, this process, or somebody whose lease has passed by the server's clock.
      command.open_array("$or");
      command.open_document("0").append_null("owner").close();
      command.open_document("1").append("owner.token", self.token).close();
      command.open_document("2").open_document("$expr").open_array("$lt");
      command.append("0", "$owner.until").append("1", "$$NOW").close().close().close();
      command.close();
    }
    command.close();
    append_ownership(command, self);
    append_majority(command);
    bson::document whole = command.finish();
    SLUICE_CO_TRY(auto answer, co_await run(std::move(whole)));
    if (answer.body.find("value").as_document()) {
      owner_ = self.token;
      co_return wire::term_of_reply(answer.body);
    }
    const std::string who = "process " + std::to_string(other.pid) + " on " + other.host;
    if (other.machine == self.machine) {
      co_return failure(error_kind::refused,
                        "this copy is being run by " + who + "; only one process may write: stop that one first");
    }
    if (!told) {
      log(log_level::warn, "checkpoint", "the copy's last owner may still run; waiting for its lease to end",
          {{"owner", who}});
      told = true;
    } else {
      co_return failure(error_kind::refused, "this copy is being run by " + who +
                                                 ", which renews its lease; only one process may write: stop that one "
                                                 "first");
    }
    const bool whole_wait = co_await runtime::sleep_for(limits::lease_time + std::chrono::seconds(1), scope_);
    if (!whole_wait) co_return failure(error_kind::cancelled, "cancelled while waiting for the checkpoint's owner");
  }
}

task<result<>> checkpoint::renew(std::int64_t confirmed_flush) {
  bson::builder command;
  command.append("findAndModify", "run").open_document("query");
  command.append("_id", "run").append("owner.token", owner_).close();
  const std::int64_t lease_ms = std::chrono::duration_cast<std::chrono::milliseconds>(limits::lease_time).count();
  command.open_array("update").open_document("0").open_document("$set");
  command.append("confirmedFlush", confirmed_flush).open_document("owner.until");
  command.open_array("$add").append("0", "$$NOW").append("1", lease_ms).close().close().close().close().close();
  append_majority(command);
  bson::document whole = command.finish();
  SLUICE_CO_TRY(auto answer, co_await run(std::move(whole)));
  if (!answer.body.find("value").as_document()) {
    co_return failure(error_kind::refused,
                      "another process has taken over this copy (its checkpoint names another owner); this one stops");
  }
  co_return ok();
}

task<result<>> checkpoint::release(process_identity self) {
  bson::builder command;
  command.append("update", "run").open_array("updates").open_document("0");
  command.open_document("q").append("_id", "run").append("owner.token", self.token).close();
  command.open_document("u").open_document("$unset").append("owner", "").close().close().close().close();
  append_majority(command);
  bson::document whole = command.finish();
  SLUICE_CO_TRYV(co_await run(std::move(whole)));
  co_return ok();
}

// Collection by collection: none of the roles that a copy needs may drop a database, which goes with its last one.
// A crash in between leaves a run that is completed, or no run at all; never a run without its partitions.
task<result<>> checkpoint::drop() {
  std::array<std::string_view, 3> collections{"run", "partitions", "refused"};
  if (phase_ == run_phase::completed) std::ranges::reverse(collections);
  for (const std::string_view collection : collections) {
    bson::builder command;
    command.append("drop", collection);
    append_majority(command);
    bson::document whole = command.finish();
    auto dropped = co_await run(std::move(whole));
    if (dropped.has_error() && dropped.error().server_code != wire::namespace_not_found) co_return dropped.error();
  }
  co_return ok();
}

task<result<>> checkpoint::set_phase(run_phase phase) {
  bson::builder set;
  set.append("phase", to_string(phase));
  std::vector<change> changes;
  changes.push_back({"run", set.finish()});
  SLUICE_CO_TRYV(co_await write("run", std::move(changes)));
  phase_ = phase;
  co_return ok();
}

task<result<>> checkpoint::store(std::string_view collection, std::vector<bson::document> documents) {
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

task<result<>> checkpoint::remove(std::string_view collection, std::vector<std::string> ids) {
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

task<result<>> checkpoint::add(std::string_view collection, std::vector<bson::document> documents) {
  for (std::size_t first = 0; first < documents.size(); first += command_items_max) {
    const std::size_t last = std::min(documents.size(), first + command_items_max);
    bson::builder head;
    head.append("update", collection).append("ordered", false);
    append_majority(head);
    bson::builder updates;  // a document with the keys of an array
    for (std::size_t i = first; i < last; ++i) {
      updates.open_document(std::to_string(i - first));
      updates.open_document("q").append(documents[i].view().find("_id")).close();
      updates.append("u", documents[i].view()).append("upsert", true).close();
    }
    bson::document command_head = head.finish();
    bson::document array = updates.finish();
    SLUICE_CO_TRYV(co_await run_with_array(std::move(command_head), "updates", std::move(array)));
  }
  co_return ok();
}

task<result<wire::write_term>> checkpoint::write(std::string_view collection, std::vector<change> changes) {
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

task<result<std::vector<bson::document>>> checkpoint::load(std::string_view collection) {
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
    SLUICE_CO_TRY(const auto answer, co_await connection_->run(checkpoint_database, std::move(command)));
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
