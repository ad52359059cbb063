// Blocks for small pieces, blocks of their own for large ones.
#include "engine/apply/arena.hpp"

#include <cstring>

namespace sluice::apply {

std::byte* arena::take(std::size_t bytes) {
  taken_bytes_ += bytes;
  if (bytes > block_bytes / 4) {
    large_.push_back(std::make_unique_for_overwrite<std::byte[]>(bytes));
    return large_.back().get();
  }
  if (bytes > left_bytes_) {
    if (blocks_used_ == blocks_.size()) blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(block_bytes));
    ++blocks_used_;
    left_bytes_ = block_bytes;
  }
  std::byte* const taken = blocks_[blocks_used_ - 1].get() + (block_bytes - left_bytes_);
  left_bytes_ -= bytes;
  return taken;
}

bson::bytes_view arena::copy(bson::bytes_view from) {
  std::byte* const to = take(from.size());
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
  return {to, from.size()};
}

void arena::reset() noexcept {
  large_.clear();
  blocks_used_ = 0;
  left_bytes_ = 0;
  taken_bytes_ = 0;
}

}  // namespace sluice::apply
