// Whether an update may change by which shard its document is kept. Plain functions.
#pragma once

#include "bson/document_view.hpp"
#include "engine/apply/window.hpp"

namespace sluice::apply {

/// May this update change a field of the shard key? False alarms only cost time. `key` as in target::shard_key.
[[nodiscard]] bool may_change_shard_key(const document_write& update, bson::document_view key) noexcept;

}  // namespace sluice::apply
