// What becomes of a change where only some documents are migrated. A plain function of the change: an entry tells the
// whole document, or a difference to one that only the source knows.
#pragma once

#include <cstdint>

#include "engine/capture/change.hpp"
#include "engine/cluster/document_filter.hpp"

namespace sluice::apply {

enum class filtered : std::uint8_t {
  applied,     // as it is: of a document that is not there it changes nothing
  left_out,    // brings a document that is not migrated
  removed,     // the document is none that is migrated any more, if it was one
  read_again,  // its field changes, by which it may come in or go: the source must be asked for what it is now
};

/// Of an insert, update or remove.
[[nodiscard]] filtered judge(const cluster::document_filter& filter, const capture::change& one) noexcept;

}  // namespace sluice::apply
