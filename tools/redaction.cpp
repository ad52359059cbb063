#include "tools/redaction.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace sluice::tools {
namespace {

constexpr std::string_view stars = "***";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_letters(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

/// Where a scheme begins at or after `from`, and its length.
struct scheme_place {
  std::size_t at = std::string_view::npos;
  std::size_t length = 0;
};
scheme_place find_scheme(std::string_view text, std::size_t from) {
  constexpr std::array<std::string_view, 2> schemes{"mongodb://", "mongodb+srv://"};
  for (std::size_t at = from; at < text.size(); ++at) {
    for (const std::string_view scheme : schemes) {
      if (same_letters(text.substr(at, scheme.size()), scheme)) return {at, scheme.size()};
    }
  }
  return {};
}

std::string without_secret_options(std::string_view hosts_and_options) {
  const std::size_t options_at = hosts_and_options.find('?');
  if (options_at == std::string_view::npos) return std::string(hosts_and_options);
  std::string out(hosts_and_options.substr(0, options_at + 1));
  std::string_view rest = hosts_and_options.substr(options_at + 1);
  while (!rest.empty()) {
    const std::size_t end = rest.find_first_of("&;");
    const std::string_view pair = rest.substr(0, end);
    const std::size_t value_at = pair.find('=');
    if (value_at != std::string_view::npos && holds_a_secret(pair.substr(0, value_at))) {
      out.append(pair.substr(0, value_at + 1)).append(stars);
    } else {
      out.append(pair);
    }
    if (end == std::string_view::npos) break;
    out.push_back(rest[end]);
    rest.remove_prefix(end + 1);
  }
  return out;
}

/// What follows the scheme. The last '@' ends the user information even if an earlier one should: an unescaped '@',
/// '/' or '?' in a password makes the URI invalid, yet it is a password.
std::string without_password(std::string_view after_scheme) {
  const std::size_t at_sign = after_scheme.rfind('@');
  if (at_sign == std::string_view::npos) return without_secret_options(after_scheme);
  const std::string_view user_information = after_scheme.substr(0, at_sign);
  const std::size_t colon = user_information.find(':');
  std::string out(user_information.substr(0, colon));
  if (colon != std::string_view::npos) out.append(":").append(stars);
  return out + without_secret_options(after_scheme.substr(at_sign));
}

}  // namespace

bool holds_a_secret(std::string_view option) {
  constexpr std::array<std::string_view, 5> secret{"tlsCertificateKeyFilePassword", "sslClientCertificateKeyPassword",
                                                   "authMechanismProperties", "proxyPassword", "password"};
  return std::ranges::any_of(secret, [&](std::string_view name) { return same_letters(name, option); });
}

std::string redacted(std::string_view text) {
  std::string out;
  scheme_place here = find_scheme(text, 0);
  out.append(text.substr(0, here.at));
  while (here.at != std::string_view::npos) {
    const std::size_t body_at = here.at + here.length;
    const scheme_place next = find_scheme(text, body_at);
    out.append(text.substr(here.at, here.length));
    out.append(without_password(text.substr(body_at, next.at == std::string_view::npos ? next.at : next.at - body_at)));
    here = next;
  }
  return out;
}

}  // namespace sluice::tools
