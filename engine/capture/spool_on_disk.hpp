// The spool's one implementation: what waits in memory, what on disk, and in which order. Bytes and files are
// spool_segment's and spool_folder's.
#pragma once

#include <atomic>
#include <cassert>
#include <chrono>
#include <compare>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include <boost/asio/steady_timer.hpp>

#include "engine/capture/spool.hpp"
#include "engine/capture/spool_folder.hpp"
#include "engine/capture/spool_segment.hpp"
#include "engine/runtime/lane.hpp"

namespace sluice::capture {

/// A place in the sequence of all segments.
struct disk_place {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  friend auto operator<=>(const disk_place&, const disk_place&) = default;
};

/// A chunk that is in memory and on disk.
struct held_chunk {
  shared_chunk chunk;
  disk_place begin;
  disk_place end;
};

/// The order of what waits: `memory_only_`, then what lies on disk from `read_at_` on (the newest part of which is in
/// `recent_` too), then `idle_`. It holds because a chunk stays in memory only while nothing on disk is unread.
///
/// Coroutines of one lane: the producer (push), the consumer (next) and housekeeping. Whoever writes or removes files
/// holds `busy_`; the consumer needs no lock, it reads only what is written and what is unread is never removed.
class spool_on_disk final : public spool {
 public:
  spool_on_disk(boost::asio::any_io_executor lane, spool_options options, runtime::cancel_scope& scope);
  ~spool_on_disk() override { assert(!housekeeping_ && "close the spool before it is destroyed"); }

  [[nodiscard]] task<result<>> start();

  [[nodiscard]] task<result<>> seek(bson::timestamp from) override;
  [[nodiscard]] std::optional<wire::optime> resume_after() const override { return resume_after_; }
  void keep_on_disk(bool always) override;
  [[nodiscard]] task<result<>> push(shared_chunk shared) override;
  [[nodiscard]] task<result<>> flush() override;
  [[nodiscard]] task<result<shared_chunk>> next() override;
  [[nodiscard]] task<result<std::optional<shared_chunk>>> next_if_any() override;
  void stop_waiting() override;
  void release(bson::timestamp up_to) override;
  [[nodiscard]] task<result<>> remove() override;
  [[nodiscard]] task<void> close() override;
  [[nodiscard]] usage current() const override;

 private:
  using time_point = std::chrono::steady_clock::time_point;

  /// Holds `busy_`.
  class exclusive {
   public:
    explicit exclusive(spool_on_disk& held) noexcept : held_(held) {}
    exclusive(const exclusive&) = delete;
    exclusive& operator=(const exclusive&) = delete;
    ~exclusive() {
      held_.busy_ = false;
      held_.changed_.cancel();
    }

   private:
    spool_on_disk& held_;
  };
  [[nodiscard]] task<void> take_turn();  // then make an `exclusive`

  [[nodiscard]] bool fits_into_memory(std::uint64_t bytes);
  [[nodiscard]] bool fits_onto_disk(std::uint64_t bytes) const;
  [[nodiscard]] task<result<>> write(const shared_chunk& chunk);
  [[nodiscard]] task<result<>> begin_segment(wire::optime first);
  [[nodiscard]] task<void> drop_empty_segment();
  [[nodiscard]] task<void> make_room_in_memory();
  [[nodiscard]] const segment_on_disk* unread();
  [[nodiscard]] task<result<shared_chunk>> read(const segment_on_disk& segment);
  void given(const change_chunk& chunk);

  [[nodiscard]] task<void> keep_house();
  [[nodiscard]] task<void> write_what_is_due();
  [[nodiscard]] task<void> drop_released();
  [[nodiscard]] task<result<>> drop_first();
  [[nodiscard]] task<result<>> unlink(std::uint64_t number);
  [[nodiscard]] task<void> stop_housekeeping();
  void wake_housekeeping();
  [[nodiscard]] static task<void> wait(boost::asio::steady_timer& timer);

  [[nodiscard]] result<> note(result<> outcome);
  [[nodiscard]] error ended() const { return failure(error_kind::cancelled, "the spool is no longer wanted"); }

  runtime::lane disk_lane_{"spool-disk"};
  boost::asio::any_io_executor lane_;
  spool_options options_;
  runtime::cancel_scope& scope_;
  folder_lock lock_;
  left_behind left_;
  bool sought_ = false;
  std::optional<wire::optime> resume_after_;

  bool always_ = true;
  bson::timestamp follows_;  // of the next chunk: last.at of the one before it, wherever that is
  bool chained_ = false;     // the newest record on disk is that one
  bson::timestamp released_;

  std::deque<segment_on_disk> segments_;  // oldest first; the last one is the writer's if that is open
  std::uint64_t next_number_ = 1;
  std::uint64_t entries_written_ = 0;
  segment_writer writer_;
  time_point write_at_ = time_point::max();  // when the batch is due

  segment_reader reader_;
  disk_place read_at_;
  bson::timestamp read_follows_;

  std::deque<shared_chunk> memory_only_;
  std::deque<held_chunk> recent_;
  shared_chunk idle_;  // the newest chunk without entries; given when nothing else waits

  std::uint64_t stops_ = 0;  // times that the consumer was told to wait no longer
  bool busy_ = false;
  bool waits_for_room_ = false;
  bool closing_ = false;
  bool housekeeping_ = false;
  bool woken_ = false;
  boost::asio::steady_timer changed_;  // cancelled whenever a condition that somebody waits for may have come true
  boost::asio::steady_timer house_;    // wakes housekeeping
  runtime::cancel_scope::hook hook_;

  std::atomic<std::uint64_t> disk_bytes_{0};
  std::atomic<std::uint64_t> memory_bytes_{0};
  std::atomic<std::uint64_t> entries_waiting_{0};
  std::atomic<bool> full_{false};
  mutable std::mutex fault_mutex_;
  std::string fault_;
};

}  // namespace sluice::capture
