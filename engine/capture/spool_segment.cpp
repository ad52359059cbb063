#include "engine/capture/spool_segment.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "engine/capture/spool_folder.hpp"
#include "engine/runtime/call_on.hpp"

namespace sluice::capture {

error damaged_spool(const std::filesystem::path& segment, std::uint64_t offset, std::string_view what) {
  std::string message = segment.string();
  message.append(": damaged at offset ").append(std::to_string(offset)).append(": ").append(what);
  message.append(" (remove the folder and start again: the changes since the last checkpoint are then read from the ");
  message.append("source's oplog)");
  return failure(error_kind::storage, std::move(message));
}

segment_writer::segment_writer(segment_place place) : place_(std::move(place)) {
  batch_.reserve(spool_batch_bytes);
}

task<result<>> segment_writer::begin(segment_header header) {
  assert(!file_ && batch_.empty());
  auto path = segment_path(place_.folder, header.number);
  SLUICE_CO_TRY(auto made, co_await runtime::file::open(place_.lane, place_.disk_lane, std::move(path),
                                                        runtime::file::access::create));
  auto name = [folder = &place_.folder]() -> task<result<>> { co_return sync_folder(*folder); };
  SLUICE_CO_TRYV(co_await runtime::call_on(place_.disk_lane, name));
  file_.emplace(std::move(made));
  run_hash_ = run_hash(header.run);
  number_ = header.number;
  written_ = 0;
  segment_header_image image;
  encode(header, image);
  batch_.insert(batch_.end(), image.begin(), image.end());
  co_return ok();
}

task<result<>> segment_writer::append(record_header header, std::span<const std::byte> entries) {
  assert(file_ && header.payload_bytes == entries.size());
  record_header_image image;
  encode(header, {run_hash_, number_, end()}, image);
  const auto bytes = image.size() + entries.size();
  if (batch_.size() + bytes > spool_batch_bytes) {
    SLUICE_CO_TRYV(co_await flush());
  }
  if (bytes <= spool_batch_bytes) {
    batch_.insert(batch_.end(), image.begin(), image.end());
    batch_.insert(batch_.end(), entries.begin(), entries.end());
    co_return ok();
  }
  SLUICE_CO_TRYV(co_await write(written_, image));
  SLUICE_CO_TRYV(co_await write(written_ + image.size(), entries));
  written_ += bytes;
  co_return ok();
}

task<result<>> segment_writer::flush() {
  if (batch_.empty()) co_return ok();
  SLUICE_CO_TRYV(co_await write(written_, batch_));
  written_ += batch_.size();
  batch_.clear();
  co_return ok();
}

task<result<>> segment_writer::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  auto outcome = co_await file_->write_at(offset, bytes);
  if (outcome.has_error()) {
    // What half of it may have got there is given back. If even that fails the next write covers it, or a restart cuts
    // it off.
    auto cut = co_await file_->truncate(written_);
    static_cast<void>(cut);
  }
  co_return outcome;
}

task<result<>> segment_writer::finish() {
  SLUICE_CO_TRYV(co_await flush());
  SLUICE_CO_TRYV(co_await file_->sync());
  file_.reset();
  co_return ok();
}

void segment_writer::abandon() noexcept {
  file_.reset();
  batch_.clear();
  written_ = 0;
}

segment_reader::segment_reader(segment_place place, std::uint64_t run) : place_(std::move(place)), run_hash_(run) {}

task<result<>> segment_reader::open(std::uint64_t number, std::uint64_t offset, bson::timestamp follows) {
  if (!file_ || number_ != number) {
    close();
    auto path = segment_path(place_.folder, number);
    SLUICE_CO_TRY(auto opened, co_await runtime::file::open(place_.lane, place_.disk_lane, std::move(path),
                                                            runtime::file::access::read));
    file_.emplace(std::move(opened));
    number_ = number;
    window_bytes_ = 0;
  }
  offset_ = offset;
  follows_ = follows;
  co_return ok();
}

void segment_reader::close() noexcept {
  file_.reset();
  number_ = 0;
  window_bytes_ = 0;
}

error segment_reader::damaged(std::string what) const {
  return damaged_spool(file_->path(), offset_, what);
}

/// Sees to it that these bytes are in the window. False: the segment ends before them.
task<result<bool>> segment_reader::see(std::uint64_t offset, std::size_t bytes, std::uint64_t end) {
  if (offset + bytes > end) co_return false;
  if (offset >= window_from_ && offset + bytes <= window_end()) co_return true;
  if (window_.empty()) window_.resize(spool_batch_bytes);
  window_bytes_ = 0;
  window_from_ = offset;
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(end - offset, window_.size()));
  auto got = co_await file_->read_at(offset, std::span(window_).first(wanted));
  if (got.has_error()) co_return std::move(got).error();
  window_bytes_ = got.value();
  co_return window_bytes_ >= bytes;
}

std::span<const std::byte> segment_reader::seen(std::uint64_t offset, std::size_t bytes) const noexcept {
  assert(offset >= window_from_ && offset + bytes <= window_end());
  return std::span(window_).subspan(static_cast<std::size_t>(offset - window_from_), bytes);
}

/// Nothing: no whole header there.
task<result<std::optional<record_header>>> segment_reader::read_header(std::uint64_t end) {
  SLUICE_CO_TRY(const bool there, co_await see(offset_, record_header_bytes, end));
  std::optional<record_header> header;
  if (there) header = decode_record_header(seen(offset_, record_header_bytes), {run_hash_, number_, offset_});
  co_return header;
}

task<result<change_chunk>> segment_reader::next(std::uint64_t end) {
  assert(file_ && offset_ < end);
  SLUICE_CO_TRY(const auto header, co_await read_header(end));
  if (!header) co_return damaged("there is no record");
  if (header->follows != follows_) co_return damaged("records are missing before it");
  const auto from = offset_ + record_header_bytes;
  const std::size_t bytes = header->payload_bytes;
  if (from + bytes > end) co_return damaged("the record is cut off");
  auto chunk = restore(*header);
  if (bytes <= spool_batch_bytes) {
    SLUICE_CO_TRY(const bool there, co_await see(from, bytes, end));
    if (!there) co_return damaged("the record is cut off");
    const auto entries = seen(from, bytes);
    chunk.entries.assign(entries.begin(), entries.end());
  } else {
    const auto begun = seen(from, std::min<std::size_t>(bytes, window_end() - from));
    chunk.entries.resize(bytes);
    std::memcpy(chunk.entries.data(), begun.data(), begun.size());
    const auto rest = std::span(chunk.entries).subspan(begun.size());
    SLUICE_CO_TRY(const auto got, co_await file_->read_at(from + begun.size(), rest));
    if (got < rest.size()) co_return damaged("the record is cut off");
  }
  if (checksum(chunk.entries) != header->payload_checksum) co_return damaged("the checksum of its entries is wrong");
  offset_ = from + bytes;
  follows_ = header->last.at;
  co_return chunk;
}

task<result<std::uint64_t>> segment_reader::skip(bson::timestamp from, std::uint64_t end) {
  std::uint64_t entries = 0;
  while (offset_ < end) {
    SLUICE_CO_TRY(const auto header, co_await read_header(end));
    if (!header || header->follows != follows_ || header->last.at >= from) break;
    const auto after = offset_ + record_header_bytes + header->payload_bytes;
    if (after > end) break;
    offset_ = after;
    follows_ = header->last.at;
    entries += header->count;
  }
  co_return entries;
}

}  // namespace sluice::capture
