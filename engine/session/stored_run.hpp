// A run that an earlier process left on one of two deployments: found before anybody says which of them is the source.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/session/lifecycle.hpp"
#include "engine/session/settings.hpp"

namespace sluice::session {

struct stored_run {
  bool swapped = false;  // it goes from settings.destination_uri to settings.source_uri
  wish wanted = wish::run;
  std::optional<index_building> build_indexes;
  std::vector<std::string> include, exclude;
  std::vector<cluster::remap> remaps;
  cluster::document_filter documents;
  std::optional<cluster::sharding_choice> sharding;
  bool beside_others = false;
  bool reversible = false;
  bool reversed = false;
};

/// Looks at both deployments for the checkpoint of a live sync between them. Nothing: there is none. Errors: one of
/// them cannot be asked.
[[nodiscard]] task<result<std::optional<stored_run>>> find_stored_run(copy_settings settings,
                                                                      runtime::cancel_scope& scope);

}  // namespace sluice::session
