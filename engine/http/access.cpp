#include "engine/http/access.hpp"

#include <algorithm>
#include <array>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "engine/http/api.hpp"

namespace sluice::http {
namespace {

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, [&](char x, char y) { return lower(x) == lower(y); });
}

/// "localhost", "127.0.0.1" or "[::1]", with or without a port.
bool is_local(std::string_view authority) {
  std::string_view name = authority;
  std::string_view port;
  const std::size_t after_address = authority.starts_with('[') ? authority.find(']') : 0;
  if (after_address == std::string_view::npos) return false;
  if (const std::size_t colon = authority.find(':', after_address); colon != std::string_view::npos) {
    name = authority.substr(0, colon);
    port = authority.substr(colon + 1);
  }
  if (!std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; })) return false;
  return name == "127.0.0.1" || name == "[::1]" || same_letters(name, "localhost");
}

/// Of "http://host:port"; nothing for "null" and every other scheme.
std::optional<std::string_view> authority_of(std::string_view origin) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) return origin.substr(scheme.size());
  }
  return std::nullopt;
}

response foreign_origin() {
  return refusal(403, "ForeignOrigin", "the request was sent by a web page of another site (Origin header)");
}

response unauthorized(const std::optional<std::string_view>& given) {
  response reply = refusal(401, "Unauthorized",
                           given ? "the Authorization header holds no valid token: \"Bearer \" and what is in "
                                   "--api-token-file is wanted"
                                 : "an Authorization header is wanted: \"Bearer \" and what is in --api-token-file");
  reply.authenticate = true;
  return reply;
}

bool is_authorized(const std::optional<std::string_view>& header, const std::string& token) {
  constexpr std::string_view scheme = "Bearer ";
  if (!header || header->size() < scheme.size() || !same_letters(header->substr(0, scheme.size()), scheme)) {
    return false;
  }
  return is_same_secret(header->substr(scheme.size()), token);
}

using digest = std::array<unsigned char, EVP_MAX_MD_SIZE>;

digest digest_of(std::string_view text) {
  digest out{};
  ::EVP_Digest(text.data(), text.size(), out.data(), nullptr, ::EVP_sha256(), nullptr);
  return out;
}

}  // namespace

bool is_same_secret(std::string_view given, std::string_view expected) {
  const digest a = digest_of(given);
  const digest b = digest_of(expected);
  return ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<response> refuse_stranger(const request_view& request, const access_rules& rules, bool open) {
  const auto origin = request.origin ? authority_of(*request.origin) : std::nullopt;
  if (rules.token.empty()) {
    if (request.host && !is_local(*request.host)) {
      return refusal(421, "MisdirectedRequest",
                     "the Host header names another machine; call http://localhost, through an SSH tunnel from "
                     "elsewhere, or serve with --bind and --api-token-file");
    }
    if (request.origin && !(origin && is_local(*origin))) return foreign_origin();
    return std::nullopt;
  }
  if (request.origin && !(origin && request.host && same_letters(*origin, *request.host))) return foreign_origin();
  if (!open && !is_authorized(request.authorization, rules.token)) return unauthorized(request.authorization);
  return std::nullopt;
}

}  // namespace sluice::http
