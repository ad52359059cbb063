// Oplog entries for tests, written as JSON, and the reader fed with them: what came out of it as short lines.
#pragma once

#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <bson/bson.h>
#include <gtest/gtest.h>

#include "bson/document.hpp"
#include "bson/extended_json.hpp"
#include "engine/capture/change_reader.hpp"
#include "engine/capture/oplog_entry.hpp"

namespace sluice::capture::testing {

[[nodiscard]] inline bson::document from_json(std::string_view json) {
  bson_error_t error{};
  bson_t* const parsed =
      bson_new_from_json(reinterpret_cast<const std::uint8_t*>(json.data()), static_cast<ssize_t>(json.size()), &error);
  if (parsed == nullptr) throw std::invalid_argument(std::string(json) + ": " + error.message);
  bson::document made{bson::document_view(reinterpret_cast<const std::byte*>(bson_get_data(parsed)))};
  bson_destroy(parsed);
  return made;
}

/// Tests count time in seconds.
[[nodiscard]] inline bson::timestamp at(std::uint32_t seconds) {
  return {seconds, 1};
}

/// The entry of second `seconds`; `fields` as JSON without braces: R"("op": "i", "ns": "db.c", "o": {"_id": 1})".
[[nodiscard]] inline bson::document entry(std::uint32_t seconds, std::string_view fields) {
  const bson::document parsed = from_json("{" + std::string(fields) + "}");
  bson::builder made;
  made.append_all(parsed.view()).append("ts", at(seconds)).append("t", std::int64_t{1});
  return made.finish();
}

/// `"op": "i"` of a document in a collection.
[[nodiscard]] inline std::string insert_of(int id, std::string_view ns = "db.c") {
  return R"("op": "i", "ns": ")" + std::string(ns) + R"(", "o": {"_id": )" + std::to_string(id) + "}";
}
[[nodiscard]] inline std::string braced(const std::string& fields) {
  return "{" + fields + "}";
}

/// A session's entry: its number is the session, `txn` the transaction, `previous` the second of the entry before (0:
/// the first one), `o` the command.
[[nodiscard]] inline std::string in_session(int session, int txn, std::uint32_t previous, std::string_view o) {
  const std::string before =
      previous == 0 ? R"({"t": 0, "i": 0})" : R"({"t": )" + std::to_string(previous) + R"(, "i": 1})";
  return R"("lsid": {"id": )" + std::to_string(session) + R"(}, "txnNumber": {"$numberLong": ")" + std::to_string(txn) +
         R"("}, "op": "c", "ns": "admin.$cmd", "prevOpTime": {"ts": {"$timestamp": )" + before +
         R"(}, "t": {"$numberLong": "1"}}, "o": )" + std::string(o);
}
/// {applyOps: [...], more}.
[[nodiscard]] inline std::string apply_ops_of(const std::vector<std::string>& operations, std::string_view more = "") {
  std::string text = R"({"applyOps": [)";
  for (std::size_t i = 0; i < operations.size(); ++i) text += (i == 0 ? "{" : ", {") + operations[i] + "}";
  return text + "]" + (more.empty() ? "" : ", " + std::string(more)) + "}";
}
inline constexpr std::string_view partial = R"("partialTxn": true)";
inline constexpr std::string_view prepare = R"("prepare": true)";
inline constexpr std::string_view commit_prepared = R"({"commitTransaction": 1})";
inline constexpr std::string_view abort_it = R"({"abortTransaction": 1})";

[[nodiscard]] inline shared_chunk chunk_of(const std::vector<bson::document>& entries,
                                           bson::timestamp seen_until = {}) {
  auto made = std::make_shared<change_chunk>();
  for (const auto& one : entries) {
    const auto bytes = one.bytes();
    made->entries.insert(made->entries.end(), bytes.begin(), bytes.end());
    const auto time = one.view().find("ts");
    made->last.at = time ? time.as_timestamp().value_or(bson::timestamp{}) : bson::timestamp{};
    if (made->count == 0) made->first = made->last;
    ++made->count;
  }
  made->seen_until = std::max(seen_until, made->last.at);
  return made;
}

/// "10 i db.c 1": second, operation, namespace, `_id`; of a command its first field's name and value.
[[nodiscard]] inline std::string line_of(const change& one) {
  constexpr std::string_view letters = "iudc";
  std::string line = std::to_string(one.at.seconds) + " " + letters[static_cast<std::size_t>(one.kind)] + " ";
  if (one.kind == change_kind::command) {
    const auto first = *one.o.begin();
    return line + std::string(first.key()) + " " + bson::value_to_json(first);
  }
  const auto id = (one.kind == change_kind::update ? one.o2 : one.o).find("_id");
  return line + std::string(one.ns) + " " + (id ? bson::value_to_json(id) : "");
}

using lines = std::vector<std::string>;

/// A reader whose changes are gathered as lines; the first error ends it.
class fed_reader {
 public:
  explicit fed_reader(reader_options options = {}) : reader_(std::move(options)) {}

  fed_reader& give(const std::vector<bson::document>& entries, bson::timestamp seen_until = {}) {
    return give(chunk_of(entries, seen_until));
  }
  fed_reader& give(shared_chunk chunk) {
    if (!error.empty()) return *this;
    reader_.give(std::move(chunk));
    for (;;) {
      auto next = reader_.next();
      if (!next) {
        error = next.error().message;
        kind = next.error().kind;
        return *this;
      }
      if (!next.value()) return *this;
      came_out.push_back(line_of(*next.value()));
    }
  }
  change_reader& operator*() { return reader_; }
  change_reader* operator->() { return &reader_; }

  lines came_out;
  std::string error;
  error_kind kind = error_kind::cancelled;

 private:
  change_reader reader_;
};

[[nodiscard]] inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace sluice::capture::testing
