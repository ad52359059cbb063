// Linear probing over small buckets: one cache miss to find that a document is new.
#include "engine/apply/coalesce_table.hpp"

#define XXH_INLINE_ALL
#include <algorithm>
#include <cstring>
#include <span>
#include <string>

#include <xxhash.h>

#include "bson/bytes.hpp"
#include "bson/id_key.hpp"

namespace sluice::apply {

namespace {

void put(std::vector<std::byte>& key, bson::type tag, bson::bytes_view value) {
  key.resize(1 + value.size());
  key[0] = static_cast<std::byte>(tag);
  if (!value.empty()) std::memcpy(key.data() + 1, value.data(), value.size());
}

}  // namespace

void write_id_key(bson::element_view id, std::vector<std::byte>& key) {
  switch (id.type()) {
    case bson::type::object_id:
    case bson::type::string:
    case bson::type::binary:
    case bson::type::date_time:
    case bson::type::int64:
      return put(key, id.type(), id.value());
    case bson::type::int32: {
      const std::int64_t wide = bson::load<std::int32_t>(id.value().data());
      return put(key, bson::type::int64, std::as_bytes(std::span(&wide, 1)));
    }
    default: {
      const std::string made = bson::id_key(id);
      const auto bytes = std::as_bytes(std::span(made));
      key.assign(bytes.begin(), bytes.end());
    }
  }
}

document_changes& coalesce_table::at(std::uint32_t collection, bson::bytes_view key, arena& keys) {
  if (2 * (entries_.size() + 1) > buckets_.size()) grow();
  const auto hash = static_cast<std::uint32_t>(XXH3_64bits_withSeed(key.data(), key.size(), collection));
  const std::size_t mask = buckets_.size() - 1;
  std::size_t at = hash & mask;
  for (; buckets_[at].place != 0; at = (at + 1) & mask) {
    if (buckets_[at].hash != hash) continue;
    entry& found = entries_[buckets_[at].place - 1];
    if (found.collection == collection && found.key_bytes == key.size() &&
        std::memcmp(found.key, key.data(), key.size()) == 0) {
      return found.changes;
    }
  }
  const bson::bytes_view kept = keys.copy(key);
  entries_.push_back({.key = kept.data(),
                      .key_bytes = static_cast<std::uint32_t>(kept.size()),
                      .hash = hash,
                      .collection = collection,
                      .changes = {}});
  buckets_[at] = {.place = static_cast<std::uint32_t>(entries_.size()), .hash = hash};
  return entries_.back().changes;
}

void coalesce_table::grow() {
  constexpr std::size_t smallest = 1024;
  buckets_.assign(buckets_.empty() ? smallest : 2 * buckets_.size(), bucket{});
  const std::size_t mask = buckets_.size() - 1;
  for (std::uint32_t place = 1; place <= entries_.size(); ++place) {
    const std::uint32_t hash = entries_[place - 1].hash;
    std::size_t at = hash & mask;
    while (buckets_[at].place != 0) at = (at + 1) & mask;
    buckets_[at] = {.place = place, .hash = hash};
  }
}

void coalesce_table::clear() noexcept {
  if (entries_.size() * 16 > buckets_.size()) {
    std::fill(buckets_.begin(), buckets_.end(), bucket{});
  } else {  // a small window after a large one: only what it used
    const std::size_t mask = buckets_.size() - 1;
    for (std::uint32_t place = 1; place <= entries_.size(); ++place) {
      std::size_t at = entries_[place - 1].hash & mask;
      while (buckets_[at].place != place) at = (at + 1) & mask;
      buckets_[at] = {};
    }
  }
  entries_.clear();
}

}  // namespace sluice::apply
