// The one check that bytes from outside go through before views walk them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "bson/document_view.hpp"

namespace sluice::bson {

struct invalid_bson {
  std::size_t offset = 0;   // in bytes from the start of the validated span
  std::string_view reason;  // static text: "string length runs past the document", ...
};

/// No depth_max reaches beyond this: the validator's stack is of fixed size.
inline constexpr std::uint32_t validate_depth_limit = 256;

struct validate_options {
  /// Servers store up to 180 levels ("nested too deeply", BSONDepth::kDefaultMaxAllowableDepth = 200 in 4.4 - 8.0);
  /// anything beyond is refused so that recursion stays bounded.
  std::uint32_t depth_max = 200;
  /// Servers accept strings that are no UTF-8 and deliver them again; a copy must not refuse them.
  bool check_utf8 = true;
};

/// Nothing when `bytes` is exactly one well-formed document, else the first fault.
[[nodiscard]] std::optional<invalid_bson> validate(bytes_view bytes, validate_options options = {}) noexcept;

}  // namespace sluice::bson
