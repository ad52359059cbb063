// Who may reach the HTTP API: what flags and the configuration file say about it, as one checked value. What a token
// file holds goes into no message.
#pragma once

#include <optional>
#include <string>

#include "engine/runtime/result.hpp"

namespace sluice::tools {

struct api_access {
  std::string bind = "127.0.0.1";
  std::string token;                     // empty: none is asked for
  std::string tls_certificate_key_file;  // empty: plain HTTP
  std::string exposed_file;              // the token's, where others than its owner can read it
};

/// As given; nothing means "not said".
struct api_access_values {
  std::optional<std::string> bind{};
  std::optional<std::string> token_file{};
  std::optional<std::string> tls_certificate_key_file{};
};

/// Error (configuration): the token's file cannot be read, or what it holds is no token: one line of at least 16
/// visible ASCII characters.
[[nodiscard]] result<api_access> check_api_access(const api_access_values& given);

/// The token alone, for a client.
[[nodiscard]] result<std::string> read_token_file(const std::string& path);

}  // namespace sluice::tools
