// The run: who owns it, how far it is, and its end.
#include "engine/state/checkpoint.hpp"

#include <algorithm>

#include "engine/runtime/log.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/state/checkpoint_commands.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::state {

namespace {

std::string text(bson::element_view element) {
  return std::string(element.as_string().value_or(""));
}

process_identity read_owner(bson::document_view owner) {
  return {text(owner.find("token")), text(owner.find("host")), text(owner.find("machine")),
          owner.find("pid").to_int64().value_or(0), owner.find("started").to_int64().value_or(0)};
}

/// until: $$NOW + lease: the server's clock, so that hosts need not agree on the time.
void append_until(bson::builder& to, std::chrono::milliseconds lease_time) {
  const std::int64_t lease_ms = lease_time.count();
  to.open_document("until").open_array("$add").append("0", "$$NOW").append("1", lease_ms).close().close();
}

/// [{$set: {epoch, owner: {..., until}}}]
void append_ownership(bson::builder& to, const process_identity& self, std::int64_t epoch,
                      std::chrono::milliseconds lease_time) {
  to.open_array("update").open_document("0").open_document("$set").append("epoch", epoch).open_document("owner");
  to.append("token", self.token).append("host", self.host).append("machine", self.machine);
  to.append("pid", self.pid).append("started", self.started);
  append_until(to, lease_time);
  to.close().close().close().close();
}

/// Nobody, the process `self`, one that is known to be gone, or somebody whose lease has passed by the server's clock.
void append_may_be_taken(bson::builder& to, std::optional<bson::document_view> owner, const process_identity& self) {
  const process_identity other = owner ? read_owner(*owner) : process_identity{};
  if (owner && is_gone(other, self)) {
    to.open_document("owner.token").append("$eq", other.token).close();
    return;
  }
  to.open_array("$or");
  to.open_document("0").append_null("owner").close();
  to.open_document("1").append("owner.token", self.token).close();
  to.open_document("2").open_document("$expr").open_array("$lt");
  to.append("0", "$owner.until").append("1", "$$NOW").close().close().close();
  to.close();
}

}  // namespace

task<result<opened_run>> checkpoint::open(run_parameters mine, process_identity self) {
  return in_turn(open_now(std::move(mine), std::move(self)));
}
task<result<bool>> checkpoint::exists() {
  return in_turn(exists_now());
}
task<result<>> checkpoint::drop() {
  return in_turn(drop_now(true));
}
task<result<>> checkpoint::drop_unless_owned(process_identity self) {
  return in_turn(drop_unless_owned_now(std::move(self)));
}
task<result<>> checkpoint::set_phase(run_phase phase) {
  return in_turn(set_phase_now(phase));
}
task<result<>> checkpoint::renew(std::int64_t confirmed_flush) {
  return in_turn(renew_now(confirmed_flush));
}
task<result<>> checkpoint::release(process_identity self) {
  return in_turn(release_now(std::move(self)));
}

task<result<>> checkpoint::set_wish(std::string wish) {
  if (!is_wish(wish))
    co_return failure(error_kind::refused, "a run can be wished to run, pause or commit, not " + wish);
  bson::builder field;
  field.append("wish", wish);
  bson::document fields = field.finish();
  auto stored = co_await in_turn(set_now(std::move(fields)));
  co_return stored;
}

task<result<>> checkpoint::set_facts(bson::document facts) {
  if (facts.view().empty()) co_return ok();
  bson::builder renamed;
  for (const auto fact : facts.view()) {
    if (fact.key().empty() || fact.key().find_first_of(".$") != std::string_view::npos) {
      co_return failure(error_kind::refused, "a fact of a run cannot be called '" + std::string(fact.key()) + "'");
    }
    renamed.append("facts." + std::string(fact.key()), fact);
  }
  bson::document fields = renamed.finish();
  auto stored = co_await in_turn(set_now(std::move(fields)));
  co_return stored;
}

task<result<std::optional<bson::document>>> checkpoint::load_run() {
  SLUICE_CO_TRY(auto runs, co_await load_now("run"));
  if (runs.empty()) co_return std::optional<bson::document>();
  co_return std::optional(std::move(runs.front()));
}

task<result<bool>> checkpoint::exists_now() {
  SLUICE_CO_TRY(const auto stored, co_await load_run());
  co_return stored.has_value();
}

