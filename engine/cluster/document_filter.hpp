// Which documents are migrated: those that have one of some values in one field. Says it to servers, so that a copy
// moves only these and looks into none of them, and tells it of a document that a change brings. Plain functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bson/document.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::cluster {

struct collection_info;

class document_filter {
 public:
  /// Every document.
  document_filter() = default;
  /// {field: "tenant", matchValues: [...]}: a top-level field, and numbers, strings, booleans, dates, ObjectIds and
  /// binary values. Error (configuration): anything else.
  [[nodiscard]] static result<document_filter> of(bson::document_view given);

  [[nodiscard]] bool is_everything() const noexcept { return field_.empty(); }
  [[nodiscard]] const std::string& field() const noexcept { return field_; }
  /// As it was given, for the checkpoint; {} for everything.
  [[nodiscard]] const bson::document& given() const noexcept { return given_; }
  /// What a find takes: {field: {$in: [...]}}; {} for everything.
  [[nodiscard]] const bson::document& query() const noexcept { return query_; }
  /// As the server matches the query without a collation: the value itself, or an element of an array.
  [[nodiscard]] bool matches(bson::document_view document) const noexcept;

  /// Why documents of this collection cannot be chosen so, as a sentence; nothing when they can.
  [[nodiscard]] std::optional<std::string> reason_against(const collection_info& info) const;

 private:
  [[nodiscard]] bool holds(bson::element_view value) const noexcept;

  std::string field_;
  bool has_strings_ = false;
  bson::document given_;
  bson::document query_;
};

}  // namespace sluice::cluster
