// A view's definition under other names: what it is made of is called otherwise on the destination. Plain functions.
#pragma once

#include "bson/document.hpp"
#include "engine/cluster/namespace_map.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::cluster {

/// The options of the source's view `view` (viewOn, pipeline, collation) as its destination is to have them: the names
/// in viewOn, $lookup, $graphLookup and $unionWith, also of stages inside of these and of $facet. Error (refused): it
/// would be in another database than what it is made of, which no server takes.
[[nodiscard]] result<bson::document> view_on_destination(const namespace_map& map, const namespace_name& view,
                                                         bson::document_view options);

}  // namespace sluice::cluster
