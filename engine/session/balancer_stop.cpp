#include "engine/session/balancer_stop.hpp"

#include <utility>

#include "engine/cluster/sharded_layout.hpp"
#include "engine/runtime/log.hpp"
#include "engine/session/run_facts.hpp"
#include "engine/wire/retry.hpp"

namespace sluice::session {

task<result<>> balancer_stop::begin(sluice::state::checkpoint& notes, bson::document facts) {
  if (between_.destination.kind != cluster::deployment_kind::sharded) co_return ok();
  ours_ = facts.view().find(stopped_balancer_fact).as_bool().value_or(false);
  bool is_on = false;
  auto look = [this, &is_on]() -> task<result<>> {
    SLUICE_CO_TRY(const auto to, co_await between_.open_destination());
    SLUICE_CO_TRY(is_on, co_await cluster::is_balancer_on(*to));
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await wire::retry(look, patience_, scope_));
  if (is_on && !ours_) {  // noted first, or whoever comes after a death would leave it as it finds it
    bson::builder fact;
    fact.append(stopped_balancer_fact, true);
    bson::document noted = fact.finish();
    SLUICE_CO_TRYV(co_await notes.set_facts(std::move(noted)));
    ours_ = true;
  }
  auto stop = [this]() -> task<result<>> {
    SLUICE_CO_TRY(const auto to, co_await between_.open_destination());
    co_return co_await cluster::stop_balancer(*to);
  };
  SLUICE_CO_TRYV(co_await wire::retry(stop, patience_, scope_));
  if (is_on) log(log_level::info, "session", "The destination's balancer stands still from now on");
  if (ours_) {
    board_.add_warning(
        "the balancer of the destination was stopped for this run, which starts it again at its end; do not start it "
        "before: documents could be missed while their chunk moves");
  }
  co_return ok();
}

task<result<>> balancer_stop::end() {
  if (!ours_) co_return ok();
  auto start = [this]() -> task<result<>> {
    SLUICE_CO_TRY(const auto to, co_await between_.open_destination());
    co_return co_await cluster::start_balancer(*to);
  };
  auto started = co_await wire::retry(start, patience_, scope_);
  if (started) {
    log(log_level::info, "session", "The destination's balancer goes on");
    co_return ok();
  }
  if (started.error().kind == error_kind::cancelled) co_return started;
  board_.add_warning("the balancer of the destination stands still: start it with sh.startBalancer() (" +
                     started.error().message + ")");
  co_return ok();
}

}  // namespace sluice::session
