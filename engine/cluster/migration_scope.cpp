#include "engine/cluster/migration_scope.hpp"

#include <memory>
#include <utility>

#include "engine/cluster/catalog.hpp"

namespace sluice::cluster {

namespace_filter migration_scope::filter_of_destination() const {
  namespace_filter there = filter;
  if (!names.is_identity()) there.seen_through = std::make_shared<const namespace_map>(names);
  return there;
}

result<std::vector<std::string>> remaps_without_effect(const migration_scope& scope,
                                                       const std::vector<namespace_name>& names) {
  std::vector<namespace_name> migrated;
  for (const namespace_name& ns : names) {
    SLUICE_TRY(const bool covered, scope.filter.covers(ns));
    if (covered) migrated.push_back(ns);
  }
  return scope.names.rules_without_effect(migrated);
}

void leave_out_others(catalog& of, const migration_scope& scope) {
  if (!scope.beside_others) return;
  std::erase_if(of.collections, [&scope](const collection_info& info) {
    return info.kind == collection_kind::view || scope.foreign.contains(info.ns);
  });
}

result<> narrow(catalog& of, const migration_scope& to) {
  if (to.beside_others) {
    std::erase_if(of.collections, [](const collection_info& info) { return info.kind == collection_kind::view; });
  }
  for (collection_info& info : of.collections) {
    if (auto reason = to.documents.reason_against(info)) return failure(error_kind::refused, *std::move(reason));
    if (const auto* key = to.sharding.key_of(info.ns)) info.shard_key = *key;
  }
  return rename_for_destination(of, to.names);
}

}  // namespace sluice::cluster
