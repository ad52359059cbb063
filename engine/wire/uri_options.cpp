#include "engine/wire/uri_options.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <span>

#include "engine/runtime/nearest_name.hpp"

namespace sluice::wire {

namespace {

enum class rule : std::uint8_t {
  any,           // libmongoc judges the value
  secret,        // the same, never shown
  ours,          // we alone know it
  milliseconds,  // a number, not negative
  compressor_list,
  must_be_primary,
  must_be_majority,
  never_true,
  refused,
};

struct known_option {
  std::string_view key;  // as documented
  rule how = rule::any;
  std::string_view why{};  // of those that cannot apply
};

constexpr std::string_view reads_from_primary = "the engine reads from the primary";
constexpr std::string_view is_majority = "the engine reads and checkpoints with majority";
constexpr std::string_view has_no_time_limit =
    "a long server operation would be cut; the engine sets its own time limits";

constexpr std::array known_options{
    known_option{"appName"},
    known_option{"authMechanism"},
    known_option{"authMechanismProperties", rule::secret},  // may hold AWS_SESSION_TOKEN
    known_option{"authSource"},
    known_option{"canonicalizeHostname"},
    known_option{"compressors", rule::compressor_list},
    known_option{"connectTimeoutMS", rule::milliseconds},
    known_option{"directConnection"},
    known_option{"gssapiServiceName"},
    known_option{"heartbeatFrequencyMS", rule::milliseconds},
    known_option{"journal"},
    known_option{"loadBalanced", rule::never_true,
                 "a copy needs connections to chosen servers: give the members instead of the load balancer"},
    known_option{"localThresholdMS", rule::milliseconds},
    known_option{"maxIdleTimeMS", rule::milliseconds},
    known_option{"maxPoolSize"},
    known_option{"maxStalenessSeconds", rule::refused, reads_from_primary},
    known_option{"minPoolSize"},
    known_option{"readConcernLevel", rule::must_be_majority, is_majority},
    known_option{"readPreference", rule::must_be_primary, reads_from_primary},
    known_option{"readPreferenceTags", rule::refused, reads_from_primary},
    known_option{"replicaSet"},
    known_option{"retryReads"},
    known_option{"retryWrites"},
    known_option{"safe", rule::refused, is_majority},
    known_option{"serverSelectionTimeoutMS", rule::milliseconds},
    known_option{"serverSelectionTryOnce"},
    known_option{"slaveOk", rule::never_true, reads_from_primary},
    known_option{"socketCheckIntervalMS", rule::milliseconds},
    known_option{"socketTimeoutMS", rule::refused, has_no_time_limit},
    known_option{"srvMaxHosts"},
    known_option{"srvServiceName"},
    known_option{"ssl"},
    known_option{"sslAllowInvalidCertificates"},
    known_option{"sslAllowInvalidHostnames"},
    known_option{"sslCertificateAuthorityFile"},
    known_option{"sslClientCertificateKeyFile"},
    known_option{"sslClientCertificateKeyPassword", rule::secret},
    known_option{"timeoutMS", rule::refused, has_no_time_limit},
    known_option{"tls"},
    known_option{"tlsAllowInvalidCertificates"},
    known_option{"tlsAllowInvalidHostnames"},
    known_option{"tlsCAFile"},
    known_option{"tlsCRLFile", rule::ours},
    known_option{"tlsCertificateKeyFile"},
    known_option{"tlsCertificateKeyFilePassword", rule::secret},
    known_option{"tlsDisableCertificateRevocationCheck"},
    known_option{"tlsDisableOCSPEndpointCheck"},
    known_option{"tlsInsecure"},
    known_option{"w", rule::must_be_majority, is_majority},
    known_option{"waitQueueMultiple"},
    known_option{"waitQueueTimeoutMS", rule::milliseconds},
    known_option{"wTimeoutMS", rule::milliseconds},
    known_option{"zlibCompressionLevel"},
};

const known_option* find_known(std::string_view lower_name) {
  const auto* at = std::ranges::find_if(known_options, [&](const auto& o) { return lower_case(o.key) == lower_name; });
  return at == known_options.end() ? nullptr : at;
}

bool is_secret(std::string_view lower_name) {
  const auto* known = find_known(lower_name);
  return known == nullptr || known->how == rule::secret;
}

std::string did_you_mean(std::string_view name) {
  std::array<std::string_view, known_options.size()> keys{};
  std::ranges::transform(known_options, keys.begin(), &known_option::key);
  return runtime::did_you_mean(name, keys);
}

error bad_option(std::string_view key, std::string_view what) {
  return failure(error_kind::configuration, "URI option \"" + std::string(key) + "\" " + std::string(what));
}

result<> check_option(const uri_text::entry& option) {
  const auto* known = find_known(option.name);
  if (known == nullptr) {
    return failure(error_kind::configuration,
                   "unknown URI option \"" + option.key + "\"" + did_you_mean(option.name) + "; correct or remove it");
  }
  if (option.value.empty()) return bad_option(known->key, "has no value; give it one or remove it");
  const std::string value = lower_case(percent_decoded(option.value));
  const std::string because = ": " + std::string(known->why) + "; remove it";
  switch (known->how) {
    case rule::milliseconds: {
      std::int32_t number = 0;
      const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
      if (read.ec != std::errc() || read.ptr != value.data() + value.size() || number < 0) {
        return bad_option(known->key, "must be a number of milliseconds, not \"" + value + "\"");
      }
      return ok();
    }
    case rule::compressor_list:
      for (std::string_view left = value; !left.empty();) {
        const auto name = left.substr(0, left.find(','));
        left.remove_prefix(std::min(left.size(), name.size() + 1));
        if (name == "zstd" || name == "snappy" || name == "zlib") continue;
        return bad_option(known->key, "names \"" + std::string(name) + "\"; the engine knows zstd, snappy and zlib");
      }
      return ok();
    case rule::must_be_primary:
      if (value != "primary") return bad_option(known->key, "can only be \"primary\"" + because);
      return ok();
    case rule::must_be_majority:
      if (value != "majority") return bad_option(known->key, "can only be \"majority\"" + because);
      return ok();
    case rule::never_true:
      if (value != "false") return bad_option(known->key, "cannot be used" + because);
      return ok();
    case rule::refused:
      return bad_option(known->key, "cannot be used" + because);
    default:
      return ok();
  }
}

error bad_uri(std::string_view what) {
  return failure(error_kind::configuration, "URI: " + std::string(what));
}

result<std::vector<uri_text::entry>> read_options(std::string_view query) {
  std::vector<uri_text::entry> options;
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos) {
      return bad_option(pair, "has no value: write it as key=value");
    }
    auto key = pair.substr(0, equals);
    options.push_back({std::string(key), lower_case(key), std::string(pair.substr(equals + 1))});
  }
  return options;
}

