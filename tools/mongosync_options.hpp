// The options of mongosync that this program knows and does not obey, with the reason. None is ever ignored silently.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::tools {

/// Why `name` (a flag without dashes, or a configuration key) cannot apply; nothing if it is no such option.
[[nodiscard]] std::optional<std::string> reason_to_refuse(std::string_view name);

/// Booleans that ask for what happens anyway.
[[nodiscard]] std::span<const std::string_view> options_without_effect();

}  // namespace sluice::tools
