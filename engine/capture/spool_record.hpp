// The bytes of a spool segment: a segment header, then records back to back, each a record header and the entries of
// one chunk. Plain functions of their arguments: no files here. All integers little-endian.
//
// Every header carries a checksum that is seeded with the run, the segment's number and the place in it, so that bytes
// of another run, another segment or another place (a copied file, entries that hold a spool segment themselves) are
// never taken for a record.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "bson/document_view.hpp"
#include "engine/capture/change_chunk.hpp"
#include "engine/wire/optime.hpp"

namespace sluice::capture {

inline constexpr std::uint16_t spool_format_version = 1;

inline constexpr std::size_t segment_header_bytes = 256;
inline constexpr std::size_t segment_run_bytes_max = 184;
using segment_header_image = std::array<std::byte, segment_header_bytes>;

struct segment_header {
  std::string run;           // of at most segment_run_bytes_max
  std::uint64_t number = 0;  // as in the file's name
  /// The segment with the number before ends exactly where this one begins: together they have no gap.
  bool continues = false;
  bson::timestamp follows;           // nothing captured after this time and before `first` is missing
  wire::optime first;                // of the first record
  std::uint64_t entries_before = 0;  // in all segments before it: how many wait is known without reading them
};

enum class segment_kind : std::uint8_t {
  ours,           // the header is whole
  unfinished,     // nothing, zeros or a part of a header: the process ended while it made the segment
  damaged,        // begins as a segment does, but the checksum is wrong
  other_version,  // of the format
  foreign,        // no segment at all
};
struct segment_header_found {
  segment_kind kind = segment_kind::foreign;
  std::uint16_t version = 0;
  segment_header header;  // of `ours`
};

void encode(const segment_header& header, segment_header_image& out) noexcept;
/// `bytes` is the beginning of the file, less than a header if the file has no more.
[[nodiscard]] segment_header_found decode_segment_header(std::span<const std::byte> bytes);

inline constexpr std::size_t record_header_bytes = 96;
using record_header_image = std::array<std::byte, record_header_bytes>;

struct record_header {
  std::uint32_t payload_bytes = 0;  // of the entries, which follow the header
  std::uint32_t count = 0;
  wire::optime first;
  wire::optime last;
  bson::timestamp seen_until;
  bson::timestamp follows;      // last.at of the chunk before it (of the segment's header for the first record)
  std::int64_t arrived_ms = 0;  // since 1970: the steady clock of another process says nothing
  std::uint64_t payload_checksum = 0;
};

/// Where a record stands; its header is valid there only.
struct record_place {
  std::uint64_t run_hash = 0;
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
};

[[nodiscard]] std::uint64_t checksum(std::span<const std::byte> bytes) noexcept;  // XXH3, 64 bits
[[nodiscard]] std::uint64_t run_hash(std::string_view run) noexcept;

/// The header of `chunk`; reads all its bytes for the checksum.
[[nodiscard]] record_header describe(const change_chunk& chunk, bson::timestamp follows) noexcept;
/// The chunk without its entries.
[[nodiscard]] change_chunk restore(const record_header& header);

void encode(const record_header& header, const record_place& place, record_header_image& out) noexcept;
/// Nothing: no record, or a damaged header. `bytes` holds record_header_bytes.
[[nodiscard]] std::optional<record_header> decode_record_header(std::span<const std::byte> bytes,
                                                                const record_place& place) noexcept;

}  // namespace sluice::capture
