#include "engine/http/page.hpp"

#include <array>
#include <string>

#include <openssl/evp.h>

#include "sluice_embedded.hpp"

namespace sluice::http {
namespace {

std::string_view between(std::string_view text, std::string_view begin, std::string_view end) {
  const std::size_t from = text.find(begin) + begin.size();
  return text.substr(from, text.find(end, from) - from);
}

/// 'sha256-…', as a policy names what it allows.
std::string hash_source(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned digest_bytes = 0;
  ::EVP_Digest(text.data(), text.size(), digest.data(), &digest_bytes, ::EVP_sha256(), nullptr);
  std::array<unsigned char, 2 * EVP_MAX_MD_SIZE> encoded{};
  const int length = ::EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(digest_bytes));
  return "'sha256-" + std::string(encoded.begin(), encoded.begin() + length) + "'";
}

}  // namespace

std::string_view page_html() noexcept {
  return embedded::index_html;
}

std::string_view page_policy() {
  static const std::string policy = "default-src 'none'; script-src " +
                                    hash_source(between(page_html(), "<script>", "</script>")) + "; style-src " +
                                    hash_source(between(page_html(), "<style>", "</style>")) +
                                    "; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
                                    "frame-ancestors 'none'";
  return policy;
}

std::string_view openapi_json() noexcept {
  return embedded::openapi_json;
}

}  // namespace sluice::http