task<result<opened_run>> checkpoint::open_now(run_parameters mine, process_identity self) {
  SLUICE_CO_TRY(const auto found, co_await load_run());
  if (!found) {
    SLUICE_CO_TRYV(co_await begin(mine));
  } else {
    SLUICE_CO_TRYV(read_run(*found, mine));  // before anybody's lease is waited for
  }
  SLUICE_CO_TRY(const auto owned, co_await take_ownership(self));
  // Read again: until it was ours the run may have gone on, or become another one.
  auto read = read_run(owned, mine);
  if (read.has_error()) {
    SLUICE_CO_TRYV(co_await release_now(self));
    co_return std::move(read).error();
  }
  opened_run opened = std::move(read).value();
  opened.fresh = !found;
  phase_ = opened.phase;
  positions_claimed_ = false;
  durable_.reset();
  durable_number_ = owned.view().find("confirmedApply").to_int64().value_or(0);
  if (owned.view().find("leftovers")) {
    SLUICE_CO_TRYV(co_await drop_now(false));  // an interrupted drop() may have left some
  }
  // An update, since findAndModify tells no term (6.0.27).
  bson::builder noted;
  noted.open_document("$set").append("opened", epoch_).close();
  noted.open_document("$unset").append("leftovers", "").close();
  bson::document update = noted.finish();
  SLUICE_CO_TRY(opened.term, co_await change_run(std::move(update)));
  co_return opened;
}

task<result<>> checkpoint::begin(run_parameters mine) {
  bson::builder id;
  id.append("_id", "run");
  bson::builder insert;
  insert.append("$setOnInsert", new_run(mine));
  bson::document whole = update_command("run", id.finish(), insert.finish(), true);
  SLUICE_CO_TRYV(co_await run_write(std::move(whole), wire::duplicate_key));  // two began at once
  co_return ok();
}

task<result<bson::document>> checkpoint::take_ownership(process_identity self) {
  for (bool told = false;;) {
    SLUICE_CO_TRY(const auto before, co_await load_run());
    if (!before) co_return failure(error_kind::refused, "the checkpoint was dropped while it was being opened");
    const auto epoch = before->view().find("epoch");
    const std::int64_t next_epoch = epoch.to_int64().value_or(0) + 1;

    bson::builder command;
    command.append("findAndModify", "run").append("new", true).open_document("query").append("_id", "run");
    if (epoch) {
      command.append("epoch", epoch);
    } else {
      command.append_null("epoch");
    }
    append_may_be_taken(command, before->view().find("owner").as_document(), self);
    command.close();
    append_ownership(command, self, next_epoch, lease_.length());
    append_majority(command);
    bson::document whole = command.finish();
    SLUICE_CO_TRY(const auto answer, co_await run(std::move(whole)));
    if (const auto owned = answer.body.find("value").as_document()) {
      owner_ = self.token;
      epoch_ = next_epoch;
      taken_over_ = false;
      lease_.renewed(sent_at_);
      co_return bson::document(*owned);
    }
    // Somebody holds it; or this was sent twice, and the first time it was taken.
    SLUICE_CO_TRY(const auto after, co_await load_run());
    const auto owner = after ? after->view().find("owner").as_document() : std::nullopt;
    if (!owner) continue;
    const process_identity other = read_owner(*owner);
    if (other.token == self.token) continue;
    const std::string who = "process " + std::to_string(other.pid) + " on " + other.host;
    if (other.machine == self.machine) {
      co_return failure(error_kind::refused,
                        "this copy is being run by " + who + "; only one process may write: stop that one first");
    }
    if (told) {
      co_return failure(error_kind::refused, "this copy is being run by " + who +
                                                 ", which renews its lease; only one process may write: stop that one "
                                                 "first");
    }
    log(log_level::warn, "checkpoint", "the copy's last owner may still run; waiting for its lease to end",
        {{"owner", who}});
    told = true;
    const bool whole_wait = co_await runtime::sleep_for(lease_.length() + std::chrono::seconds(1), scope_);
    if (!whole_wait) co_return failure(error_kind::cancelled, "cancelled while waiting for the checkpoint's owner");
  }
}

error checkpoint::taken_over() {
  lease_.lost();
  if (owner_.empty()) return failure(error_kind::refused, "the checkpoint is written to before it was opened");
  taken_over_ = true;
  return failure(error_kind::refused,
                 "another process has taken over this copy (its checkpoint names another owner); this one stops");
}

