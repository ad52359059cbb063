// A map under one lock.
#include "tests/loopback/catalog.hpp"

#include <algorithm>
#include <cstring>
#include <random>

namespace sluice::loopback {

bson::document id_index() {
  bson::builder index;
  index.append("v", 2).open_document("key").append("_id", 1).close().append("name", "_id_");
  return index.finish();
}

std::shared_ptr<collection> catalog::find(std::string_view full_name) const {
  const std::lock_guard lock(mutex_);
  const auto found = collections_.find(full_name);
  return found == collections_.end() ? nullptr : found->second;
}

std::string catalog::name_of(bson::binary_view uuid) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, one] : collections_) {
    if (std::ranges::equal(one->uuid, uuid.data)) return name;
  }
  return {};
}

std::array<std::byte, 16> catalog::next_uuid() {
  std::mt19937_64 random(seed_ * 1'000'003 + ++created_);
  std::array<std::byte, 16> uuid{};
  for (std::size_t half = 0; half < 2; ++half) {
    const std::uint64_t bits = random();
    std::memcpy(uuid.data() + half * 8, &bits, sizeof bits);
  }
  uuid[6] = (uuid[6] & std::byte{0x0F}) | std::byte{0x40};  // version 4
  uuid[8] = (uuid[8] & std::byte{0x3F}) | std::byte{0x80};
  return uuid;
}

std::pair<std::shared_ptr<collection>, bool> catalog::create(std::string_view full_name) {
  const std::lock_guard lock(mutex_);
  const auto found = collections_.find(full_name);
  if (found != collections_.end()) return {found->second, false};
  auto made = std::make_shared<collection>();
  made->uuid = next_uuid();
  made->indexes.push_back(id_index());
  collections_.emplace(full_name, made);
  return {made, true};
}

bool catalog::drop(std::string_view full_name) {
  const std::lock_guard lock(mutex_);
  const auto found = collections_.find(full_name);
  if (found == collections_.end()) return false;
  collections_.erase(found);
  return true;
}

std::uint64_t catalog::drop_database(std::string_view database) {
  const std::string prefix = std::string(database) + ".";
  const std::lock_guard lock(mutex_);
  return std::erase_if(collections_, [&](const auto& entry) { return entry.first.starts_with(prefix); });
}

bool catalog::rename(std::string_view from, std::string_view to, bool drop_target) {
  const std::lock_guard lock(mutex_);
  const auto source = collections_.find(from);
  const auto target = collections_.find(to);
  if (source == collections_.end() || (target != collections_.end() && !drop_target)) return false;
  auto moved = source->second;
  collections_.erase(source);
  collections_.insert_or_assign(std::string(to), std::move(moved));
  return true;
}

std::vector<std::pair<std::string, std::shared_ptr<collection>>> catalog::list(std::string_view database) const {
  const std::string prefix = database.empty() ? std::string() : std::string(database) + ".";
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, std::shared_ptr<collection>>> listed;
  for (const auto& [name, one] : collections_) {
    if (name.starts_with(prefix)) listed.emplace_back(name, one);
  }
  return listed;
}

void catalog::change(collection& which, const std::function<void(collection&)>& change) const {
  const std::lock_guard lock(mutex_);
  change(which);
}

}  // namespace sluice::loopback
