// Collects captured entries into chunks: one memcpy an entry. Knows no sockets and no clock.
#pragma once

#include <chrono>
#include <cstddef>

#include "bson/document_view.hpp"
#include "engine/capture/change_chunk.hpp"

namespace sluice::capture {

/// About what a chunk weighs while there is a backlog: large enough that its handling does not count, small enough that
/// many fit into memory. Where there is none a chunk is what one reply held.
inline constexpr std::size_t chunk_bytes_target = std::size_t{1024} * 1024;

class chunk_builder {
 public:
  explicit chunk_builder(std::size_t bytes_target = chunk_bytes_target) : bytes_target_(bytes_target) {}

  /// About so many bytes are still to come, perhaps: memory is taken once, with the first entry.
  void expect(std::size_t bytes) noexcept { expected_bytes_ = bytes; }
  /// An entry later than (or as late as) the one before.
  void add(bson::bytes_view entry, wire::optime at);
  /// Everything up to here was seen. What is older than before counts for nothing.
  void seen(bson::timestamp until) noexcept;

  [[nodiscard]] bool full() const noexcept { return chunk_.entries.size() >= bytes_target_; }
  /// Something that the last taken chunk did not have: entries, or a later seen_until.
  [[nodiscard]] bool has_news() const noexcept { return chunk_.count > 0 || chunk_.seen_until > taken_until_; }
  /// Of the entry added last, in this chunk or one before; {0, 0} before the first.
  [[nodiscard]] bson::timestamp last() const noexcept { return last_; }
  [[nodiscard]] bson::timestamp seen_until() const noexcept { return chunk_.seen_until; }

  [[nodiscard]] change_chunk take(std::chrono::steady_clock::time_point now);

 private:
  std::size_t bytes_target_;
  std::size_t expected_bytes_ = 0;
  change_chunk chunk_;
  bson::timestamp last_;
  bson::timestamp taken_until_;
};

}  // namespace sluice::capture
