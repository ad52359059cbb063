// Takes the secrets out of text that people will see. Works on bytes, not on parsed URIs: what is malformed must not
// leak either, so it rather hides too much.
#pragma once

#include <string>
#include <string_view>

namespace sluice::tools {

/// `text` with the password of every mongodb:// and mongodb+srv:// URI in it, and the values of the options that hold
/// secrets, replaced by "***". A URI is taken to reach to the next one or to the end of the text.
[[nodiscard]] std::string redacted(std::string_view text);

/// Whether the option of a URI with this name holds a secret; in any case.
[[nodiscard]] bool holds_a_secret(std::string_view option);

}  // namespace sluice::tools
