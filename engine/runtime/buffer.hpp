// A piece of memory that one owner holds and passes on by moving it.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

namespace sluice::runtime {

/// Who takes a buffer's memory back.
class buffer_owner {
 public:
  virtual void release(std::byte* data, std::size_t capacity) noexcept = 0;

 protected:
  ~buffer_owner() = default;
};

/// Move-only. `data()` is uninitialized memory of `capacity()` bytes; empty when default-constructed or moved from.
class buffer {
 public:
  buffer() = default;
  buffer(buffer_owner& owner, std::byte* data, std::size_t capacity) noexcept
      : owner_(&owner), data_(data), capacity_(capacity) {}
  buffer(buffer&& other) noexcept
      : owner_(std::exchange(other.owner_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  buffer& operator=(buffer&& other) noexcept {
    if (this != &other) {
      reset();
      owner_ = std::exchange(other.owner_, nullptr);
      data_ = std::exchange(other.data_, nullptr);
      capacity_ = std::exchange(other.capacity_, 0);
    }
    return *this;
  }
  ~buffer() { reset(); }

  void reset() noexcept {
    if (data_ != nullptr) owner_->release(data_, capacity_);
    owner_ = nullptr;
    data_ = nullptr;
    capacity_ = 0;
  }
  [[nodiscard]] std::byte* data() noexcept { return data_; }
  [[nodiscard]] const std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::span<std::byte> span() noexcept { return {data_, capacity_}; }
  [[nodiscard]] explicit operator bool() const noexcept { return data_ != nullptr; }

 private:
  buffer_owner* owner_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t capacity_ = 0;
};

/// Plain heap memory, for the few messages off the data path (command replies).
[[nodiscard]] buffer heap_buffer(std::size_t capacity_bytes);

}  // namespace sluice::runtime
