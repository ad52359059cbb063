#include "engine/copy/refused.hpp"

#include <utility>

#include "engine/runtime/limits.hpp"

namespace sluice::copy {

namespace {

std::string key_of(const refused& document) {
  return document.ns + "/" + document.id_json;
}

}  // namespace

void refused_list::add(refused document) {
  const std::scoped_lock lock(mutex_);
  // A batch that is sent again names its documents again. Past the bound they are no longer told apart.
  if (first_.size() >= limits::refused_documents_kept) {
    ++count_;
  } else if (known_.insert(key_of(document)).second) {
    ++count_;
    first_.push_back(std::move(document));
  }
}

std::int64_t refused_list::count() const {
  const std::scoped_lock lock(mutex_);
  return count_;
}

std::vector<refused> refused_list::first() const {
  const std::scoped_lock lock(mutex_);
  return first_;
}

std::vector<bson::document> refused_list::take_unsaved() {
  const std::scoped_lock lock(mutex_);
  std::vector<bson::document> documents;
  for (; saved_ < first_.size(); ++saved_) {
    const refused& one = first_[saved_];
    bson::builder out;
    out.append("_id", key_of(one)).append("ns", one.ns).append("id", one.id_json);
    out.append("code", one.code).append("message", one.message);
    documents.push_back(out.finish());
  }
  return documents;
}

void refused_list::restore(bson::document_view stored) {
  const auto text = [&stored](std::string_view key) { return std::string(stored.find(key).as_string().value_or("")); };
  add({text("ns"), text("id"), static_cast<std::int32_t>(stored.find("code").to_int64().value_or(0)), text("message")});
  const std::scoped_lock lock(mutex_);
  saved_ = first_.size();
}

void refused_list::clear() {
  const std::scoped_lock lock(mutex_);
  count_ = 0;
  saved_ = 0;
  known_.clear();
  first_.clear();
}

}  // namespace sluice::copy
