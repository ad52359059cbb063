#include "engine/session/hold_lease.hpp"

#include <utility>

#include "engine/runtime/task_group.hpp"

namespace sluice::session {

task<result<>> hold_lease(boost::asio::any_io_executor control, sluice::state::checkpoint& of,
                          runtime::cancel_scope& scope, task<result<>> work) {
  runtime::cancel_scope until;
  runtime::task_group holding(control, scope);
  holding.spawn(of.keep_lease(until));
  auto outcome = co_await std::move(work);
  until.cancel();
  auto held = co_await holding.join();
  if (held.has_error() && held.error().kind != error_kind::cancelled) co_return held.error();
  co_return outcome;
}

}  // namespace sluice::session
