// Pieces that the options of collections and of indexes have in common.
#pragma once

#include "bson/document.hpp"

namespace sluice::cluster {

/// `storageEngine` as far as another server can use it: the wiredTiger part without a configString that names the
/// source's encryption keys. Nothing is appended when nothing is left.
void append_storage_engine(bson::builder& into, bson::element_view storage_engine);

}  // namespace sluice::cluster
