// A catalog as documents for the checkpoint, and back: a restart goes on with the very catalog that the run began with.
// Loses nothing; never asks a server.
//
// Options and index specs are kept as the bytes they are, in binary fields: a server that stores them would object to
// some of their names and replace some of their values.
#pragma once

#include <vector>

#include "bson/document.hpp"
#include "engine/cluster/catalog.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::cluster {

/// {_id: "database.collection", ...}.
[[nodiscard]] bson::document to_document(const collection_info& info);
/// Error (refused): the document is damaged, or another program's; names the collection and the field.
[[nodiscard]] result<collection_info> collection_from(bson::document_view stored);

[[nodiscard]] std::vector<bson::document> to_documents(const catalog& whole);
/// In any order: the catalog is sorted again.
[[nodiscard]] result<catalog> catalog_from(const std::vector<bson::document>& stored);

}  // namespace sluice::cluster
