#include "engine/accounts/account_copy.hpp"

#include <memory>
#include <utility>

#include "engine/accounts/account_privileges.hpp"
#include "engine/accounts/account_reading.hpp"
#include "engine/runtime/failure_point.hpp"
#include "engine/state/write_permission.hpp"
#include "engine/wire/retry.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::accounts {

namespace {

constexpr std::string_view notes_collection = "accounts";  // of the checkpoint: one document an account, its mark

void append_majority(bson::builder& to) {
  to.open_document("writeConcern").append("w", "majority").close();
}

void append_array_field(bson::builder& to, bson::document_view from, std::string_view key) {
  const auto field = from.find(key);
  to.append_array(key, field ? field.as_array().value_or(bson::document_view()) : bson::document_view());
}

bson::document role_command(const account_step& step) {
  const auto& role = step.what.as;
  bson::builder command;
  command.append(step.action == account_action::replace ? "updateRole" : "createRole", role.id.name);
  for (const auto* key : {"privileges", "roles", "authenticationRestrictions"}) {
    append_array_field(command, role.stored, key);
  }
  append_majority(command);
  return command.finish();
}

/// The document as it is, into the collection itself: no command takes credentials. Its `_id` is the name, so that what
/// exists cannot be overwritten by an insert.
bson::document user_command(const account_step& step) {
  const auto& user = step.what.as;
  bson::builder command;
  if (step.action == account_action::replace) {
    command.append("update", "system.users").open_array("updates").open_document("0");
    command.open_document("q").append("_id", user.id.to_string()).close();
    command.append("u", user.stored).close().close();
  } else {
    command.append("insert", "system.users").open_array("documents").append("0", user.stored).close();
  }
  append_majority(command);
  return command.finish();
}

bson::document drop_command(const account_step& step) {
  bson::builder command;
  command.append("dropUser", step.what.as.id.name);
  append_majority(command);
  return command.finish();
}

std::optional<error> write_error(bson::document_view reply, const std::string& host) {
  const auto field = reply.at("writeErrors", "0");
  const auto first = field ? field.as_document() : std::nullopt;
  if (!first) return wire::write_concern_error_of_reply(reply, host);
  const auto words = first->find("errmsg");
  const auto code = first->find("code");
  return error{error_kind::server,
               host + ": " + std::string(words ? words.as_string().value_or("") : "the write was refused"),
               static_cast<std::int32_t>(code ? code.to_int64().value_or(0) : 0),
               {}};
}

/// What a server says of a command that holds credentials: it may repeat them ("not authorized on admin to execute
/// command { insert: ..."), so that its words stay behind, and its code does not.
error without_words(error said, const account& of, const std::string& host) {
  if (said.kind != error_kind::server) return said;
  std::string code = "code " + std::to_string(said.server_code);
  if (!said.server_code_name.empty()) code = said.server_code_name + ", " + code;
  said.message = host + ": writing the user " + of.id.to_string() + " failed (" + code + ")";
  if (said.server_code == wire::unauthorized) said.message += "; the role restore holds what it takes";
  return said;
}

constexpr std::int32_t role_exists = 51002;

/// It was not there when we looked: made by us, and the answer was lost, or by somebody else. Who looks again knows.
bool has_come_up(const error& said, const account_step& step) {
  return step.action == account_action::make && said.kind == error_kind::server &&
         (said.server_code == wire::duplicate_key || said.server_code == role_exists);
}

/// About this account; all else ends the attempt.
bool is_about_the_account(const error& cause) {
  return cause.kind == error_kind::server && !wire::is_retryable(cause) && cause.server_code != wire::unauthorized &&
         cause.server_code != wire::out_of_disk_space && cause.server_code != wire::user_writes_blocked;
}

class attempt {
 public:
  attempt(account_job& job, state::checkpoint& notes, runtime::cancel_scope& scope)
      : job_(job), notes_(notes), scope_(scope) {}