/// Each on its own, and none given twice: which of the two would count differs between drivers.
result<> check_options(const std::vector<uri_text::entry>& options) {
  for (const auto& option : options) {
    SLUICE_TRYV(check_option(option));
    const auto same = [&option](const auto& other) { return other.name == option.name; };
    if (std::ranges::count_if(options, same) > 1) return bad_option(option.key, "is given more than once");
  }
  return ok();
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char code = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, code, 16).ptr == text.data() + i + 3) {
      out.push_back(static_cast<char>(code));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (std::isalnum(code) != 0 || c == '-' || c == '.' || c == '_' || c == '~') {
      out.push_back(c);
    } else {
      out += {'%', hex[code >> 4U], hex[code & 15U]};
    }
  }
  return out;
}

const uri_text::entry* uri_text::find(std::string_view name) const noexcept {
  const auto at = std::ranges::find_if(options, [name](const entry& o) { return o.name == name; });
  return at == options.end() ? nullptr : &*at;
}

std::string uri_text::for_libmongoc() const {
  std::string text = srv ? "mongodb+srv://" : "mongodb://";
  if (!user_info.empty()) text += user_info + "@";
  text += hosts + "/" + database;
  char separator = '?';
  for (const auto& option : options) {
    const auto* known = find_known(option.name);
    if (known != nullptr && known->how == rule::ours) continue;
    text += separator + option.key + "=" + option.value;
    separator = '&';
  }
  return text;
}

std::string uri_text::redacted() const {
  std::string text = srv ? "mongodb+srv://" : "mongodb://";
  if (!user_info.empty()) {
    const auto colon = user_info.find(':');
    text += user_info.substr(0, colon) + (colon == std::string::npos ? "@" : ":***@");
  }
  text += hosts + "/" + database;
  char separator = '?';
  for (const auto& option : options) {
    text += separator + option.key + "=" + (is_secret(option.name) ? "***" : option.value);
    separator = '&';
  }
  return text;
}

std::vector<std::string> uri_text::secrets() const {
  std::vector<std::string> found;
  const auto add = [&found](std::string_view text) {
    if (text.empty()) return;
    found.emplace_back(text);
    found.push_back(percent_decoded(text));
  };
  if (const auto colon = user_info.find(':'); colon != std::string::npos) add(user_info.substr(colon + 1));
  for (const auto& option : options) {
    if (is_secret(option.name)) add(option.value);
  }
  return found;
}

result<uri_text> read_uri_text(std::string_view uri) {
  constexpr std::string_view plain_scheme = "mongodb://";
  constexpr std::string_view srv_scheme = "mongodb+srv://";
  uri_text text;
  if (uri.starts_with(plain_scheme)) {
    uri.remove_prefix(plain_scheme.size());
  } else if (uri.starts_with(srv_scheme)) {
    text.srv = true;
    uri.remove_prefix(srv_scheme.size());
  } else {
    return bad_uri("must begin with mongodb:// or mongodb+srv://");
  }

  const std::string_view authority = uri.substr(0, uri.find_first_of("/?"));
  std::string_view rest = uri.substr(authority.size());
  const auto at = authority.rfind('@');
  text.doubtful = rest.find('@') != std::string_view::npos;
  if (at == std::string_view::npos && text.doubtful) {
    return bad_uri(
        "an '@' stands behind the host list; percent-encode '@', ':', '/', '?' and '%' in user name, password and "
        "values");
  }
  if (at != std::string_view::npos) text.user_info = authority.substr(0, at);
  text.hosts = authority.substr(at == std::string_view::npos ? 0 : at + 1);
  if (text.hosts.empty()) return bad_uri("names no host");

  const auto question = rest.find('?');
  if (rest.starts_with('/'))
    text.database = rest.substr(1, question == std::string_view::npos ? question : question - 1);
  auto options = read_options(question == std::string_view::npos ? std::string_view{} : rest.substr(question + 1));
  auto checked = options ? check_options(options.value()) : result<>(options.error());
  if (!checked) {
    if (text.doubtful) {
      return bad_uri(
          "an option is unknown or malformed, or the password is not percent-encoded ('@', ':', '/', '?', '%')");
    }
    return checked.error();
  }
  text.options = std::move(options).value();
  return text;
}

}  // namespace sluice::wire
