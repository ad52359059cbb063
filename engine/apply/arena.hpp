// Memory that is taken in pieces and given back as a whole: what a window builds. Never moves what it gave out, never
// frees a piece.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "bson/document_view.hpp"

namespace sluice::apply {

/// Not aligned: it holds BSON and keys, which are read as bytes. Keeps its blocks over reset(), so that a window as
/// large as the last allocates nothing.
class arena {
 public:
  [[nodiscard]] std::byte* take(std::size_t bytes);
  [[nodiscard]] bson::bytes_view copy(bson::bytes_view from);

  /// Everything taken is void.
  void reset() noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept { return taken_bytes_; }

 private:
  static constexpr std::size_t block_bytes = std::size_t{256} * 1024;

  std::vector<std::unique_ptr<std::byte[]>> blocks_;  // all of block_bytes
  std::vector<std::unique_ptr<std::byte[]>> large_;   // each for one piece; not kept
  std::size_t blocks_used_ = 0;
  std::size_t left_bytes_ = 0;  // in the last block used
  std::size_t taken_bytes_ = 0;
};

}  // namespace sluice::apply
