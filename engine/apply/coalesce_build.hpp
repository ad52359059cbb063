// The bytes of what is sent: pipelines of `$v: 2` stages, small documents. Sizes first, then one piece of the arena.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bson/document_view.hpp"
#include "engine/apply/arena.hpp"

namespace sluice::apply {

/// A document with this one field.
[[nodiscard]] bson::document_view build_document(arena& in, bson::element_view field);

/// How much goes into one pipeline.
class pipeline_size {
 public:
  /// 6.0.27: "Pipeline length must be no longer than 1000 stages".
  static constexpr std::uint32_t stages_max = 1000;
  /// A statement is a document of at most 16 MiB. One diff always fits: it came in an entry.
  static constexpr std::size_t bytes_max = std::size_t{8} * 1024 * 1024;

  /// Counts the stage of this update entry, unless the pipeline is full. An empty diff has no stage: the server
  /// refuses it (6.0.27, code 4770500).
  [[nodiscard]] bool admits(bson::document_view o) noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::uint32_t stages_ = 0;
  std::size_t bytes_ = 5;
};

/// [{$_internalApplyOplogUpdate: {oplogUpdate: o}}, ...]
class pipeline_builder {
 public:
  pipeline_builder(arena& in, const pipeline_size& size);
  void add(bson::document_view o) noexcept;
  [[nodiscard]] bool empty() const noexcept { return stages_ == 0; }
  [[nodiscard]] bson::document_view finish() noexcept;

 private:
  std::byte* begin_;
  std::byte* at_;
  std::uint32_t stages_ = 0;
};

}  // namespace sluice::apply
