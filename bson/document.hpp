// A document that owns its bytes, and the builder that makes one. For commands and checkpoints, not for the data path.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "bson/document_view.hpp"

namespace sluice::bson {

/// Owns the bytes of one document. Always well-formed at the outer level; default-constructed it is `{}`.
class document {
 public:
  document();
  /// Copies the view's bytes.
  explicit document(document_view view);
  /// Takes bytes that the caller has validated.
  explicit document(std::vector<std::byte> validated) : bytes_(std::move(validated)) {}

  [[nodiscard]] document_view view() const noexcept { return document_view(bytes_.data()); }
  operator document_view() const noexcept { return view(); }  // NOLINT: a document is usable wherever a view is
  [[nodiscard]] bytes_view bytes() const noexcept { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// Appends fields in order. Keys may not contain a zero byte (asserted). Nested documents and arrays are opened and
/// closed; finish() closes nothing: an unclosed one is a programming error (asserted).
///
///   bson::builder command;
///   command.append("insert", "orders").append("ordered", false);
///   command.open_document("writeConcern").append("w", 1).close();
///   bson::document done = command.finish();
class builder {
 public:
  builder();

  builder& append(std::string_view key, std::int32_t value);
  builder& append(std::string_view key, std::int64_t value);
  builder& append(std::string_view key, double value);
  builder& append(std::string_view key, bool value);
  builder& append(std::string_view key, std::string_view value);
  builder& append(std::string_view key, const char* value) { return append(key, std::string_view(value)); }
  builder& append(std::string_view key, const std::string& value) { return append(key, std::string_view(value)); }
  builder& append(std::string_view key, document_view value);
  builder& append(std::string_view key, const document& value) { return append(key, value.view()); }
  builder& append(std::string_view key, timestamp value);
  builder& append(std::string_view key, object_id value);
  /// The data alone: the inner length of subtype 2 is added (as as_binary() takes it off).
  builder& append(std::string_view key, binary_view value);
  builder& append_array(std::string_view key, document_view value);
  builder& append_date_ms(std::string_view key, std::int64_t ms_since_epoch);
  builder& append_null(std::string_view key);
  builder& append_min_key(std::string_view key);
  builder& append_max_key(std::string_view key);
  /// The element's type and value under another key.
  builder& append(std::string_view key, element_view value);
  /// The element as it is.
  builder& append(element_view element);
  /// All fields of a document.
  builder& append_all(document_view fields);

  builder& open_document(std::string_view key);
  builder& open_array(std::string_view key);
  builder& close();

  /// Inside an array: appends under the next index ("0", "1", ...). Works with every append above and the opens. The
  /// outermost level may be used as an array too (its document is then one for append_array).
  [[nodiscard]] std::string next_index() const;
  template <class Value>
  builder& push(Value&& value) {
    return append(next_index(), std::forward<Value>(value));
  }

  [[nodiscard]] std::size_t size_bytes() const noexcept { return bytes_.size(); }
  /// Hands the document over and starts anew with an empty one.
  [[nodiscard]] document finish();

 private:
  struct level {
    std::size_t begin = 0;
    std::uint32_t elements = 0;
    bool is_array = false;
  };
  void key(type t, std::string_view name);

  std::vector<std::byte> bytes_;
  std::vector<level> open_;
};

}  // namespace sluice::bson
