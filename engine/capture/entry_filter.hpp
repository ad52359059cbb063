// Decides from an oplog entry's bytes, before anything is copied or built, whether it is captured. The entry is only
// framed when it comes here: nothing may be read past its bounds, and what is captured is validated where it is read.
//
// The sketch: a dozen fields are stepped over by their lengths (`o` in one step) and the namespace is looked up once:
// no allocation, about 0.1 µs an entry. Commands are rare and are validated whole.
#pragma once

#include <cstdint>
#include <string_view>

#include "bson/document_view.hpp"
#include "engine/capture/oplog_entry_filter.hpp"
#include "engine/cluster/catalog.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/optime.hpp"

namespace sluice::capture {

struct entry_verdict {
  wire::optime at;
  bool wanted = false;
};

class entry_filter {
 public:
  explicit entry_filter(cluster::namespace_filter filter) : namespaces_(std::move(filter)) {}

  /// Wanted: changes of collections inside the filter; commands that name one of them, or a whole database that it may
  /// take from; everything of transactions (only their operations tell); operations that are unknown, so that they end
  /// the migration where they are read. Left out: no-ops, index builds that begin or fail, everything else. Error
  /// (protocol): the bytes are no oplog entry.
  [[nodiscard]] result<entry_verdict> judge(bson::bytes_view entry);

 private:
  [[nodiscard]] result<bool> wants_command(bson::bytes_view entry, const oplog_entry& read);

  oplog_entry_filter namespaces_;
};

}  // namespace sluice::capture
