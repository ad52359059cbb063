// The data set that a bench makes: documents of a chosen shape, size and kind of `_id`, as a function of seed and
// index. Never asks a server and never a clock, so that two runs with the same options write the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bson/document.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::measure {

enum class shape : std::uint8_t {
  flat,        // a few fields and a text
  nested,      // documents in documents, five levels deep
  wide,        // as many small fields as fit, five hundred at most
  array,       // an array of small documents
  timeseries,  // measurements of a time-series collection
  mixed,       // flat, nested, wide and array in turn
};
enum class id_kind : std::uint8_t {
  objectid,  // ascending, as drivers make them
  random,    // UUIDs: every insert lands elsewhere in the _id index
  integer,   // ascending
  string,    // ascending
};
[[nodiscard]] std::string_view to_string(shape s) noexcept;
[[nodiscard]] std::string_view to_string(id_kind k) noexcept;  // "int" for integer, as the flag has it
/// Errors (configuration): the word that is none, and which there are.
[[nodiscard]] result<shape> shape_from(std::string_view text);
[[nodiscard]] result<id_kind> id_kind_from(std::string_view text);

inline constexpr std::int32_t indexes_max = 8;

struct data_set_options {
  std::int64_t documents = 200'000;
  std::int64_t document_bytes = 860;  // of each, exactly
  shape form = shape::flat;
  id_kind ids = id_kind::objectid;
  std::int32_t indexes = 2;  // beside the one of _id
  std::uint64_t seed = 1;

  [[nodiscard]] double bytes() const noexcept {
    return static_cast<double>(documents) * static_cast<double>(document_bytes);
  }
};

/// The smallest document that has what its shape promises.
[[nodiscard]] std::int64_t document_bytes_min(shape s) noexcept;
/// Errors (configuration): what is out of bounds, and the bounds.
[[nodiscard]] result<> check(const data_set_options& options);

class data_set {
 public:
  /// `options` must pass check().
  explicit data_set(data_set_options options);

  [[nodiscard]] bson::document document(std::int64_t index) const;
  /// A BSON array of the documents [first, first + count), as an insert takes it.
  [[nodiscard]] bson::document batch(std::int64_t first, std::int64_t count) const;
  /// How many documents make a batch of about limits::batch_bytes_target.
  [[nodiscard]] std::int64_t batch_documents() const noexcept;

  /// {create: collection, ...}
  [[nodiscard]] bson::document create_command(std::string_view collection) const;
  /// {createIndexes: collection, ...}; nothing where none are wanted.
  [[nodiscard]] std::optional<bson::document> index_command(std::string_view collection) const;
  [[nodiscard]] const data_set_options& options() const noexcept { return options_; }

 private:
  data_set_options options_;
  std::string text_;  // words from which every filler is a slice
};

}  // namespace sluice::measure
