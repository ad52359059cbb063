// The destination's collections around the data: created before it, given their final bounds after it.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "engine/cluster/catalog.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/state/write_permission.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::copy {

/// Creates it with every option of the source, and shards it if it is to be; one that exists already is taken as made
/// by an earlier attempt.
[[nodiscard]] task<result<>> create_collection(wire::connection& to, const cluster::collection_info& info);
/// One that does not exist is no error.
[[nodiscard]] task<result<>> drop_collection(wire::connection& to, cluster::namespace_name ns);
/// Capped collections get their size and count back (they are huge while data is copied), clustered and time-series
/// ones their expiry (it sleeps meanwhile).
[[nodiscard]] task<result<>> restore_options(wire::connection& to, const cluster::collection_info& info);

/// Runs one of the above for many collections over several connections, surviving elections. `each` is called on the
/// calling lane, once writing is permitted; the first error that is not retryable ends all.
using collection_step = std::function<task<result<>>(wire::connection&, const cluster::collection_info&)>;
[[nodiscard]] task<result<>> for_each_collection(cluster::deployment to,
                                                 std::vector<const cluster::collection_info*> collections,
                                                 collection_step each, runtime::cancel_scope& scope,
                                                 std::chrono::milliseconds patience, state::write_permission may_write);

}  // namespace sluice::copy
