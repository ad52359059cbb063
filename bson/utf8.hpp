// Is this UTF-8? By the Unicode definition: no overlong forms, no surrogates, nothing above U+10FFFF. Zeros are text.
#pragma once

#include <cstddef>
#include <string_view>

namespace sluice::bson {

/// How many bytes at the front are UTF-8: all of them, or up to the first that cannot be part of it.
[[nodiscard]] std::size_t utf8_prefix_bytes(std::string_view text) noexcept;

}  // namespace sluice::bson
