// Servers replace a top-level Timestamp(0,0) by the current time on insert (measured on 6.0.5; later ones can be asked
// not to). Where the destination cannot be asked, such fields are found in the batch and set afterwards.
#pragma once

#include <string>
#include <vector>

#include "bson/document_view.hpp"
#include "engine/copy/worker.hpp"
#include "engine/plan/partition.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::copy {

/// The document's top-level fields, `_id` apart, that hold Timestamp(0,0). Bounds are checked.
[[nodiscard]] std::vector<std::string> zero_timestamp_fields(bson::bytes_view document);

/// Sets those fields of the batch's documents on the destination again. Runs after the batch was inserted.
[[nodiscard]] task<result<>> repair_zero_timestamps(worker& w, const plan::partition& what, bson::bytes_view documents);

}  // namespace sluice::copy
