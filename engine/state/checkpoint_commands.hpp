// Pieces of commands that the checkpoint's files have in common.
#pragma once

#include "bson/document.hpp"

namespace sluice::state {

inline void append_majority(bson::builder& to) {
  to.open_document("writeConcern").append("w", "majority").close();
}

/// The one update statement of a command.
inline bson::document update_command(std::string_view collection, bson::document_view filter,
                                     bson::document_view update, bool upsert) {
  bson::builder command;
  command.append("update", collection).open_array("updates").open_document("0");
  command.append("q", filter).append("u", update).append("upsert", upsert).close().close();
  append_majority(command);
  return command.finish();
}

}  // namespace sluice::state
