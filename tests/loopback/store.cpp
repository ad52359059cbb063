// Every operation looks at every document of its namespace.
#include "tests/loopback/store.hpp"

#include <algorithm>

#include "bson/compare.hpp"
#include "bson/id_key.hpp"
#include "tests/loopback/match.hpp"
#include "tests/loopback/update.hpp"

namespace sluice::loopback {
namespace {

std::string key_of(bson::document_view document) {
  const auto id = document.find("_id");
  if (!id) throw unsupported("a document without _id");
  return bson::id_key(id);
}

}  // namespace

bool store::insert(std::string_view full_name, bson::document_view document) {
  const std::lock_guard lock(mutex_);
  return namespaces_[std::string(full_name)].try_emplace(key_of(document), document).second;
}

std::vector<bson::document> store::find(std::string_view full_name, bson::document_view filter) const {
  std::vector<bson::document> found;
  const std::lock_guard lock(mutex_);
  const auto collection = namespaces_.find(full_name);
  if (collection == namespaces_.end()) return found;
  for (const auto& [key, document] : collection->second) {
    if (matches(document, filter)) found.push_back(document);
  }
  std::ranges::stable_sort(found, [](const bson::document& a, const bson::document& b) {
    return bson::compare_values(a.view().find("_id"), b.view().find("_id")) < 0;
  });
  return found;
}

update_outcome store::update(std::string_view full_name, bson::document_view filter, bson::element_view update,
                             bool upsert, bool multi) {
  update_outcome outcome;
  const std::lock_guard lock(mutex_);
  auto& collection = namespaces_[std::string(full_name)];
  for (auto& [key, document] : collection) {
    if (!matches(document, filter)) continue;
    ++outcome.matched;
    bson::document changed = updated(document, update, false);
    outcome.before = document;
    outcome.after = changed;
    if (!bson::same_bytes(document, changed)) ++outcome.modified;
    document = std::move(changed);
    if (!multi) break;
  }
  if (outcome.matched > 0 || !upsert) return outcome;
  bson::document made = updated(upsert_base(filter), update, true);
  bson::builder id;
  const std::string key = key_of(made);
  id.append(made.view().find("_id"));
  if (!collection.try_emplace(key, made).second) {
    outcome.duplicate_key = true;
    return outcome;
  }
  outcome.upserted = id.finish();
  outcome.after = std::move(made);
  return outcome;
}

std::int64_t store::remove(std::string_view full_name, bson::document_view filter, bool only_one) {
  const std::lock_guard lock(mutex_);
  auto& collection = namespaces_[std::string(full_name)];
  std::int64_t removed = 0;
  for (auto at = collection.begin(); at != collection.end();) {
    if (!matches(at->second, filter)) {
      ++at;
      continue;
    }
    at = collection.erase(at);
    ++removed;
    if (only_one) break;
  }
  return removed;
}

void store::drop(std::string_view full_name) {
  const std::lock_guard lock(mutex_);
  const auto found = namespaces_.find(full_name);
  if (found != namespaces_.end()) namespaces_.erase(found);
}

void store::drop_database(std::string_view database) {
  const std::string prefix = std::string(database) + ".";
  const std::lock_guard lock(mutex_);
  std::erase_if(namespaces_, [&](const auto& entry) { return entry.first.starts_with(prefix); });
}

}  // namespace sluice::loopback