task<result<wire::write_term>> checkpoint::change_run(bson::document update) {
  bson::builder filter;
  filter.append("_id", "run").append("owner.token", owner_);
  bson::document whole = update_command("run", filter.finish(), update, false);
  SLUICE_CO_TRY(const auto answer, co_await run_write(std::move(whole)));
  if (answer.body.find("n").to_int64().value_or(0) == 0) co_return taken_over();
  co_return wire::term_of_reply(answer.body);
}

task<result<>> checkpoint::set_now(bson::document fields) {
  bson::builder set;
  set.append("$set", fields);
  bson::document update = set.finish();
  SLUICE_CO_TRYV(co_await change_run(std::move(update)));
  co_return ok();
}

task<result<>> checkpoint::set_phase_now(run_phase phase) {
  bson::builder field;
  field.append("phase", to_string(phase));
  bson::document fields = field.finish();
  SLUICE_CO_TRYV(co_await set_now(std::move(fields)));
  phase_ = phase;
  co_return ok();
}

task<result<>> checkpoint::renew_now(std::optional<std::int64_t> confirmed_flush) {
  bson::builder command;
  command.append("findAndModify", "run").open_document("query");
  command.append("_id", "run").append("owner.token", owner_).close();
  command.open_array("update").open_document("0").open_document("$set");
  if (confirmed_flush) command.append("confirmedFlush", *confirmed_flush);
  if (durable_number_ > 0) command.append("confirmedApply", durable_number_);
  command.open_document("owner");
  append_until(command, lease_.length());
  command.close().close().close().close();
  append_majority(command);
  bson::document whole = command.finish();
  SLUICE_CO_TRY(const auto answer, co_await run(std::move(whole)));
  if (!answer.body.find("value").as_document()) co_return taken_over();
  lease_.renewed(sent_at_);
  co_return ok();
}

task<result<>> checkpoint::keep_lease(runtime::cancel_scope& until) {
  for (;;) {
    const bool due = co_await runtime::sleep_for(lease_.until_due(), until);
    if (!due) co_return ok();
    SLUICE_CO_TRYV(co_await in_turn(renew_now(std::nullopt)));
  }
}

task<result<>> checkpoint::release_now(process_identity self) {
  lease_.lost();
  bson::builder filter;
  filter.append("_id", "run").append("owner.token", self.token);
  bson::builder unset;
  unset.open_document("$unset").append("owner", "").close();
  bson::document whole = update_command("run", filter.finish(), unset.finish(), false);
  SLUICE_CO_TRYV(co_await run_write(std::move(whole)));
  co_return ok();
}

/// What is there, by name. A first batch holds them all, or more are there the next time.
task<result<std::vector<std::string>>> checkpoint::collection_names() {
  bson::builder command;
  command.append("listCollections", 1).append("nameOnly", true);
  command.open_document("cursor").append("batchSize", 1000).close();
  bson::document whole = command.finish();
  SLUICE_CO_TRY(const auto answer, co_await run(std::move(whole)));
  const auto batch = answer.body.at("cursor", "firstBatch").as_array().value_or(bson::document_view());
  std::vector<std::string> names;
  for (const auto element : batch) {
    const auto one = element.as_document().value_or(bson::document_view());
    if (std::string name = text(one.find("name")); !name.empty()) names.push_back(std::move(name));
  }
  co_return names;
}

// Collection by collection: none of the roles that a copy needs may drop a database, which goes with its last one.
// A crash in between leaves a run that has ended, or no run at all; never a run without its partitions.
task<result<>> checkpoint::drop_now(bool all) {
  SLUICE_CO_TRY(auto names, co_await collection_names());
  const auto rest = std::partition(names.begin(), names.end(), [](const std::string& name) { return name == "run"; });
  const bool ended = phase_ == run_phase::completed || phase_ == run_phase::committed;
  if (!all) {
    names.erase(names.begin(), rest);
  } else if (ended) {
    std::rotate(names.begin(), rest, names.end());
  }
  for (const std::string& name : names) {
    bson::builder command;
    command.append("drop", name);
    append_majority(command);
    bson::document whole = command.finish();
    auto dropped = co_await run(std::move(whole));
    if (dropped.has_error() && dropped.error().server_code != wire::namespace_not_found) co_return dropped.error();
  }
  co_return ok();
}

task<result<>> checkpoint::drop_unless_owned_now(process_identity self) {
  SLUICE_CO_TRY(const bool there, co_await exists_now());
  if (there) {
    SLUICE_CO_TRYV(co_await take_ownership(std::move(self)));
  }
  co_return co_await drop_now(true);
}

}  // namespace sluice::state
