#include "engine/verify/roll.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace sluice::verify {

namespace {

constexpr std::int64_t unknown_bytes = std::int64_t{1} << 40U;

}  // namespace

bool roll::is(const entry& one, const cluster::collection_info& as) {
  return as.uuid.empty() ? one.info.uuid.empty() && one.info.ns == as.ns : one.info.uuid == as.uuid;
}

bool roll::knows(const cluster::collection_info& as) const {
  return as.uuid.empty() ? std::ranges::any_of(all_, [&as](const auto& one) { return is(one.second, as); })
                         : by_uuid_.contains(as.uuid);
}

std::vector<std::uint32_t> roll::update(cluster::catalog now) {
  std::set<std::uint32_t> there;
  by_destination_.clear();
  by_uuid_.clear();
  for (auto& info : now.collections) {
    if (info.kind == cluster::collection_kind::view) continue;
    auto at = std::ranges::find_if(all_, [&info](const auto& one) { return is(one.second, info); });
    if (at == all_.end()) {
      at = all_.emplace(next_number_++, entry{}).first;
      at->second.first = !listed_;
    } else if (at->second.info.ns != info.ns || at->second.info.destination_ns() != info.destination_ns()) {
      if (at->second.now == state::begun) again(at->first);  // it was being read under its old name
    }
    if (at->second.info.documents > 0 || at->second.info.data_bytes > 0) {
      info.documents = at->second.info.documents;
      info.data_bytes = at->second.info.data_bytes;
      info.average_document_bytes = at->second.info.average_document_bytes;
    }
    at->second.info = std::move(info);
    there.insert(at->first);
    if (!at->second.info.uuid.empty()) by_uuid_[at->second.info.uuid] = at->first;
    by_destination_[at->second.info.destination_data_ns().to_string()] = at->first;
  }
  listed_ = true;
  std::vector<std::uint32_t> gone;
  for (const auto& [number, one] : all_) {
    if (!there.contains(number)) gone.push_back(number);
  }
  for (const auto number : gone) all_.erase(number);
  return gone;
}

std::optional<std::uint32_t> roll::waiting() const {
  std::optional<std::uint32_t> largest;
  std::int64_t bytes = -1;
  for (const auto& [number, one] : all_) {
    if (one.now != state::waiting || one.info.data_bytes <= bytes) continue;
    largest = number;
    bytes = one.info.data_bytes;
  }
  return largest;
}

const cluster::collection_info* roll::info(std::uint32_t collection) const {
  const auto at = all_.find(collection);
  return at == all_.end() ? nullptr : &at->second.info;
}

void roll::set_sizes(std::uint32_t collection, const cluster::collection_info& from) {
  const auto at = all_.find(collection);
  if (at == all_.end()) return;
  at->second.info.documents = from.documents;
  at->second.info.data_bytes = from.data_bytes;
  at->second.info.average_document_bytes = from.average_document_bytes;
  at->second.unsized = false;
}

void roll::begin(std::uint32_t collection) {
  const auto at = all_.find(collection);
  if (at == all_.end()) return;
  at->second.now = state::begun;
  ++at->second.round;
  at->second.parts_left = 0;
}

void roll::give_parts(std::uint32_t collection, std::vector<plan::partition> parts) {
  const auto at = all_.find(collection);
  if (at == all_.end() || at->second.now != state::begun) return;
  at->second.parts_left = parts.size();
  if (parts.empty()) set_compared(at->second);
  for (auto& one : parts) parts_.push_back({collection, at->second.round, std::move(one)});
}

std::optional<part> roll::next_part() {
  while (!parts_.empty()) {
    part first = std::move(parts_.front());
    parts_.pop_front();
    const auto at = all_.find(first.collection);
    if (at != all_.end() && at->second.now == state::begun && at->second.round == first.round) return first;
  }
  return std::nullopt;
}

void roll::put_back(part one) {
  parts_.push_back(std::move(one));
}

void roll::done(const part& one) {
  const auto at = all_.find(one.collection);
  if (at == all_.end() || at->second.now != state::begun || at->second.round != one.round) return;
  if (--at->second.parts_left == 0) set_compared(at->second);
}

void roll::again(std::uint32_t collection) {
  const auto at = all_.find(collection);
  if (at == all_.end()) return;
  at->second.now = state::waiting;
  at->second.unsized = true;
}

std::optional<std::uint32_t> roll::begun(const told_of& collection) const {
  std::optional<std::uint32_t> number;
  if (const auto known = by_uuid_.find(collection.source_uuid); known != by_uuid_.end()) {
    number = known->second;
  } else if (const auto named = by_destination_.find(collection.destination_data_ns); named != by_destination_.end()) {
    number = named->second;
  }
  if (!number || all_.at(*number).now == state::waiting) return std::nullopt;
  return number;
}

std::size_t roll::compared() const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(all_, [](const auto& one) { return one.second.now == state::compared; }));
}

bool roll::first_pass() const noexcept {
  return listed_ && std::ranges::none_of(all_, [](const auto& one) { return one.second.first; });
}

std::int64_t roll::documents_estimate() const noexcept {
  std::int64_t all = 0;
  for (const auto& [number, one] : all_) all += one.info.documents;
  return all;
}

std::int64_t roll::bytes() const noexcept {
  std::int64_t all = 0;
  for (const auto& [number, one] : all_) all += one.info.data_bytes;
  return all;
}

std::int64_t roll::bytes_left() const noexcept {
  std::int64_t all = 0;
  for (const auto& [number, one] : all_) {
    if (one.now != state::compared) all += one.unsized ? unknown_bytes : one.info.data_bytes;
  }
  return all;
}

}  // namespace sluice::verify
