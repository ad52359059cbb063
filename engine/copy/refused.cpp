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
  const bool kept = first_.size() < limits::refused_documents_kept;
  if (kept && !known_.insert(key_of(document)).second) return;
  ++counts_[document.ns];
  counts_unsaved_.insert(document.ns);
  if (kept) first_.push_back(std::move(document));
}

std::map<std::string, std::int64_t> refused_list::counts() const {
  const std::scoped_lock lock(mutex_);
  return counts_;
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
  for (const std::string& ns : counts_unsaved_) {
    bson::builder out;
    out.append("_id", ns).append("ns", ns).append("count", counts_.at(ns));
    documents.push_back(out.finish());
  }
  counts_unsaved_.clear();
  return documents;
}

void refused_list::restore(bson::document_view stored) {
  const auto text = [&stored](std::string_view key) { return std::string(stored.find(key).as_string().value_or("")); };
  const std::scoped_lock lock(mutex_);
  if (const auto count = stored.find("count").to_int64()) {
    counts_[text("ns")] = *count;
    return;
  }
  refused one{text("ns"), text("id"), static_cast<std::int32_t>(stored.find("code").to_int64().value_or(0)),
              text("message")};
  if (known_.insert(key_of(one)).second) first_.push_back(std::move(one));
  saved_ = first_.size();
}

void refused_list::clear() {
  const std::scoped_lock lock(mutex_);
  counts_.clear();
  counts_unsaved_.clear();
  saved_ = 0;
  known_.clear();
  first_.clear();
}

}  // namespace sluice::copy
