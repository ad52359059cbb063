// "Did you mean ...?": the known name next to a mistyped one, for configuration keys, URI options, flags and request
// fields.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sluice::runtime {

/// The name of `known` that differs from `given` by the fewest letters (case aside); empty when none is near.
/// Needs O(|given| × |name|) for each name; `given` beyond 64 characters is near nothing.
[[nodiscard]] std::string_view nearest_name(std::string_view given, std::span<const std::string_view> known);

/// " (did you mean \"port\"?)", or nothing when no name is near.
[[nodiscard]] std::string did_you_mean(std::string_view given, std::span<const std::string_view> known);

}  // namespace sluice::runtime
