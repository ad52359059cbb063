// Documents as they are at the source now, read by `_id` and name through a mongos.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bson/document_view.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::capture {

/// Some documents' names: a collection, and `_id`s in it (views; the same one may be there twice).
using wanted_documents = std::map<std::string, std::vector<bson::element_view>, std::less<>>;

class read_documents {
 public:
  /// Nothing: it was not there.
  [[nodiscard]] std::optional<bson::document_view> find(std::string_view ns, bson::element_view id) const;

 private:
  friend task<result<std::optional<read_documents>>> read_again(wire::connection&, const wanted_documents&,
                                                                bson::timestamp);
  std::vector<wire::reply> replies_;
  std::map<std::string, bson::document_view, std::less<>> found_;
};

/// What names one document in one collection, however its `_id` is written.
[[nodiscard]] std::string document_name(std::string_view ns, bson::element_view id);

/// One find a collection, majority, at or after `after`. Nothing: they are larger together than a reply may be (16
/// MiB): ask for fewer. One alone always fits. `wanted` must stay.
[[nodiscard]] task<result<std::optional<read_documents>>> read_again(wire::connection& source,
                                                                     const wanted_documents& wanted,
                                                                     bson::timestamp after);

}  // namespace sluice::capture
