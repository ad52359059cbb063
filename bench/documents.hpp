// The documents that the benchmarks work on: those of the driver benchmark (tests/data/driver-benchmark), and those of
// the data set behind the figures of a copy.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bson/document.hpp"

namespace sluice::bench {

/// "lim" is the data set's, about 0.86 KB; the others are files.
inline constexpr std::array<std::string_view, 6> document_names{"small_doc", "tweet",     "lim",
                                                                "deep_bson", "flat_bson", "full_bson"};
/// Ends the program where the file is missing.
[[nodiscard]] bson::document document_named(std::string_view name);

/// The first documents of lim.docs, as sluice-lab loads them.
[[nodiscard]] std::vector<bson::document> lim_documents(std::size_t count);
/// The same as an array of documents, as a cursor's reply holds them.
[[nodiscard]] bson::document lim_array(std::size_t count);

/// For ids: numbers that look random and are the same every time.
[[nodiscard]] std::uint64_t scrambled(std::uint64_t n) noexcept;

}  // namespace sluice::bench
