// `notablescan`, by which a server refuses queries without an index.
#pragma once

#include <optional>

#include "engine/runtime/result.hpp"

namespace sluice::wire {
class connection;
}

namespace sluice::cluster {

class document_filter;

/// Nothing where it may not be asked (getParameter: clusterMonitor), and through a mongos.
[[nodiscard]] task<std::optional<bool>> read_no_table_scan(wire::connection& node);

/// A scan that takes everything is allowed all the same, one that looks for something is not, not even with a hint
/// (6.0.27: a copy, a live sync and its restart go through with it on both sides, a document filter is answered with
/// NoQueryExecutionPlans). Error (refused): what to turn off.
[[nodiscard]] result<> check_table_scans(const std::optional<bool>& no_table_scan, const document_filter& documents);

}  // namespace sluice::cluster
