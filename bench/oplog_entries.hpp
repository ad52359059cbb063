// Oplog entries as a 6.0 server writes them, for the paths that changes take.
#pragma once

#include <array>
#include <cstdint>

#include "bson/document.hpp"
#include "engine/capture/change_chunk.hpp"

namespace sluice::bench {

inline constexpr std::uint32_t first_second = 1'700'000'000;
inline constexpr std::size_t collections_written = 16;
/// Of the collection "shop.orders<number>".
[[nodiscard]] std::array<std::byte, 16> uuid_of(std::size_t collection) noexcept;

/// 40 % inserts, 45 % $set, 8 % $push, 7 % removes of documents seen lately, spread over collections_written; number
/// `n` of a history that is the same every time.
[[nodiscard]] bson::document mixed_entry(std::uint64_t n);
/// The first `count` of them, as the tail hands them on.
[[nodiscard]] capture::shared_chunk mixed_chunk(std::uint32_t count);

[[nodiscard]] bson::document object_id_document(std::uint64_t n);

}  // namespace sluice::bench
