#include "engine/session/write_blocks.hpp"

#include <utility>

#include "engine/runtime/log.hpp"
#include "engine/session/run_facts.hpp"
#include "engine/wire/retry.hpp"

namespace sluice::session {

namespace {

constexpr const char* how_to_lift = "db.adminCommand({setUserWriteBlockMode: 1, global: false}) turns it off";

bson::document fact_of(const char* name, bool value) {
  bson::builder fact;
  fact.append(name, value);
  return fact.finish();
}

}  // namespace

task<result<>> write_blocks::decide(std::optional<write_blocking> wanted, bool whole, bson::document facts) {
  destination_on_ = facts.view().find(blocks_destination_fact).as_bool().value_or(false);
  source_on_ = facts.view().find(blocks_source_fact).as_bool().value_or(false);

  cluster::write_blocking_status there;
  cluster::write_blocking_status here;
  auto look = [this, &there, &here]() -> task<result<>> {
    SLUICE_CO_TRY(const auto to, co_await between_.open_destination());
    SLUICE_CO_TRY(there, co_await cluster::read_write_blocking(*to, between_.destination));
    SLUICE_CO_TRY(const auto from, co_await between_.open_source());
    SLUICE_CO_TRY(here, co_await cluster::read_write_blocking(*from, between_.source));
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await wire::retry(look, patience_, scope_));

  if (there.on.value_or(false) && !destination_on_) {
    if (!there.may_bypass) {
      co_return failure(error_kind::refused, "the destination " + between_.destination.name() +
                                                 " refuses the writes of users, ours among them, and this run has not "
                                                 "asked it to: " +
                                                 how_to_lift);
    }
    board_.add_warning(
        "the destination refuses the writes of users since before this run, which leaves that as it is; " +
        std::string(how_to_lift));
  }
  if (here.on.value_or(false) && !source_on_) {
    board_.add_warning("the source refuses the writes of users, and this run has not asked it to; " +
                       std::string(how_to_lift));
  }

  const auto may_block_destination = cluster::check_write_blocking(there, between_.destination, true);
  if (!wanted) {
    destination_wanted_ = may_block_destination.has_value() && !there.on.value_or(false);
    if (!may_block_destination && there.has_users) {
      board_.add_warning("writes of others to the destination are not refused meanwhile: " +
                         may_block_destination.error().message);
    }
    // Before 6.0 nobody expects it.
    const bool can_refuse = here.support == cluster::write_blocking_support::available;
    const bool may_be_wanted = whole && can_refuse && here.has_users && !here.on.value_or(false);
    const auto may_block_source = cluster::check_write_blocking(here, between_.source, false);
    source_wanted_ = may_be_wanted && may_block_source.has_value();
    if (may_be_wanted && !source_wanted_) {
      board_.add_warning("writes of others to the source will not be refused from the commit on: " +
                         may_block_source.error().message);
    }
  } else if (*wanted != write_blocking::none) {
    SLUICE_CO_TRYV(may_block_destination);
    destination_wanted_ = true;
    if (*wanted == write_blocking::source_and_destination) {
      SLUICE_CO_TRYV(cluster::check_write_blocking(here, between_.source, false));
      source_wanted_ = true;
    }
  }
  destination_wanted_ = destination_wanted_ || destination_on_;
  co_return ok();
}

task<result<>> write_blocks::turn(cluster::deployment of, bool on) {
  auto set = [&of, on, this]() -> task<result<>> {
    SLUICE_CO_TRY(const auto primary, co_await cluster::connect_primary(of, scope_, patience_));
    co_return co_await cluster::set_write_blocking(*primary, of, on);
  };
  co_return co_await wire::retry(set, patience_, scope_);
}

task<result<>> write_blocks::block(cluster::deployment of, const char* fact, bool& is_on,
                                   sluice::state::checkpoint& notes) {
  bson::document noted = fact_of(fact, true);
  SLUICE_CO_TRYV(co_await notes.set_facts(std::move(noted)));
  is_on = true;
  SLUICE_CO_TRYV(co_await turn(of, true));
  log(log_level::info, "session", "The writes of users are refused from now on", {{"deployment", of.name()}});
  co_return ok();
}

task<result<>> write_blocks::lift(cluster::deployment of, const char* fact, bool& is_on,
                                  sluice::state::checkpoint& notes) {
  if (!is_on) co_return ok();
  SLUICE_CO_TRYV(co_await turn(of, false));
  is_on = false;
  log(log_level::info, "session", "The writes of users are taken again", {{"deployment", of.name()}});
  bson::document noted = fact_of(fact, false);
  co_return co_await notes.set_facts(std::move(noted));
}

task<result<>> write_blocks::block_destination(sluice::state::checkpoint& notes) {
  if (!destination_wanted_) co_return ok();
  co_return co_await block(between_.destination, blocks_destination_fact, destination_on_, notes);
}

task<result<>> write_blocks::block_source(sluice::state::checkpoint& notes) {
  if (!source_wanted_) co_return ok();
  co_return co_await block(between_.source, blocks_source_fact, source_on_, notes);
}

task<result<>> write_blocks::lift_destination(sluice::state::checkpoint& notes) {
  return lift(between_.destination, blocks_destination_fact, destination_on_, notes);
}

task<result<>> write_blocks::lift_source(sluice::state::checkpoint& notes) {
  return lift(between_.source, blocks_source_fact, source_on_, notes);
}

void write_blocks::keep_source() {
  if (!source_on_) return;
  source_on_ = false;
  board_.add_warning("the source refuses the writes of users, since the destination has taken over; " +
                     std::string(how_to_lift));
}

// The facts stay: set again by the next process, or found by it if this fails.
task<void> write_blocks::lift_all() {
  for (const bool at_source : {false, true}) {
    if (!(at_source ? source_on_ : destination_on_)) continue;
    cluster::deployment of = at_source ? between_.source : between_.destination;
    auto turn_off = [&of](runtime::cancel_scope& until) -> task<result<>> {
      SLUICE_CO_TRY(const auto primary, co_await cluster::connect_primary(of, until, limits::release_time));
      co_return co_await cluster::set_write_blocking(*primary, of, false);
    };
    const auto lifted = co_await within_release_time(control_, turn_off);
    if (!lifted) {
      log(log_level::error, "session", "The writes of users are still refused; turn that off by hand",
          {{"deployment", of.name()}, {"how", how_to_lift}, {"cause", lifted.error().message}});
    }
  }
}

}  // namespace sluice::session
