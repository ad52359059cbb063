// Who may ask what: the checks that come before any route. Plain functions; what they are shown (a token) they never
// tell anybody.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::http {

struct request_view;
struct response;

struct access_rules {
  /// Empty: none is asked for, and only this machine is listened to.
  std::string token{};
};

/// Shorter ones can be guessed.
inline constexpr std::size_t token_bytes_min = 16;

/// A refusal, or nothing. Without a token whatever a web page may have sent is refused: a foreign Host (421, DNS
/// rebinding) or Origin (403). With one, everything without it (401) but what is `open`: a page that was rebound cannot
/// know it, so that Host may be any name of this machine; but an Origin must be the Host.
[[nodiscard]] std::optional<response> refuse_stranger(const request_view& request, const access_rules& rules,
                                                      bool open);

/// Takes the same time wherever the two differ, and however long they are.
[[nodiscard]] bool is_same_secret(std::string_view given, std::string_view expected);

}  // namespace sluice::http