  task<result<account_report>> run() {
    SLUICE_CO_TRY(from_, co_await cluster::connect_primary(job_.source, scope_, job_.patience));
    SLUICE_CO_TRY(to_, co_await cluster::connect_primary(job_.destination, scope_, job_.patience));
    SLUICE_CO_TRYV(co_await read());
    account_plan plan = plan_accounts(chosen_, present_);
    report_ = {plan.roles_done, plan.users_done, std::move(plan.skipped)};
    SLUICE_CO_TRYV(co_await note(plan.steps));
    for (const auto& step : plan.steps) {
      const bool is_drop = step.action == account_action::drop;
      auto lacks = is_drop ? std::nullopt : lacking_role(step.what.as, present_.roles_there);
      if (lacks) {
        skip(step, *std::move(lacks));
        continue;
      }
      auto made = co_await make(step);
      if (!made && !is_about_the_account(made.error())) co_return made.error();
      if (!made) {
        skip(step, "the destination refuses it: " + made.error().message);
        continue;
      }
      if (is_drop) continue;
      const bool is_role = step.what.as.kind == account_kind::role;
      ++(is_role ? report_.roles_copied : report_.users_copied);
      if (is_role) present_.roles_there.insert(step.what.as.id);
      runtime::failure_point("account_made");
    }
    co_return std::move(report_);
  }

 private:
  task<result<>> read() {
    SLUICE_CO_TRY(const auto own, co_await read_own_logins(*from_));
    SLUICE_CO_TRY(const auto all, co_await read_source_accounts(*from_));
    SLUICE_CO_TRY(chosen_, choose_accounts(all, job_.scope, own));
    SLUICE_CO_TRY(present_, co_await read_destination_accounts(*to_, chosen_));
    SLUICE_CO_TRY(const auto noted, co_await notes_.load(notes_collection));
    for (const auto& one : noted) {
      present_.made_by_this_run.emplace(one.view().find("_id").as_string().value_or(""));
    }
    co_return ok();
  }

  /// Before anything is made: whoever finds one of these later knows that this run has made it.
  task<result<>> note(std::vector<account_step> steps) {
    std::vector<bson::document> marks;
    for (const auto& step : steps) {
      if (step.action == account_action::drop || present_.made_by_this_run.contains(mark_of(step.what.as))) continue;
      bson::builder mark;
      mark.append("_id", mark_of(step.what.as));
      marks.push_back(mark.finish());
    }
    if (!marks.empty()) {
      SLUICE_CO_TRYV(co_await notes_.add(notes_collection, std::move(marks)));
    }
    runtime::failure_point("accounts_noted");
    co_return ok();
  }

  task<result<>> make(account_step step) {
    const bool is_role = step.what.as.kind == account_kind::role;
    state::write_permission may_write = [this] { return notes_.lease_is_fresh(); };
    SLUICE_CO_TRYV(co_await state::wait_until_permitted(std::move(may_write), scope_));
    const bool is_drop = step.action == account_action::drop;
    bson::document command = is_drop ? drop_command(step) : is_role ? role_command(step) : user_command(step);
    const std::string database = is_drop || is_role ? step.what.as.id.database : "admin";
    const std::string host = to_->host().to_string();
    const auto answer = co_await to_->run(database, std::move(command));
    auto refused = answer ? write_error(answer.value().body, host) : std::optional(answer.error());
    if (!refused) co_return ok();
    if (has_come_up(*refused, step)) {
      co_return failure(error_kind::timeout, host + ": " + step.what.as.id.to_string() + " has come up meanwhile");
    }
    if (is_drop || is_role) co_return *std::move(refused);
    co_return without_words(*std::move(refused), step.what.as, host);
  }

  void skip(const account_step& step, std::string reason) {
    report_.skipped.push_back({step.what.as.kind, step.what.source_name, std::move(reason)});
  }

  account_job& job_;
  state::checkpoint& notes_;
  runtime::cancel_scope& scope_;
  std::unique_ptr<wire::connection> from_;
  std::unique_ptr<wire::connection> to_;
  chosen_accounts chosen_;
  present_accounts present_;
  account_report report_;
};

}  // namespace

task<result<account_plan>> preview_accounts(wire::connection& source, wire::connection& destination,
                                            cluster::migration_scope scope) {
  SLUICE_CO_TRYV(co_await check_account_privileges(source, cluster::role::source));
  SLUICE_CO_TRYV(co_await check_account_privileges(destination, cluster::role::destination));
  SLUICE_CO_TRY(const auto own, co_await read_own_logins(source));
  SLUICE_CO_TRY(const auto all, co_await read_source_accounts(source));
  SLUICE_CO_TRY(const auto chosen, choose_accounts(all, scope, own));
  SLUICE_CO_TRY(const auto present, co_await read_destination_accounts(destination, chosen));
  co_return plan_accounts(chosen, present);
}

task<result<account_report>> copy_accounts(account_job job, state::checkpoint& notes, runtime::cancel_scope& scope) {
  auto once = [&]() -> task<result<account_report>> {
    attempt one(job, notes, scope);
    co_return co_await one.run();
  };
  co_return co_await wire::retry(once, job.patience, scope);
}

}  // namespace sluice::accounts
