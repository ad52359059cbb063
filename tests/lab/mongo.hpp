// libmongoc with owners: documents and clients for the laboratory. Must never touch Sluice's own BSON or wire code,
// which it is there to judge.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mongoc/mongoc.h>

namespace sluice::lab {

/// A BSON document that owns its bytes.
class document {
 public:
  document() : bson_(bson_new()) {}
  explicit document(const bson_t& from) : bson_(bson_copy(&from)) {}
  document(const document& other) : bson_(bson_copy(other.bson_)) {}
  document(document&& other) noexcept : bson_(std::exchange(other.bson_, nullptr)) {}
  document& operator=(document other) noexcept {
    std::swap(bson_, other.bson_);
    return *this;
  }
  ~document() { bson_destroy(bson_); }

  /// From extended JSON; throws on a mistake in it.
  static document json(std::string_view text);
  /// From bytes as they are; only their length is checked.
  static document bytes(std::string_view raw);

  [[nodiscard]] const bson_t* get() const noexcept { return bson_; }
  [[nodiscard]] bson_t* get() noexcept { return bson_; }
  [[nodiscard]] std::string_view raw() const noexcept;

  /// The value at a dotted path; zero or empty when it is not there or of another kind.
  [[nodiscard]] std::int64_t integer(const char* path) const;
  [[nodiscard]] double number(const char* path) const;
  [[nodiscard]] bool boolean(const char* path) const;
  [[nodiscard]] std::string text(const char* path) const;
  [[nodiscard]] bool has(const char* path) const;
  /// The document or array at a dotted path, copied; empty when it is not there.
  [[nodiscard]] document child(const char* path) const;
  /// Each value that is a document, of a document used as an array.
  [[nodiscard]] std::vector<document> elements() const;

 private:
  explicit document(bson_t* owned) : bson_(owned) {}
  bson_t* bson_;  // no unique_ptr: bson_t is over-aligned, which g++ warns about in template arguments
};

[[nodiscard]] std::string_view raw_of(const bson_t& bson) noexcept;
/// Canonical extended JSON, cut to `limit` characters; hexadecimal where a string is no UTF-8.
[[nodiscard]] std::string to_text(const bson_t& bson, std::size_t limit = 300);
/// Text made safe to stand inside a JSON string.
[[nodiscard]] std::string json_escaped(std::string_view text);

/// Where libmongoc puts a reply: it initializes what it is given, so what a document holds there would never be freed.
class reply_buffer {
 public:
  reply_buffer() = default;
  reply_buffer(const reply_buffer&) = delete;
  reply_buffer& operator=(const reply_buffer&) = delete;
  ~reply_buffer() { bson_destroy(&raw_); }
  [[nodiscard]] bson_t* get() noexcept { return &raw_; }
  [[nodiscard]] document copy() const { return document(raw_); }

 private:
  bson_t raw_ = BSON_INITIALIZER;
};

/// One client: for one thread.
class client {
 public:
  explicit client(const std::string& uri);

  [[nodiscard]] mongoc_client_t* get() const noexcept { return client_.get(); }

  /// Runs a command (extended JSON) and returns the reply; throws with the server's words when it fails, and on write
  /// errors inside a reply that says ok.
  document run(const char* database, std::string_view command);
  document run(const char* database, const document& command);
  /// The same without throwing: false when it failed, with the reply as far as there is one.
  bool try_run(const char* database, const document& command, document& reply, bson_error_t& error);

  /// Unordered insert of documents as they are: no client-side validation. Throws on any error.
  void insert(const char* database, const char* collection, std::span<const document> documents);
  void insert(const char* database, const char* collection, const document& one) {
    insert(database, collection, std::span<const document>(&one, 1));
  }
  [[nodiscard]] std::int64_t count(const char* database, const char* collection);
  /// Major and minor version of the server: 4.4 is 404, 6.0 is 600.
  [[nodiscard]] int server_version();

 private:
  struct destroy {
    void operator()(mongoc_client_t* c) const noexcept { mongoc_client_destroy(c); }
  };
  std::unique_ptr<mongoc_client_t, destroy> client_;
};

struct destroy_collection {
  void operator()(mongoc_collection_t* c) const noexcept { mongoc_collection_destroy(c); }
};
using collection_handle = std::unique_ptr<mongoc_collection_t, destroy_collection>;

struct destroy_cursor {
  void operator()(mongoc_cursor_t* c) const noexcept { mongoc_cursor_destroy(c); }
};
using cursor_handle = std::unique_ptr<mongoc_cursor_t, destroy_cursor>;

}  // namespace sluice::lab
