#include "bench/allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::uint64_t> asked{0};  // operator new has no other place to count at

void* counted(void* taken) {
  asked.fetch_add(1, std::memory_order_relaxed);
  if (taken == nullptr) throw std::bad_alloc();
  return taken;
}

}  // namespace

void* operator new(std::size_t bytes) {
  return counted(std::malloc(bytes));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  const auto boundary = static_cast<std::size_t>(alignment);
  return counted(std::aligned_alloc(boundary, (bytes + boundary - 1) / boundary * boundary));
}
void operator delete(void* taken) noexcept {
  std::free(taken);
}
void operator delete(void* taken, std::size_t) noexcept {
  std::free(taken);
}
void operator delete(void* taken, std::align_val_t) noexcept {
  std::free(taken);
}
void operator delete(void* taken, std::size_t, std::align_val_t) noexcept {
  std::free(taken);
}

namespace sluice::bench {

std::uint64_t allocations() noexcept {
  return asked.load(std::memory_order_relaxed);
}

}  // namespace sluice::bench
