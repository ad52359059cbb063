#include "engine/state/write_permission.hpp"

#include <chrono>

#include <boost/asio/awaitable.hpp>

#include "engine/runtime/log.hpp"
#include "engine/runtime/sleep.hpp"

namespace sluice::state {

namespace {

constexpr auto look_again = std::chrono::milliseconds(50);

}  // namespace

task<result<>> wait_until_permitted(write_permission may, runtime::cancel_scope& scope) {
  if (!may || may()) co_return ok();
  log(log_level::warn, "checkpoint", "The lease has not been renewed for too long; writing waits for it");
  while (!may()) {
    const bool slept = co_await runtime::sleep_for(look_again, scope);
    if (!slept) co_return failure(error_kind::cancelled, "cancelled while the lease was waited for");
  }
  co_return ok();
}

}  // namespace sluice::state
