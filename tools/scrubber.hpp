// Takes secrets and documents out of text that goes to strangers: what is known to be secret in whatever form it was
// written, what looks like the password of a URI, and values of documents in messages. It rather hides too much.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::tools {

class scrubber {
 public:
  /// Nothing when it is empty. One of less than four characters is hidden where it is a word of its own.
  void hide(std::string secret);
  /// The password and the secret options of a URI, as they stand and percent-decoded. It need not be well-formed.
  void hide_secrets_of(std::string_view uri);

  /// `text`, which must be whole: a secret that is cut in two is not known any more. Known secrets are found also when
  /// they are percent-encoded (in either case, each character or only some), or escaped for JSON, once or more often.
  [[nodiscard]] std::string clean(std::string_view text) const;

 private:
  [[nodiscard]] std::string without_known_secrets(std::string_view text) const;

  std::vector<std::string> secrets_;
};

/// `text` without the values of documents that servers and the engine quote: those of a duplicate key, and `_id`s.
[[nodiscard]] std::string without_document_values(std::string_view text);

}  // namespace sluice::tools
