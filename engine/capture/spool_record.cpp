#include "engine/capture/spool_record.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstring>
#include <limits>

#include <xxhash.h>

#include "bson/bytes.hpp"

namespace sluice::capture {

namespace {

using bson::load;
using bson::store;

constexpr std::array<char, 8> segment_magic{'S', 'L', 'U', 'I', 'S', 'E', 'G', '\n'};
constexpr std::uint32_t record_magic = 0x43524c53;  // "SLRC"

/// Where the fields of a segment header stand.
namespace segment_at {
constexpr std::size_t magic = 0;
constexpr std::size_t version = 8;
constexpr std::size_t continues = 10;
constexpr std::size_t run_bytes = 12;
constexpr std::size_t number = 16;
constexpr std::size_t follows = 24;
constexpr std::size_t first = 32;
constexpr std::size_t first_term = 40;
constexpr std::size_t entries_before = 48;
constexpr std::size_t run = 64;
constexpr std::size_t checksum = segment_header_bytes - 8;
static_assert(run + segment_run_bytes_max == checksum);
}  // namespace segment_at

/// And those of a record header.
namespace record_at {
constexpr std::size_t magic = 0;
constexpr std::size_t version = 4;
constexpr std::size_t payload_bytes = 8;
constexpr std::size_t count = 12;
constexpr std::size_t first = 16;
constexpr std::size_t first_term = 24;
constexpr std::size_t last = 32;
constexpr std::size_t last_term = 40;
constexpr std::size_t seen_until = 48;
constexpr std::size_t follows = 56;
constexpr std::size_t arrived_ms = 64;
constexpr std::size_t payload_checksum = 72;
constexpr std::size_t checksum = record_header_bytes - 8;
}  // namespace record_at

void store_time(std::byte* at, bson::timestamp time) noexcept {
  store(at, (std::uint64_t{time.seconds} << 32U) | time.increment);
}
bson::timestamp load_time(const std::byte* at) noexcept {
  const auto packed = load<std::uint64_t>(at);
  return {static_cast<std::uint32_t>(packed >> 32U), static_cast<std::uint32_t>(packed)};
}

std::uint64_t header_checksum(std::span<const std::byte> bytes, const record_place& place) noexcept {
  const std::array<std::uint64_t, 3> where{place.run_hash, place.segment, place.offset};
  const auto seed = ::XXH3_64bits(where.data(), sizeof where);
  return ::XXH3_64bits_withSeed(bytes.data(), record_at::checksum, seed);
}

}  // namespace

std::uint64_t checksum(std::span<const std::byte> bytes) noexcept {
  return ::XXH3_64bits(bytes.data(), bytes.size());
}

std::uint64_t run_hash(std::string_view run) noexcept {
  return ::XXH3_64bits(run.data(), run.size());
}

void encode(const segment_header& header, segment_header_image& out) noexcept {
  assert(header.run.size() <= segment_run_bytes_max);
  out.fill(std::byte{0});
  auto* at = out.data();
  std::memcpy(at + segment_at::magic, segment_magic.data(), segment_magic.size());
  store(at + segment_at::version, spool_format_version);
  store(at + segment_at::continues, static_cast<std::uint16_t>(header.continues ? 1 : 0));
  store(at + segment_at::run_bytes, static_cast<std::uint32_t>(header.run.size()));
  store(at + segment_at::number, header.number);
  store_time(at + segment_at::follows, header.follows);
  store_time(at + segment_at::first, header.first.at);
  store(at + segment_at::first_term, header.first.term);
  store(at + segment_at::entries_before, header.entries_before);
  std::memcpy(at + segment_at::run, header.run.data(), header.run.size());
  store(at + segment_at::checksum, checksum(std::span(out).first(segment_at::checksum)));
}

segment_header_found decode_segment_header(std::span<const std::byte> bytes) {
  segment_header_found found;
  const auto* at = bytes.data();
  const bool zeros = std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{0}; });
  const auto magic_bytes = std::min(bytes.size(), segment_magic.size());
  const bool magic = magic_bytes == 0 || std::memcmp(at, segment_magic.data(), magic_bytes) == 0;
  if (zeros || (magic && bytes.size() < segment_header_bytes)) {
    found.kind = segment_kind::unfinished;
    return found;
  }
  if (!magic) return found;
  const bool whole = load<std::uint64_t>(at + segment_at::checksum) == checksum(bytes.first(segment_at::checksum));
  found.version = load<std::uint16_t>(at + segment_at::version);
  const auto run_bytes = load<std::uint32_t>(at + segment_at::run_bytes);
  if (!whole || (found.version == spool_format_version && run_bytes > segment_run_bytes_max)) {
    found.kind = segment_kind::damaged;
    return found;
  }
  if (found.version != spool_format_version) {
    found.kind = segment_kind::other_version;
    return found;
  }
  found.kind = segment_kind::ours;
  auto& header = found.header;
  header.run = bson::text_of(bytes.subspan(segment_at::run, run_bytes));
  header.number = load<std::uint64_t>(at + segment_at::number);
  header.continues = load<std::uint16_t>(at + segment_at::continues) != 0;
  header.follows = load_time(at + segment_at::follows);
  header.first = {load_time(at + segment_at::first), load<std::int64_t>(at + segment_at::first_term)};
  header.entries_before = load<std::uint64_t>(at + segment_at::entries_before);
  return found;
}

