// What nobody waits for: writing batches when they are due, removing what was released; and the end of it all.
#include <algorithm>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/capture/spool_on_disk.hpp"
#include "engine/runtime/call_on.hpp"
#include "engine/runtime/log.hpp"

namespace sluice::capture {

/// Ends with stop_housekeeping().
task<void> spool_on_disk::keep_house() {
  while (!closing_) {
    if (!woken_) {
      house_.expires_at(write_at_);
      co_await wait(house_);
    }
    woken_ = false;
    if (closing_) break;
    co_await take_turn();
    const exclusive turn(*this);
    co_await write_what_is_due();
    co_await drop_released();
  }
  housekeeping_ = false;
  changed_.cancel();
}

task<void> spool_on_disk::write_what_is_due() {
  const auto now = std::chrono::steady_clock::now();
  if (!writer_.is_open() || now < write_at_) co_return;
  const auto flushed = note(co_await writer_.flush());
  write_at_ = flushed.has_value() ? time_point::max() : now + options_.write_within;
}

task<void> spool_on_disk::drop_released() {
  while (sought_ && !segments_.empty() && segments_.front().last <= released_) {
    const auto number = segments_.front().number;
    const auto* next = unread();
    if (next != nullptr && next->number <= number) break;
    if (writer_.is_open() && writer_.number() == number) {
      // The one that is being written goes only if its room is needed, or nothing more will come into it.
      if (always_ && !waits_for_room_) break;
      writer_.abandon();
      write_at_ = time_point::max();
      chained_ = false;
    }
    const auto dropped = note(co_await drop_first());
    if (dropped.has_error()) break;
  }
  // In memory again: the segment is complete, what comes next on disk will be behind a gap.
  if (!always_ && writer_.is_open() && unread() == nullptr) {
    const auto finished = note(co_await writer_.finish());
    write_at_ = finished.has_value() ? time_point::max() : std::chrono::steady_clock::now() + options_.write_within;
  }
}

task<result<>> spool_on_disk::drop_first() {
  const auto first = segments_.front();
  if (reader_.number() == first.number) reader_.close();
  SLUICE_CO_TRYV(co_await unlink(first.number));
  segments_.pop_front();
  disk_bytes_ -= first.bytes;
  co_return ok();
}

task<result<>> spool_on_disk::unlink(std::uint64_t number) {
  auto work = [folder = &options_.folder, number]() -> task<result<>> { co_return remove_segment(*folder, number); };
  co_return co_await runtime::call_on(disk_lane_.executor(), work);
}

task<void> spool_on_disk::stop_housekeeping() {
  closing_ = true;
  wake_housekeeping();
  while (housekeeping_) co_await wait(changed_);
}

task<void> spool_on_disk::close() {
  co_await stop_housekeeping();
  co_await take_turn();
  const exclusive turn(*this);
  if (writer_.is_open()) {
    const auto finished = note(co_await writer_.finish());
    if (finished.has_error()) writer_.abandon();
  }
  reader_.close();
  lock_.release();
}

task<result<>> spool_on_disk::remove() {
  co_await stop_housekeeping();
  co_await take_turn();
  const exclusive turn(*this);
  writer_.abandon();
  reader_.close();
  recent_.clear();
  memory_only_.clear();
  memory_bytes_ = entries_waiting_ = 0;
  // Not yet taken over by seek().
  const auto left = std::exchange(left_, {});
  segments_.insert(segments_.end(), left.segments.begin(), left.segments.end());
  for (const auto number : left.apart) {
    SLUICE_CO_TRYV(co_await unlink(number));
  }
  while (!segments_.empty()) {
    SLUICE_CO_TRYV(co_await drop_first());
  }
  auto work = [folder = &options_.folder]() -> task<result<>> { co_return remove_folder(*folder); };
  SLUICE_CO_TRYV(co_await runtime::call_on(disk_lane_.executor(), work));
  lock_.release();
  co_return ok();
}

task<void> spool_on_disk::take_turn() {
  while (busy_) co_await wait(changed_);
  busy_ = true;
}

void spool_on_disk::wake_housekeeping() {
  woken_ = true;
  house_.cancel();
}

task<void> spool_on_disk::wait(boost::asio::steady_timer& timer) {
  boost::system::error_code woken;
  co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
}

/// Keeps what current() tells about errors; logs when that changes.
result<> spool_on_disk::note(result<> outcome) {
  const std::lock_guard guard(fault_mutex_);
  if (outcome.has_error()) {
    if (fault_.empty()) {
      log(log_level::error, "capture", "The spool cannot be written", {{"cause", outcome.error().message}});
    }
    fault_ = outcome.error().message;
  } else if (!fault_.empty()) {
    log(log_level::info, "capture", "The spool can be written again", {{"folder", options_.folder.string()}});
    fault_.clear();
  }
  return outcome;
}

spool::usage spool_on_disk::current() const {
  usage now;
  now.disk_bytes = disk_bytes_;
  now.memory_bytes = memory_bytes_;
  now.entries_waiting = entries_waiting_;
  now.full = full_;
  const std::lock_guard guard(fault_mutex_);
  now.fault = fault_;
  return now;
}

}  // namespace sluice::capture
