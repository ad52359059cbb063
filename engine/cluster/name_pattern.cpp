#include "engine/cluster/name_pattern.hpp"

#include <algorithm>
#include <array>
#include <utility>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "engine/runtime/limits.hpp"

namespace sluice::cluster {

namespace {

struct known_option {
  char letter;
  std::uint32_t flag;
};
constexpr std::array known_options{known_option{'i', PCRE2_CASELESS}, known_option{'m', PCRE2_MULTILINE},
                                   known_option{'s', PCRE2_DOTALL}, known_option{'x', PCRE2_EXTENDED}};

/// Servers match UTF-8; a name that is none matches as far as it is.
constexpr std::uint32_t always = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;

PCRE2_SPTR units_of(std::string_view text) {
  return reinterpret_cast<PCRE2_SPTR>(text.data());
}

std::string words_of(int code) {
  std::array<PCRE2_UCHAR, 256> words{};
  pcre2_get_error_message(code, words.data(), words.size());
  return reinterpret_cast<const char*>(words.data());
}

/// A slash that is not escaped ends an expression where it is written between slashes.
std::string with_escaped_slashes(std::string_view expression) {
  std::string escaped;
  bool after_backslash = false;
  for (const char c : expression) {
    if (c == '/' && !after_backslash) escaped += '\\';
    escaped += c;
    after_backslash = c == '\\' && !after_backslash;
  }
  return escaped;
}

}  // namespace

name_pattern name_pattern::exactly(std::string name) {
  name_pattern made;
  made.text_ = std::move(name);
  return made;
}

result<name_pattern> name_pattern::found_by(std::string expression, std::string_view options) {
  std::uint32_t flags = always;
  std::string letters;  // each once, so that "im" and "mi" are the same
  for (const char letter : options) {
    const auto* const known = std::ranges::find(known_options, letter, &known_option::letter);
    if (known == known_options.end()) {
      return failure(error_kind::configuration, "\"" + std::string(1, letter) +
                                                    "\" is no option of a regular expression; there are i (case does "
                                                    "not matter), m (lines), s (a dot matches line ends), x (spaces "
                                                    "mean nothing)");
    }
    flags |= known->flag;
  }
  for (const known_option& one : known_options) {
    if ((flags & one.flag) != 0) letters += one.letter;
  }
  if (expression.empty()) return failure(error_kind::configuration, "a regular expression must not be empty");
  if (expression.size() > limits::name_pattern_bytes_max) {
    return failure(error_kind::configuration, "a regular expression must have at most " +
                                                  std::to_string(limits::name_pattern_bytes_max) + " bytes, not " +
                                                  std::to_string(expression.size()));
  }
  int fault = 0;
  PCRE2_SIZE at = 0;
  pcre2_code* const compiled = pcre2_compile(units_of(expression), expression.size(), flags, &fault, &at, nullptr);
  if (compiled == nullptr) {
    return failure(error_kind::configuration, "\"" + expression + "\" is no regular expression: at byte " +
                                                  std::to_string(at) + ", " + words_of(fault));
  }
  name_pattern made;
  made.compiled_ = std::shared_ptr<pcre2_code>(compiled, pcre2_code_free);
  made.text_ = "/" + with_escaped_slashes(expression) + "/" + letters;
  return made;
}

result<bool> name_pattern::matches(std::string_view name) const {
  if (!is_expression()) return name == text_;
  const auto* const code = static_cast<const pcre2_code*>(compiled_.get());
  const std::unique_ptr<pcre2_match_context, decltype(&pcre2_match_context_free)> bounds(
      pcre2_match_context_create(nullptr), pcre2_match_context_free);
  pcre2_set_match_limit(bounds.get(), limits::name_pattern_steps_max);
  pcre2_set_depth_limit(bounds.get(), limits::name_pattern_steps_max);
  pcre2_set_heap_limit(bounds.get(), limits::name_pattern_heap_kib_max);
  const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> found(
      pcre2_match_data_create_from_pattern(code, nullptr), pcre2_match_data_free);
  const int matched = pcre2_match(code, units_of(name), name.size(), 0, 0, found.get(), bounds.get());
  if (matched >= 0) return true;
  if (matched == PCRE2_ERROR_NOMATCH) return false;
  return failure(error_kind::configuration, "whether the regular expression " + text_ + " matches \"" +
                                                std::string(name) + "\" takes too long to tell (" + words_of(matched) +
                                                "); write it without repetitions inside of repetitions");
}

}  // namespace sluice::cluster
