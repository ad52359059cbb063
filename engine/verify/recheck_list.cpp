#include "engine/verify/recheck_list.hpp"

#include <algorithm>

#include "bson/bytes.hpp"

namespace sluice::verify {

namespace {

std::string key_of(bson::document_view id) {
  return std::string(bson::text_of(id.bytes()));
}

bson::document id_of(const std::string& key) {
  const auto* begin = reinterpret_cast<const std::byte*>(key.data());
  return bson::document(std::vector<std::byte>(begin, begin + key.size()));
}

}  // namespace

void recheck_list::schedule(collection_entries& in, entries::iterator at, clock::time_point due) {
  at->second.taken = false;
  in.turns.emplace(due, &at->first);
}

bool recheck_list::add(std::uint32_t collection, bson::document_view id, clock::time_point now) {
  collection_entries& of = collections_[collection];
  std::string key = key_of(id);
  if (const auto known = of.all.find(key); known != of.all.end()) {
    entry& waits = known->second;
    waits.seen = false;
    if (waits.taken) waits.changed = true;
    return true;
  }
  if (documents_ >= limits_.documents_max) return false;
  const auto made = of.all.emplace(std::move(key), entry{}).first;
  ++documents_;
  made->second.since = now;
  schedule(of, made, hurried_ ? now : now + limits_.rest);
  return true;
}

std::optional<recheck_list::batch> recheck_list::take(clock::time_point now, std::size_t most) {
  collection_entries* first = nullptr;
  batch taken;
  for (auto& [number, of] : collections_) {
    if (of.turns.empty() || of.turns.begin()->first > now) continue;
    if (first != nullptr && first->turns.begin()->first <= of.turns.begin()->first) continue;
    first = &of;
    taken.collection = number;
  }
  if (first == nullptr) return std::nullopt;
  while (taken.ids.size() < most && !first->turns.empty() && first->turns.begin()->first <= now) {
    const std::string& key = *first->turns.begin()->second;
    first->turns.erase(first->turns.begin());
    entry& one = first->all.find(key)->second;
    one.taken = true;
    one.changed = false;
    taken.ids.push_back(id_of(key));
  }
  return taken;
}

recheck_list::verdict recheck_list::answer(std::uint32_t collection, bson::document_view id, const look& seen,
                                           clock::time_point now) {
  const auto of = collections_.find(collection);
  if (of == collections_.end()) return verdict::gone;
  const auto at = of->second.all.find(key_of(id));
  if (at == of->second.all.end() || !at->second.taken) return verdict::gone;
  entry& one = at->second;
  const bool was_different = one.different;
  if (seen.source == seen.destination) {
    if (was_different) --different_;
    one.different = false;
    if (one.changed) {
      one.since = now;
      one.seen = false;
      schedule(of->second, at, hurried_ ? now : now + limits_.rest);
      return was_different ? verdict::repaired : verdict::undecided;
    }
    of->second.all.erase(at);
    --documents_;
    return was_different ? verdict::repaired : verdict::same;
  }
  const bool settled = one.seen && !one.changed && one.source == seen.source && one.source_time <= seen.applied;
  if (settled && !was_different) {
    one.different = true;
    ++different_;
  }
  one.seen = true;
  one.source = seen.source;
  one.source_time = seen.source_time;
  schedule(of->second, at, now + (one.different ? limits_.repaired : limits_.again));
  if (!one.different) return verdict::undecided;
  return was_different ? verdict::still_different : verdict::different;
}

void recheck_list::put_back(const batch& what, clock::time_point now) {
  const auto of = collections_.find(what.collection);
  if (of == collections_.end()) return;
  for (const auto& id : what.ids) {
    const auto at = of->second.all.find(key_of(id));
    if (at == of->second.all.end() || !at->second.taken) continue;
    schedule(of->second, at, now + limits_.again);
  }
}

std::size_t recheck_list::forget(std::uint32_t collection) {
  const auto of = collections_.find(collection);
  if (of == collections_.end()) return 0;
  const auto different = static_cast<std::size_t>(
      std::ranges::count_if(of->second.all, [](const auto& one) { return one.second.different; }));
  documents_ -= of->second.all.size();
  different_ -= different;
  collections_.erase(of);
  return different;
}

void recheck_list::hurry(clock::time_point now) {
  hurried_ = true;
  for (auto& [number, of] : collections_) {
    std::set<std::pair<clock::time_point, const std::string*>> turns;
    for (const auto& [due, key] : of.turns) turns.emplace(std::min(due, now), key);
    of.turns = std::move(turns);
  }
}

std::chrono::seconds recheck_list::lag(clock::time_point now) const {
  clock::duration longest{};
  for (const auto& [number, of] : collections_) {
    for (const auto& [due, key] : of.turns) {
      const entry& one = of.all.find(*key)->second;
      if (one.different) continue;
      longest = std::max(longest, now - one.since);
      break;
    }
  }
  return std::chrono::duration_cast<std::chrono::seconds>(longest);
}

}  // namespace sluice::verify
