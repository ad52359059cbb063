// The original's metrics under its names, so that charts that were made for it go on.
#pragma once

#include "engine/http/exposition.hpp"
#include "engine/session/progress.hpp"

namespace sluice::http {

/// Names, kinds and units are those by which the vendor's own viewer of such metrics draws them (mongosync_insights of
/// github.com/mongodb/support-tools, mongosync_metrics.json): lags in seconds, durations in milliseconds. What measures
/// a part that Sluice has not is left out; docs/compatibility.md lists it.
void add_metrics_of_original(exposition& out, const session::progress& now);

}  // namespace sluice::http