record_header describe(const change_chunk& chunk, bson::timestamp follows) noexcept {
  using namespace std::chrono;
  assert(chunk.entries.size() <= std::numeric_limits<std::uint32_t>::max());
  const auto waited =
      chunk.arrived == steady_clock::time_point{} ? steady_clock::duration{0} : steady_clock::now() - chunk.arrived;
  record_header header;
  header.payload_bytes = static_cast<std::uint32_t>(chunk.entries.size());
  header.count = chunk.count;
  header.first = chunk.first;
  header.last = chunk.last;
  header.seen_until = chunk.seen_until;
  header.follows = follows;
  header.arrived_ms = duration_cast<milliseconds>((system_clock::now() - waited).time_since_epoch()).count();
  header.payload_checksum = checksum(chunk.entries);
  return header;
}

change_chunk restore(const record_header& header) {
  using namespace std::chrono;
  change_chunk chunk;
  chunk.count = header.count;
  chunk.first = header.first;
  chunk.last = header.last;
  chunk.seen_until = header.seen_until;
  const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  // A clock that was set back must not put the arrival into the future.
  chunk.arrived = steady_clock::now() - milliseconds(std::max<std::int64_t>(now - header.arrived_ms, 0));
  return chunk;
}

void encode(const record_header& header, const record_place& place, record_header_image& out) noexcept {
  out.fill(std::byte{0});
  auto* at = out.data();
  store(at + record_at::magic, record_magic);
  store(at + record_at::version, spool_format_version);
  store(at + record_at::payload_bytes, header.payload_bytes);
  store(at + record_at::count, header.count);
  store_time(at + record_at::first, header.first.at);
  store(at + record_at::first_term, header.first.term);
  store_time(at + record_at::last, header.last.at);
  store(at + record_at::last_term, header.last.term);
  store_time(at + record_at::seen_until, header.seen_until);
  store_time(at + record_at::follows, header.follows);
  store(at + record_at::arrived_ms, header.arrived_ms);
  store(at + record_at::payload_checksum, header.payload_checksum);
  store(at + record_at::checksum, header_checksum(out, place));
}

std::optional<record_header> decode_record_header(std::span<const std::byte> bytes,
                                                  const record_place& place) noexcept {
  assert(bytes.size() >= record_header_bytes);
  const auto* at = bytes.data();
  if (load<std::uint32_t>(at + record_at::magic) != record_magic) return std::nullopt;
  if (load<std::uint64_t>(at + record_at::checksum) != header_checksum(bytes, place)) return std::nullopt;
  record_header header;
  header.payload_bytes = load<std::uint32_t>(at + record_at::payload_bytes);
  header.count = load<std::uint32_t>(at + record_at::count);
  header.first = {load_time(at + record_at::first), load<std::int64_t>(at + record_at::first_term)};
  header.last = {load_time(at + record_at::last), load<std::int64_t>(at + record_at::last_term)};
  header.seen_until = load_time(at + record_at::seen_until);
  header.follows = load_time(at + record_at::follows);
  header.arrived_ms = load<std::int64_t>(at + record_at::arrived_ms);
  header.payload_checksum = load<std::uint64_t>(at + record_at::payload_checksum);
  return header;
}

}  // namespace sluice::capture
