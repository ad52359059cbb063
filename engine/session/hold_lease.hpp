// Keeps the run this process's own while something is done with it.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/state/checkpoint.hpp"

namespace sluice::session {

/// Renews the lease until `work` has ended. When the lease is lost `scope`, which `work` must be cancelled by, is
/// cancelled, and the error says who owns the run now.
[[nodiscard]] task<result<>> hold_lease(boost::asio::any_io_executor control, sluice::state::checkpoint& of,
                                        runtime::cancel_scope& scope, task<result<>> work);

}  // namespace sluice::session
