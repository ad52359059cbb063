// Puts the entries that a change stream's events stand for into chunks so that each time is handed on as a whole:
// events of a transaction share one, and whoever stops behind a chunk begins again behind its time. Until something
// later, or nothing more, comes, the newest time waits. Knows no sockets.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bson/document.hpp"
#include "engine/capture/chunk_builder.hpp"

namespace sluice::capture {

class whole_times {
 public:
  /// Of one transaction: servers end those that take longer than a minute.
  static constexpr std::size_t waiting_bytes_max = std::size_t{1} << 30U;

  /// `exact`: what is of `from` was taken.
  whole_times(bson::timestamp from, bool exact) : position_(from), exact_(exact) {}

  /// The next stream begins here.
  [[nodiscard]] bson::timestamp position() const noexcept { return position_; }
  /// A stream begins at position(): what waits comes again, all of it.
  void begin_again() noexcept;

  enum class order : std::uint8_t {
    next,
    taken,  // before: to be left out
    back,   // the stream goes back in time
  };
  /// An event of this time comes; an earlier time is complete.
  [[nodiscard]] order enter(bson::timestamp at);
  /// Of the time entered last.
  void add(bson::document entry);
  [[nodiscard]] bool too_large() const noexcept { return waiting_bytes_ > waiting_bytes_max; }

  /// Everything at or before this time has come.
  void seen_until(bson::timestamp time);
  /// Everything before this time has come; of the time itself something may follow.
  void seen_before(bson::timestamp time);

  [[nodiscard]] bool full() const noexcept { return chunk_.full(); }
  [[nodiscard]] bool has_news() const noexcept { return chunk_.has_news(); }
  [[nodiscard]] change_chunk take(std::chrono::steady_clock::time_point now) { return chunk_.take(now); }

 private:
  void complete();

  bson::timestamp position_;
  bool exact_;
  std::vector<bson::document> waiting_;  // entries of one time
  bson::timestamp waiting_at_;
  std::size_t waiting_bytes_ = 0;
  chunk_builder chunk_;
};

}  // namespace sluice::capture
