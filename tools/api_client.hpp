// One request to a running sluice's HTTP API, and its answer. Knows nothing of what calls mean.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/runtime/result.hpp"

namespace sluice::tools {

struct api_address {
  std::string host = "127.0.0.1";  // without the brackets of an IPv6 address
  std::uint16_t port = 27182;
  std::string token{};  // shown where it is not empty; part of no message
  bool tls = false;
  std::string authority_file{};  // of TLS, PEM; empty: those that the system trusts
  /// "127.0.0.1:27182"; "[::1]:27182".
  [[nodiscard]] std::string text() const;
};

/// "http://host", "http://host:port", the same with https, with or without a last "/". Error (configuration): anything
/// else, with the reason.
[[nodiscard]] result<api_address> parse_api_url(std::string_view url);

struct api_reply {
  unsigned status = 0;
  std::string body;
};

/// Blocks until the whole reply is there. `body` goes out with a POST. Errors, which name the address: network
/// (nobody answers there), timeout, protocol (what answers speaks no HTTP).
[[nodiscard]] result<api_reply> call_api(const api_address& address, std::string_view method, std::string_view path,
                                         std::chrono::milliseconds within = std::chrono::seconds(30));

}  // namespace sluice::tools
