#include "tools/scrubber.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cstddef>
#include <optional>

#include "tools/redaction.hpp"

namespace sluice::tools {
namespace {

constexpr std::string_view stars = "***";
/// Shorter secrets are parts of ordinary words.
constexpr std::size_t secret_inside_words_bytes_min = 4;
/// JSON in JSON in JSON.
constexpr std::size_t backslashes_max = 8;

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

/// The byte that two hex digits at `at` stand for.
std::optional<char> hex_byte(std::string_view text, std::size_t at) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char low = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
  };
  if (at + 2 > text.size() || digit(text[at]) < 0 || digit(text[at + 1]) < 0) return std::nullopt;
  return static_cast<char>(digit(text[at]) * 16 + digit(text[at + 1]));
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = text[at] == '%' ? hex_byte(text, at + 1) : std::nullopt;
    out.push_back(byte.value_or(text[at]));
    if (byte) at += 2;
  }
  return out;
}

/// What JSON writes after a backslash for a control character; 0: nothing.
char json_letter(char byte) {
  constexpr std::string_view bytes = "\n\t\r\b\f", letters = "ntrbf";
  const std::size_t at = bytes.find(byte);
  return at == std::string_view::npos ? '\0' : letters[at];
}

/// Where `byte` may end that begins at `at`, in each form in which it may have been written there.
void add_ends(std::string_view text, std::size_t at, char byte, std::vector<std::size_t>& ends) {
  if (at >= text.size()) return;
  if (text[at] == byte) ends.push_back(at + 1);
  if (text[at] == '%' && hex_byte(text, at + 1) == byte) ends.push_back(at + 3);
  std::size_t after = at;
  while (after < text.size() && text[after] == '\\' && after - at < backslashes_max) {
    ++after;
    if (byte == '\\' && std::has_single_bit(after - at)) ends.push_back(after);  // each time they become twice as many
  }
  if (after == at || after == text.size()) return;
  if (text[after] == byte || text[after] == json_letter(byte)) ends.push_back(after + 1);
  if (text.substr(after, 3) == "u00" && hex_byte(text, after + 3) == byte) ends.push_back(after + 5);
}

/// Length of the secret at `at`, in whatever form; 0: it is not there. All forms of a byte are followed side by side,
/// so that no secret is so odd that this takes long.
std::size_t length_at(std::string_view text, std::size_t at, std::string_view secret) {
  std::vector<std::size_t> here{at}, next;
  for (const char byte : secret) {
    next.clear();
    for (const std::size_t each : here) add_ends(text, each, byte, next);
    if (next.empty()) return 0;
    std::ranges::sort(next);
    next.erase(std::unique(next.begin(), next.end()), next.end());
    std::swap(here, next);
  }
  const std::size_t end = here.back();
  if (secret.size() >= secret_inside_words_bytes_min) return end - at;
  const bool inside_word = (at > 0 && is_word(text[at - 1])) || (end < text.size() && is_word(text[end]));
  return inside_word ? 0 : end - at;
}

/// Of "user:password@host": also one that was cut off behind the password's beginning, which has no '@' any more.
std::string without_cut_password(std::string_view uri) {
  const std::size_t body = uri.find("://") + 3;
  const std::size_t colon = uri.find(':', body);
  const bool is_whole = uri.find('@', body) != std::string_view::npos;
  if (is_whole || colon == std::string_view::npos || uri.substr(body).starts_with('[')) return redacted(uri);
  const std::size_t end = std::min(uri.find_first_of(",/?;)", colon), uri.size());
  const std::string_view port = uri.substr(colon + 1, end - colon - 1);
  if (std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; })) return redacted(uri);
  return std::string(uri.substr(0, colon + 1)).append(stars);
}

/// Every URI of a deployment reaches to a blank, a quote or the like: text goes on behind it.
std::string without_passwords(std::string_view text) {
  constexpr std::string_view ends = " \t\r\n\"'`<>\\";
  std::string out;
  for (;;) {
    const std::size_t at = std::min(text.find("mongodb://"), text.find("mongodb+srv://"));
    out += text.substr(0, at);
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at);
    const std::string_view uri = text.substr(0, text.find_first_of(ends));
    out += without_cut_password(uri);
    text.remove_prefix(uri.size());
  }
}

