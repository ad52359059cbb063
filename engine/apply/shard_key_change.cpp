#include "engine/apply/shard_key_change.hpp"

#include <string_view>

#include "engine/cluster/shard_key.hpp"

namespace sluice::apply {

namespace {

std::string_view outermost(std::string_view path) {
  return path.substr(0, path.find('.'));
}

bool names_part_of_key(bson::document_view fields, bson::document_view key) {
  for (const auto field : fields) {
    if (cluster::is_part_of_key(key, outermost(field.key()))) return true;
  }
  return false;
}

/// {u, i, d: {field: …}, sField: {…}}: what is inside a field counts as the field.
bool diff_reaches_key(bson::document_view diff, bson::document_view key) {
  for (const auto section : diff) {
    const std::string_view name = section.key();
    const auto fields = section.as_document();
    if (!fields) return true;
    if (name == "u" || name == "i" || name == "d") {
      for (const auto field : *fields) {
        if (cluster::is_part_of_key(key, field.key())) return true;
      }
    } else if (name.empty() || name.front() != 's' || cluster::is_part_of_key(key, name.substr(1))) {
      return true;
    }
  }
  return false;
}

bool stage_reaches_key(bson::document_view stage, bson::document_view key) {
  const auto diff = stage.at("$_internalApplyOplogUpdate", "oplogUpdate", "diff").as_document();
  return !diff || diff_reaches_key(*diff, key);
}

}  // namespace

bool may_change_shard_key(const document_write& update, bson::document_view key) noexcept {
  if (update.has_pipeline) {
    for (const auto each : update.pipeline) {
      const auto stage = each.as_document();
      if (!stage || stage_reaches_key(*stage, key)) return true;
    }
    return false;
  }
  for (const auto part : update.document) {
    const auto fields = part.as_document();
    if (!fields || names_part_of_key(*fields, key)) return true;
  }
  return false;
}

}  // namespace sluice::apply
