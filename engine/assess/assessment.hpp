// An assessment from its first question to its last: everything that can be told about a migration before it begins.
// Writes nothing, on either side, and leaves a run between the same two alone.
#pragma once

#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "engine/assess/findings.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/session/settings.hpp"

namespace sluice::assess {

struct assess_settings {
  session::sync_settings run;  // of the migration that is thought of; only its URIs, filters, memory and spool count
  std::string why_epoll;       // as the program has found out; empty: io_uring, or by choice
};

/// On one lane, with connections of its own. Error: cancelled, or what is wrong with the settings (configuration);
/// whatever the deployments answer, or do not, is in the report.
[[nodiscard]] task<result<report>> assess(boost::asio::any_io_executor lane, assess_settings settings,
                                          runtime::cancel_scope& scope);

}  // namespace sluice::assess