/// Where the value ends that begins at `at`: braces and brackets match, quotes (escaped or not) are closed, else it is
/// a word; with the line at the latest.
std::size_t end_of_value(std::string_view text, std::size_t at) {
  const std::size_t line_end = std::min(text.find('\n', at), text.size());
  const std::size_t quote = text.find_first_not_of('\\', at);
  if (quote < line_end && text[quote] == '"') {
    const std::string_view mark = text.substr(at, quote + 1 - at);  // escaped as often as it was opened
    for (std::size_t close = text.find(mark, quote + 1); close < line_end; close = text.find(mark, close + 1)) {
      if (text[close - 1] != '\\') return close + mark.size();
    }
    return line_end;
  }
  if (text[at] != '{' && text[at] != '[') return std::min(text.find_first_of(" ,;)}]\"\\", at), line_end);
  int depth = 0;
  bool in_string = false;
  std::size_t backslashes = 0, of_a_quote = text.npos;  // how many stand before a quote that is none of a string's own
  for (std::size_t here = at; here < line_end; ++here) {
    const char c = text[here];
    if (c == '"') {
      of_a_quote = std::min(of_a_quote, backslashes);
      in_string = !in_string || backslashes > of_a_quote;
    } else if (!in_string && (c == '{' || c == '[')) {
      ++depth;
    } else if (!in_string && (c == '}' || c == ']') && --depth == 0) {
      return here + 1;
    }
    backslashes = c == '\\' ? backslashes + 1 : 0;
  }
  return line_end;
}

}  // namespace

void scrubber::hide(std::string secret) {
  if (!secret.empty() && std::ranges::find(secrets_, secret) == secrets_.end()) secrets_.push_back(std::move(secret));
}

void scrubber::hide_secrets_of(std::string_view uri) {
  const auto hide_value = [this](std::string_view value) {
    hide(std::string(value));
    hide(percent_decoded(value));
  };
  if (const std::size_t scheme = uri.find("://"); scheme != std::string_view::npos) uri.remove_prefix(scheme + 3);
  // An '@' may stand in an option, or unescaped in the password.
  for (const std::string_view part : {uri, uri.substr(0, uri.find_first_of("/?"))}) {
    const std::size_t at_sign = part.rfind('@');
    const std::size_t colon = part.substr(0, at_sign).find(':');
    if (at_sign == std::string_view::npos || colon == std::string_view::npos) continue;
    hide_value(part.substr(colon + 1, at_sign - colon - 1));
  }
  const std::size_t options_at = uri.find('?');
  if (options_at == std::string_view::npos) return;
  for (std::string_view rest = uri.substr(options_at + 1); !rest.empty();) {
    const std::string_view pair = rest.substr(0, rest.find_first_of("&;"));
    const std::size_t sign = std::min(pair.find('='), pair.size());
    std::string_view value = pair.substr(std::min(sign + 1, pair.size()));
    if (const std::size_t token = pair.find("AWS_SESSION_TOKEN:"); token != std::string_view::npos) {
      value = pair.substr(token + 18, pair.find(',', token) - token - 18);
      hide_value(value);
    } else if (holds_a_secret(pair.substr(0, sign)) && pair.find(':') == std::string_view::npos) {
      hide_value(value);
    }
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
  }
}

std::string scrubber::without_known_secrets(std::string_view text) const {
  if (secrets_.empty()) return std::string(text);
  std::string firsts = "%\\";
  for (const std::string& secret : secrets_) firsts.push_back(secret.front());
  std::string out;
  std::size_t copied = 0;
  for (std::size_t at = text.find_first_of(firsts); at != std::string_view::npos;) {
    std::size_t length = 0;
    for (const std::string& secret : secrets_) length = std::max(length, length_at(text, at, secret));
    if (length > 0) {
      out.append(text.substr(copied, at - copied)).append(stars);
      copied = at + length;
    }
    at = text.find_first_of(firsts, length > 0 ? copied : at + 1);
  }
  return out.append(text.substr(copied));
}

std::string scrubber::clean(std::string_view text) const {
  return without_document_values(without_passwords(without_known_secrets(text)));
}

std::string without_document_values(std::string_view text) {
  struct place {
    std::string_view words;  // before the value
    bool in_json;
    std::size_t next = 0;  // where they are found next
  };
  // In messages, in JSON (also the log's field), and in JSON that a message quotes.
  std::array<place, 7> places{{{"dup key: ", false},
                               {"_id ", false},
                               {"_id: ", false},
                               {"_id\\\":", false},
                               {"_id\":", true},
                               {"\"_id\" : ", true},
                               {"\"id\":", true}}};
  std::string out;
  std::size_t done = 0;
  for (;;) {
    for (place& each : places) {
      if (each.next < done || done == 0) each.next = text.find(each.words, done);
    }
    const place& first = *std::ranges::min_element(places, {}, &place::next);
    if (first.next == std::string_view::npos) break;
    const std::size_t value = text.find_first_not_of(' ', first.next + first.words.size());
    if (value == std::string_view::npos) break;
    const bool quoted = first.in_json || text[value] == '"';
    out.append(text.substr(done, value - done)).append(quoted ? "\"***\"" : stars);
    done = end_of_value(text, value);
  }
  return out.append(text.substr(done));
}

}  // namespace sluice::tools
