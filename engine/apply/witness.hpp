// Who wants to hear what the applier is about to do.
#pragma once

#include "bson/document_view.hpp"
#include "engine/apply/window.hpp"

namespace sluice::apply {

/// Called on the applier's lane; nothing that it is given outlives the call.
class witness {
 public:
  virtual ~witness() = default;
  /// These writes are about to be sent.
  virtual void sees_writes(const write_plan& plan) = 0;
  /// This document was brought by itself, as it is on the source now.
  virtual void sees_document(const target& of, bson::element_view id) = 0;
  /// A catalog change was applied.
  virtual void sees_catalog_change() = 0;

 protected:
  witness() = default;
  witness(const witness&) = delete;
  witness& operator=(const witness&) = delete;
};

}  // namespace sluice::apply
