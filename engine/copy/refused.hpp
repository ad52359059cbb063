// Documents that the destination would not take: counted all, the first of them kept with what the server said.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "bson/document.hpp"

namespace sluice::copy {

struct refused {
  std::string ns;
  std::string id_json;  // the document's _id as extended JSON
  std::int32_t code = 0;
  std::string message;  // the server's words
};

/// Any thread; touched only when something went wrong.
class refused_list {
 public:
  void add(refused document);
  /// By namespace.
  [[nodiscard]] std::map<std::string, std::int64_t> counts() const;
  [[nodiscard]] std::vector<refused> first() const;  // at most limits::refused_documents_kept

  /// What the checkpoint does not hold yet, as documents for it; a restart reads them back with restore().
  [[nodiscard]] std::vector<bson::document> take_unsaved();
  void restore(bson::document_view stored);
  /// Before a checkpoint is restored: nothing is known.
  void clear();

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::int64_t> counts_;
  std::set<std::string> counts_unsaved_;  // namespaces
  std::size_t saved_ = 0;                 // of `first_`
  std::set<std::string> known_;
  std::vector<refused> first_;
};

}  // namespace sluice::copy
