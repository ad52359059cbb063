// The options of a URI by name: which exist, which we refuse and why, which hold secrets. Text only, no libmongoc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/runtime/result.hpp"

namespace sluice::wire {

/// A URI cut at its outer marks, nothing decoded.
struct uri_text {
  bool srv = false;
  std::string user_info;  // "user:password" as written
  std::string hosts;
  std::string database;  // with everything between the first '/' and '?'
  struct entry {
    std::string key;    // as written
    std::string name;   // in lower case
    std::string value;  // percent-encoded as written
  };
  std::vector<entry> options;
  /// An '@' stands behind the host list: perhaps a password with a '/' or '?' that is not percent-encoded. What we
  /// take for options may then be a piece of it and must not be quoted.
  bool doubtful = false;

  [[nodiscard]] const entry* find(std::string_view name) const noexcept;
  /// What libmongoc shall read: without the options that only we know.
  [[nodiscard]] std::string for_libmongoc() const;
  /// With the password and every secret option masked. `hosts` as they stand.
  [[nodiscard]] std::string redacted() const;
  /// The literal texts that must never be seen in a message, as written and decoded.
  [[nodiscard]] std::vector<std::string> secrets() const;
};

/// Cuts, and checks names and the values that cannot apply to a copy. Errors (configuration) name the option.
[[nodiscard]] result<uri_text> read_uri_text(std::string_view uri);

[[nodiscard]] std::string percent_decoded(std::string_view text);
[[nodiscard]] std::string percent_encoded(std::string_view text);
[[nodiscard]] std::string lower_case(std::string_view text);

}  // namespace sluice::wire
