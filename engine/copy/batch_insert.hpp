// One batch into the destination: as it is, and in halves where the server refuses or drops the whole.
#pragma once

#include <cstdint>

#include "bson/document_view.hpp"
#include "engine/copy/worker.hpp"
#include "engine/plan/partition.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/bulk_write.hpp"

namespace sluice::copy {

struct batch_outcome {
  std::int64_t documents = 0;  // in the batch, as the server counted them
  std::int64_t duplicates = 0;
  std::int64_t refused = 0;  // each is in the worker's refused list
  wire::write_term term;
  bool mixed_terms = false;  // its pieces were acknowledged in more than one term
};

/// Sends an array of documents to `what`'s namespace. Lost connections and elections are survived: the batch is sent
/// again (every document that arrived before is then a duplicate). Documents the server refuses are recorded, not
/// returned. Errors: not retryable, or the destination was out of reach for longer than the worker is patient.
[[nodiscard]] task<result<batch_outcome>> insert_batch(worker& w, const plan::partition& what,
                                                       bson::bytes_view documents);

}  // namespace sluice::copy
