// From a catalog, as engine/cluster reads it, to what an assessment says about it. Plain functions of their arguments.
#pragma once

#include "engine/assess/catalog.hpp"
#include "engine/cluster/catalog.hpp"

namespace sluice::assess {

/// Everything but `problem`, `sized`, `indexed`, `search_indexes`, `query_settings`, `idle_rules` and `refused_choice`.
[[nodiscard]] catalog_facts summarize(const cluster::catalog& of);

/// Pairs of one unique and one other index on the same key, as "name / name".
[[nodiscard]] std::vector<std::string> twin_indexes(const cluster::collection_info& of);

}  // namespace sluice::assess
