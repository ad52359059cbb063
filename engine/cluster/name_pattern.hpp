// What a name must be: one name exactly, or one in which a regular expression is found, as the server's $regex finds it
// (PCRE). Matching is bounded: a pattern that explodes ends with an error, never with a thread that is busy for hours.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/runtime/result.hpp"

namespace sluice::cluster {

/// Cheap to copy; copies may be used on different lanes.
class name_pattern {
 public:
  [[nodiscard]] static name_pattern exactly(std::string name);
  /// `options`: letters of "imsx", in any order. Error (configuration): no regular expression, with the place; an
  /// unknown letter; longer than limits::name_pattern_bytes_max.
  [[nodiscard]] static result<name_pattern> found_by(std::string expression, std::string_view options);

  /// Error (configuration): it takes too many steps to tell; the pattern and the name are in the message.
  [[nodiscard]] result<bool> matches(std::string_view name) const;

  [[nodiscard]] bool is_expression() const noexcept { return compiled_ != nullptr; }
  /// The name itself, or "/expression/options" in which every slash of the expression is escaped.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  name_pattern() = default;

  std::string text_;
  std::shared_ptr<const void> compiled_;  // a pcre2_code; nothing: exactly text_
};

}  // namespace sluice::cluster
