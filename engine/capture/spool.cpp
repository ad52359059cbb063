// The producer's and the consumer's side; what nobody waits for is in spool_housekeeping.cpp.
#include "engine/capture/spool.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "engine/capture/spool_on_disk.hpp"
#include "engine/runtime/call_on.hpp"
#include "engine/runtime/log.hpp"

namespace sluice::capture {

spool_on_disk::spool_on_disk(boost::asio::any_io_executor lane, spool_options options, runtime::cancel_scope& scope)
    : lane_(std::move(lane)),
      options_(std::move(options)),
      scope_(scope),
      writer_({lane_, disk_lane_.executor(), options_.folder}),
      reader_({lane_, disk_lane_.executor(), options_.folder}, run_hash(options_.run)),
      changed_(lane_, time_point::max()),
      house_(lane_, time_point::max()),
      hook_(scope.on_cancel([this] { changed_.cancel(); })) {
  // Whole segments are what release() gives back: there must be several.
  if (options_.disk_bytes_max > 0) {
    options_.segment_bytes = std::min(options_.segment_bytes, options_.disk_bytes_max / 4);
  }
  disk_lane_.start();
}

// ---------------------------------------------------------------------------------------------- opening and seeking

task<result<>> spool_on_disk::start() {
  if (options_.run.empty() || options_.run.size() > segment_run_bytes_max) {
    co_return failure(error_kind::configuration, "the identity of a run has 1 to " +
                                                     std::to_string(segment_run_bytes_max) + " bytes, not " +
                                                     std::to_string(options_.run.size()));
  }
  auto look = [this]() -> task<result<>> {
    SLUICE_CO_TRY(lock_, folder_lock::take(options_.folder));
    SLUICE_CO_TRY(left_, recover(options_.folder, options_.run));
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await runtime::call_on(disk_lane_.executor(), look));
  next_number_ = left_.newest_number + 1;
  std::uint64_t bytes = 0;
  for (const auto& segment : left_.segments) bytes += segment.bytes;
  disk_bytes_ = bytes;
  housekeeping_ = true;
  boost::asio::co_spawn(lane_, keep_house(), [](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
  co_return ok();
}

task<result<>> spool_on_disk::seek(bson::timestamp from) {
  assert(!sought_);
  co_await take_turn();
  const exclusive turn(*this);
  auto left = std::exchange(left_, {});
  segments_.assign(left.segments.begin(), left.segments.end());
  for (const auto number : left.apart) {
    SLUICE_CO_TRYV(co_await unlink(number));
  }

  const bool begins = !segments_.empty() && segments_.front().follows <= from;
  if (!segments_.empty() && (!begins || left.newest->at < from)) {
    log(begins ? log_level::info : log_level::warn, "capture",
        begins ? "What the spool holds was applied already; it is removed"
               : "The spool does not reach back to the last checkpoint; it is removed, the source is read again",
        {{"fromSeconds", from.seconds},
         {"firstSeconds", segments_.front().first.at.seconds},
         {"lastSeconds", left.newest->at.seconds},
         {"folder", options_.folder.string()}});
    while (!segments_.empty()) {
      SLUICE_CO_TRYV(co_await drop_first());
    }
  }
  follows_ = from;
  sought_ = true;
  if (segments_.empty()) co_return ok();

  while (segments_.size() > 1 && segments_[1].first.at <= from) {
    SLUICE_CO_TRYV(co_await drop_first());
  }
  const auto first = segments_.front();
  for (const auto& segment : segments_) entries_waiting_ += segment.entries;
  SLUICE_CO_TRYV(co_await reader_.open(first.number, segment_header_bytes, first.follows));
  SLUICE_CO_TRY(const auto skipped, co_await reader_.skip(from, first.bytes));
  entries_waiting_ -= std::min(skipped, entries_waiting_.load());
  read_at_ = {first.number, reader_.offset()};
  read_follows_ = reader_.follows();
  entries_written_ = left.entries;
  resume_after_ = left.newest;
  follows_ = left.newest->at;
  chained_ = true;
  co_return ok();
}

void spool_on_disk::keep_on_disk(bool always) {
  always_ = always;
  wake_housekeeping();
}

// ------------------------------------------------------------------------------------------------------- the producer

task<result<>> spool_on_disk::push(shared_chunk shared) {
  assert(sought_ && "seek() comes first");
  if (scope_.cancelled()) co_return ended();
  const auto bytes = shared->entries.size();
  if (shared->count == 0) {
    idle_ = shared;
    changed_.cancel();
    co_return ok();
  }
  co_await take_turn();
  for (;;) {
    // Room may come from the consumer, or from housekeeping, which needs its turn.
    if (scope_.cancelled()) {
      const exclusive turn(*this);
      full_ = waits_for_room_ = false;
      co_return ended();
    }
    if (fits_into_memory(bytes) || fits_onto_disk(bytes)) break;
    if (!waits_for_room_) wake_housekeeping();  // once: it wakes us in turn
    full_ = waits_for_room_ = true;
    busy_ = false;
    changed_.cancel();
    co_await wait(changed_);
    co_await take_turn();
  }
  const exclusive turn(*this);
  full_ = waits_for_room_ = false;
  if (fits_into_memory(bytes)) {
    memory_only_.push_back(shared);
    chained_ = false;
  } else {
    auto written = note(co_await write(shared));
    if (written.has_error()) co_return written;
  }
  memory_bytes_ += bytes;
  entries_waiting_ += shared->count;
  follows_ = shared->last.at;
  idle_.reset();
  co_await make_room_in_memory();
  co_return ok();
}

bool spool_on_disk::fits_into_memory(std::uint64_t bytes) {
  if (always_ || memory_bytes_ + bytes > options_.memory_bytes_max) return false;
  return unread() == nullptr;
}

bool spool_on_disk::fits_onto_disk(std::uint64_t bytes) const {
  // Something must get through even if the bound is smaller than one chunk.
  return options_.disk_bytes_max == 0 || segments_.empty() ||
         disk_bytes_ + segment_header_bytes + record_header_bytes + bytes <= options_.disk_bytes_max;
}

task<result<>> spool_on_disk::write(const shared_chunk& chunk) {
  const bool failed_before = !current().fault.empty();
  if (writer_.is_open() && failed_before) {
    SLUICE_CO_TRYV(co_await writer_.flush());
  }
  if (writer_.is_open() && (!chained_ || writer_.end() >= options_.segment_bytes)) {
    SLUICE_CO_TRYV(co_await writer_.finish());
  }
  if (!writer_.is_open()) {
    SLUICE_CO_TRYV(co_await begin_segment(chunk->first));
  }
  const bool first_of_batch = writer_.written() == writer_.end();
  const disk_place begin{writer_.number(), writer_.end()};
  const auto header = describe(*chunk, follows_);
  auto taken = co_await writer_.append(header, chunk->entries);
  if (taken.has_error()) {
    if (segments_.back().entries == 0) co_await drop_empty_segment();
    co_return taken;
  }
  auto& segment = segments_.back();
  disk_bytes_ += writer_.end() - segment.bytes;
  segment.bytes = writer_.end();
  segment.entries += chunk->count;
  segment.last = chunk->last.at;
  entries_written_ += chunk->count;
  chained_ = true;
  recent_.push_back({chunk, begin, {begin.segment, writer_.end()}});
  if (write_at_ == time_point::max() || first_of_batch) {
    write_at_ = std::chrono::steady_clock::now() + options_.write_within;
    wake_housekeeping();
  }
  co_return ok();
}

task<result<>> spool_on_disk::begin_segment(wire::optime first) {
  segment_header header;
  header.run = options_.run;
  header.number = next_number_;
  header.continues = chained_;
  header.follows = follows_;
  header.first = first;
  header.entries_before = entries_written_;
  auto begun = co_await writer_.begin(header);
  if (begun.has_error()) {
    // Made and then not usable: the next attempt makes it again.
    auto removed = co_await unlink(next_number_);
    static_cast<void>(removed);
    co_return begun;
  }
  segments_.push_back({next_number_, 0, 0, header.continues, header.follows, first, {}});
  ++next_number_;
  co_return ok();
}

/// A segment that got no record when the disk was full gives back what it has.
task<void> spool_on_disk::drop_empty_segment() {
  writer_.abandon();
  write_at_ = time_point::max();
  // Numbers without a hole: a hole means a gap to recover().
  const auto removed = co_await unlink(segments_.back().number);
  if (removed.has_value()) --next_number_;
  segments_.pop_back();
}

/// Lets go of the oldest chunks that can be read from disk as well.
task<void> spool_on_disk::make_room_in_memory() {
  while (memory_bytes_ > options_.memory_bytes_max && !recent_.empty()) {
    if (writer_.is_open() && recent_.front().end > disk_place{writer_.number(), writer_.written()}) {
      const auto flushed = note(co_await writer_.flush());
      if (flushed.has_error()) co_return;  // a batch more in memory; the next push is refused until it is written
      continue;                            // the consumer may have taken it meanwhile
    }
    memory_bytes_ -= recent_.front().chunk->entries.size();
    recent_.pop_front();
  }
}

task<result<>> spool_on_disk::flush() {
  co_await take_turn();
  const exclusive turn(*this);
  if (!writer_.is_open()) co_return ok();
  auto flushed = note(co_await writer_.flush());
  if (flushed.has_value()) write_at_ = time_point::max();
  co_return flushed;
}

// ------------------------------------------------------------------------------------------------------- the consumer

/// The segment that `read_at_` lies in, or nothing when everything on disk was read.
const segment_on_disk* spool_on_disk::unread() {
  auto at = std::lower_bound(segments_.begin(), segments_.end(), read_at_.segment,
                             [](const segment_on_disk& one, std::uint64_t number) { return one.number < number; });
  for (; at != segments_.end(); ++at) {
    if (at->number != read_at_.segment) read_at_ = {at->number, segment_header_bytes};
    if (read_at_.offset < at->bytes) return &*at;
  }
  return nullptr;
}

task<result<std::optional<shared_chunk>>> spool_on_disk::next_if_any() {
  assert(sought_ && "seek() comes first");
  std::optional<shared_chunk> found;
  if (scope_.cancelled()) co_return ended();
  if (!memory_only_.empty()) {
    found = std::move(memory_only_.front());
    memory_only_.pop_front();
    memory_bytes_ -= (*found)->entries.size();
  } else if (const auto* segment = unread()) {
    if (!recent_.empty() && recent_.front().begin == read_at_) {
      auto& held = recent_.front();
      found = std::move(held.chunk);
      read_at_ = held.end;
      read_follows_ = (*found)->last.at;
      memory_bytes_ -= (*found)->entries.size();
      recent_.pop_front();
    } else {
      SLUICE_CO_TRY(found, co_await read(*segment));
    }
  } else if (idle_) {
    found = std::exchange(idle_, nullptr);
  }
  if (found) given(**found);
  co_return found;
}

task<result<shared_chunk>> spool_on_disk::next() {
  for (const auto began = stops_;;) {
    SLUICE_CO_TRY(auto found, co_await next_if_any());
    if (found) co_return std::move(*found);
    if (stops_ != began) co_return failure(error_kind::cancelled, "nobody waits for the next change any more");
    co_await wait(changed_);
  }
}

void spool_on_disk::stop_waiting() {
  ++stops_;
  changed_.cancel();
}

task<result<shared_chunk>> spool_on_disk::read(const segment_on_disk& segment) {
  // Chunks leave memory only after they were written: what is not held is in the file.
  const bool being_written = writer_.is_open() && writer_.number() == segment.number;
  const auto end = being_written ? writer_.written() : segment.bytes;
  assert(read_at_.offset < end);
  if (read_at_.offset == segment_header_bytes) {
    if (segment.continues && read_follows_ != segment.follows) {
      co_return damaged_spool(segment_path(options_.folder, segment.number - 1), 0, "its end is missing");
    }
    read_follows_ = segment.follows;
  }
  if (reader_.number() != read_at_.segment || reader_.offset() != read_at_.offset) {
    SLUICE_CO_TRYV(co_await reader_.open(read_at_.segment, read_at_.offset, read_follows_));
  }
  SLUICE_CO_TRY(auto chunk, co_await reader_.next(end));
  read_at_.offset = reader_.offset();
  read_follows_ = reader_.follows();
  co_return std::make_shared<const change_chunk>(std::move(chunk));
}

void spool_on_disk::given(const change_chunk& chunk) {
  entries_waiting_ -= std::min<std::uint64_t>(chunk.count, entries_waiting_);
  changed_.cancel();
  if (waits_for_room_ || (!always_ && writer_.is_open() && unread() == nullptr)) wake_housekeeping();
}

void spool_on_disk::release(bson::timestamp up_to) {
  released_ = std::max(released_, up_to);
  wake_housekeeping();
}

task<result<std::unique_ptr<spool>>> spool::open(boost::asio::any_io_executor lane, spool_options options,
                                                 runtime::cancel_scope& scope) {
  auto made = std::make_unique<spool_on_disk>(std::move(lane), std::move(options), scope);
  SLUICE_CO_TRYV(co_await made->start());
  std::unique_ptr<spool> opened = std::move(made);
  co_return opened;
}

}  // namespace sluice::capture
