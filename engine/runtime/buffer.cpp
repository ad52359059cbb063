#include "engine/runtime/buffer.hpp"

namespace sluice::runtime {

namespace {

class heap final : public buffer_owner {
 public:
  void release(std::byte* data, std::size_t) noexcept override { delete[] data; }
};

heap the_heap;

}  // namespace

buffer heap_buffer(std::size_t capacity_bytes) {
  auto* data = new std::byte[capacity_bytes];  // uninitialized: the reader overwrites it
  return {the_heap, data, capacity_bytes};
}

}  // namespace sluice::runtime
