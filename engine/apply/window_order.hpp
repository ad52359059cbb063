// Removes in the order of the server's `_id` index: a sorted $in walks it once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/apply/window.hpp"

namespace sluice::apply {

class removal_order {
 public:
  void sort(std::span<document_write> removes);

 private:
  struct key {
    std::uint64_t rank = 0;  // orders most; equal ones are compared in full
    std::uint32_t at = 0;
  };
  std::vector<key> keys_;
  std::vector<document_write> sorted_;
};

}  // namespace sluice::apply
