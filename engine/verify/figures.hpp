// What comparing both sides has come to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::verify {

/// A document that is not the same on both sides, and is not about to become so.
struct difference {
  std::string ns;       // on the source
  std::string id_json;  // relaxed Extended JSON
  std::string what;     // "is missing on the destination", "differs in a.b"
};

struct verify_figures {
  std::int64_t documents_estimate = 0;  // of the collections that are compared
  std::int64_t source_documents = 0;    // read, also again
  std::int64_t destination_documents = 0;
  std::int64_t collections = 0;
  std::int64_t collections_compared = 0;
  std::int64_t bytes_left = 0;    // of collections that were not compared yet
  bool first_pass = false;        // everything that was there at the beginning was compared once
  std::int64_t undecided = 0;     // documents that are to be looked at again
  std::int64_t lag_seconds = 0;   // since when the next of them waits
  std::int64_t looked_again = 0;  // looks at single documents
  std::int64_t different = 0;
  std::vector<difference> differences;  // the first few
  std::string fault;                    // why verifying cannot go on; empty: it can

  /// What is left can be compared within a commit.
  [[nodiscard]] bool nearly_done() const noexcept { return first_pass && bytes_left <= bytes_within_a_commit; }
  /// Nothing waits to be compared; what has changed since may wait to be looked at again.
  [[nodiscard]] bool all_compared() const noexcept { return first_pass && collections_compared == collections; }

  static constexpr std::int64_t bytes_within_a_commit = std::int64_t{64} << 20U;
};

}  // namespace sluice::verify
