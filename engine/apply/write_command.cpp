// What a command holds; how replies are read.
#include "engine/apply/write_command.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "bson/bytes.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::apply {

namespace {

/// Beyond the values themselves: keys, lengths, `upsert`.
constexpr std::size_t statement_bytes = 64;

/// A command larger than this keeps no memory.
constexpr std::size_t kept_bytes_max = 2 * limits::write_command_bytes_target;

std::size_t weight_of(const document_write& write) noexcept {
  switch (write.kind) {
    case write_kind::insert:
      return write.document.size_bytes() + 8;
    case write_kind::replace:
      return write.document.size_bytes() + write.id.value().size() + statement_bytes;
    case write_kind::update:
      return (write.has_pipeline ? write.pipeline : write.document).size_bytes() + write.id.value().size() +
             statement_bytes;
    case write_kind::remove:
      return write.id.value().size() + 8;
  }
  return 0;
}

struct bounds_of_kind {
  std::size_t writes = 0;
  std::size_t bytes = 0;
};

bounds_of_kind bounds_of(write_kind kind, const piece_limits& bounds) noexcept {
  switch (kind) {
    case write_kind::insert:
      return {bounds.inserts_max, bounds.bytes_max};
    case write_kind::replace:
    case write_kind::update:
      return {bounds.updates_max, bounds.bytes_max};
    case write_kind::remove:
      return {bounds.removes_max, bounds.remove_bytes_max};
  }
  return {};
}

/// `_id`s that are documents may be taken for operators: {$ref, $id}. `$eq` costs a plan of its own (6.0.27: 18 µs an
/// update instead of 12), so only they get it.
bool looks_like_operators(bson::element_view id) noexcept {
  const auto inner = id.as_document();
  return inner && !inner->empty() && (*inner->begin()).key().starts_with('$');
}

/// The `$in` of a delete examines one index entry an `_id`. A clustered collection has no such index: there 6.0.27
/// scans everything between the smallest and the largest, so each `_id` gets a statement of its own.
bool grouped_deletes(const target& to) noexcept {
  return !to.clustered;
}

/// Duplicates come by the thousand, and their words are not needed.
constexpr std::size_t messages_max = 8;

}  // namespace

bool plain_names(bson::document_view document) noexcept {
  return std::ranges::all_of(document, [](bson::element_view field) {
    const std::string_view name = field.key();
    return !name.empty() && name.front() != '$' && name.find('.') == std::string_view::npos;
  });
}

bool holds_zero_timestamp(bson::document_view document) noexcept {
  // The cheap question first: eight zero bytes must be somewhere.
  static constexpr std::byte zeros[8] = {};
  const auto bytes = document.bytes();
  if (::memmem(bytes.data(), bytes.size(), zeros, sizeof zeros) == nullptr) return false;
  return std::ranges::any_of(document, [](bson::element_view field) {
    return field.type() == bson::type::timestamp && *field.as_timestamp() == bson::timestamp{} && field.key() != "_id";
  });
}

std::vector<write_piece> cut(const write_run& run, std::size_t connections, const piece_limits& bounds) {
  std::vector<write_piece> pieces;
  const std::span<const document_write> all(run.writes);
  for (std::size_t begin = 0; begin < all.size();) {
    const write_kind kind = all[begin].kind;
    std::size_t end = begin;
    while (end < all.size() && all[end].kind == kind) ++end;
    // Equal shares, so that no connection is left alone with the last piece.
    auto [writes_max, bytes_max] = bounds_of(kind, bounds);
    if (!run.ordered && connections > 1) {
      const std::size_t share = (end - begin + connections - 1) / connections;
      // Of a scattered collection each may need a transaction of its own.
      writes_max = std::min(writes_max, std::max(share, run.to->scattered ? 1 : bounds.share_min));
    }
    while (begin < end) {
      std::size_t weight = 0;
      std::size_t ids_weight = 0;
      std::size_t last = begin;
      while (last < end && last - begin < writes_max) {
        weight += weight_of(all[last]);
        if (kind == write_kind::insert) ids_weight += all[last].id.value().size();
        if (last > begin && (weight > bytes_max || ids_weight > bounds.insert_id_bytes_max)) break;
        ++last;
      }
      pieces.push_back({run.to.get(), kind, run.ordered, all.subspan(begin, last - begin)});
      begin = last;
    }
  }
  return pieces;
}

void write_encoder::key(bson::type type, std::string_view name) {
  array_.push_back(static_cast<std::byte>(type));
  bytes(std::as_bytes(std::span(name)));
  array_.push_back(std::byte{0});
}

void write_encoder::index(bson::type type, std::size_t number) {
  char digits[20];
  const auto done = std::to_chars(digits, digits + sizeof digits, number);
  key(type, {digits, static_cast<std::size_t>(done.ptr - digits)});
}

std::size_t write_encoder::open() {
  const std::size_t at = array_.size();
  array_.resize(at + 4);
  return at;
}

void write_encoder::close(std::size_t at) {
  array_.push_back(std::byte{0});
  bson::store(array_.data() + at, static_cast<std::int32_t>(array_.size() - at));
}

void write_encoder::query(bson::element_view id) {
  key(bson::type::document, "q");
  const std::size_t outer = open();
  if (looks_like_operators(id)) {
    key(bson::type::document, "_id");
    const std::size_t inner = open();
    key(id.type(), "$eq");
    bytes(id.value());
    close(inner);
  } else {
    key(id.type(), "_id");
    bytes(id.value());
  }
  close(outer);
}

void write_encoder::documents(const write_piece& piece, bool bypass_empty_timestamp) {
  for (std::size_t at = 0; at < piece.writes.size(); ++at) {
    const bson::document_view document = piece.writes[at].document;
    if (!bypass_empty_timestamp && holds_zero_timestamp(document)) {
      left_out_.push_back(at);
      if (piece.ordered) return;
      continue;
    }
    index(bson::type::document, statements_++);
    bytes(document.bytes());
  }
}

void write_encoder::updates(const write_piece& piece, bool bypass_empty_timestamp) {
  for (const document_write& write : piece.writes) {
    index(bson::type::document, statements_++);
    const std::size_t statement = open();
    query(write.id);
    if (piece.kind == write_kind::update) {
      key(write.has_pipeline ? bson::type::array : bson::type::document, "u");
      bytes((write.has_pipeline ? write.pipeline : write.document).bytes());
      // While changes come again a document may be on two shards, and each of the two needs all of them: servers of 7.0
      // and newer may stop at the first that they find.
      if (piece.to->scattered) {
        key(bson::type::boolean, "multi");
        array_.push_back(std::byte{1});
      }
    } else {
      const bool plain =
          plain_names(write.document) && (bypass_empty_timestamp || !holds_zero_timestamp(write.document));
      if (plain) {
        key(bson::type::document, "u");
        bytes(write.document.bytes());
      } else {
        key(bson::type::array, "u");
        const std::size_t pipeline = open();
        index(bson::type::document, 0);
        const std::size_t stage = open();
        key(bson::type::document, "$replaceWith");
        const std::size_t literal = open();
        key(bson::type::document, "$literal");
        bytes(write.document.bytes());
        close(literal);
        close(stage);
        close(pipeline);
      }
      key(bson::type::boolean, "upsert");
      array_.push_back(std::byte{1});
    }
    close(statement);
  }
}

void write_encoder::deletes(const write_piece& piece) {
  const auto limit = [&](std::int32_t value) {
    key(bson::type::int32, "limit");
    array_.resize(array_.size() + sizeof value);
    bson::store(array_.data() + array_.size() - sizeof value, value);
  };
  if (!grouped_deletes(*piece.to)) {
    for (const document_write& write : piece.writes) {
      index(bson::type::document, statements_++);
      const std::size_t statement = open();
      query(write.id);
      limit(1);
      close(statement);
    }
    return;
  }
  index(bson::type::document, statements_++);
  const std::size_t statement = open();
  key(bson::type::document, "q");
  const std::size_t outer = open();
  key(bson::type::document, "_id");
  const std::size_t inner = open();
  key(bson::type::array, "$in");
  const std::size_t ids = open();
  for (std::size_t at = 0; at < piece.writes.size(); ++at) {
    index(piece.writes[at].id.type(), at);
    bytes(piece.writes[at].id.value());
  }
  close(ids);
  close(inner);
  close(outer);
  limit(0);
  close(statement);
}

void write_encoder::make_head(const write_piece& piece, write_manner manner) {
  bson::builder head;
  const std::string& collection = piece.to->ns.collection;
  switch (piece.kind) {
    case write_kind::insert:
      head.append("insert", collection);
      array_name_ = "documents";
      break;
    case write_kind::replace:
    case write_kind::update:
      head.append("update", collection);
      array_name_ = "updates";
      break;
    case write_kind::remove:
      head.append("delete", collection);
      array_name_ = "deletes";
      break;
  }
  head.append("ordered", piece.ordered);
  if (piece.kind != write_kind::remove) {
    head.append("bypassDocumentValidation", true);
    if (manner.bypass_empty_timestamp) head.append("bypassEmptyTsReplacement", true);
  }
  wire::append_data_write_concern(head, manner.by_majority);
  head_ = head.finish();
}

void write_encoder::encode(const write_piece& piece, write_manner manner) {
  array_.clear();
  left_out_.clear();
  statements_ = 0;
  make_head(piece, manner);
  const std::size_t whole = open();
  switch (piece.kind) {
    case write_kind::insert:
      documents(piece, manner.bypass_empty_timestamp);
      break;
    case write_kind::replace:
    case write_kind::update:
      updates(piece, manner.bypass_empty_timestamp);
      break;
    case write_kind::remove:
      deletes(piece);
      break;
  }
  close(whole);
}

std::size_t write_encoder::write_of(std::size_t statement) const noexcept {
  // left_out_ ascends: each one at or before the place moves it by one.
  for (const std::size_t skipped : left_out_) {
    if (skipped > statement) break;
    ++statement;
  }
  return statement;
}

void write_encoder::trim() {
  if (array_.capacity() > kept_bytes_max) std::vector<std::byte>().swap(array_);
}

result<write_reply> read_write_reply(bson::document_view reply, const std::string& host) {
  write_reply said;
  for (const bson::element_view field : reply) {
    const std::string_view name = field.key();
    if (name == "n") {
      said.n = field.to_int64().value_or(0);
    } else if (name == "upserted") {
      const auto all = field.as_array();
      if (!all) continue;
      for (const bson::element_view one : *all) {
        const auto entry = one.as_document();
        const auto at = entry ? entry->find("index") : bson::element_view();
        if (at) said.upserted.push_back(static_cast<std::size_t>(at.to_int64().value_or(0)));
      }
    } else if (name == "writeErrors") {
      const auto all = field.as_array();
      if (!all) continue;
      for (const bson::element_view one : *all) {
        const auto entry = one.as_document();
        if (!entry) continue;
        refused_statement refused;
        std::string_view words;
        for (const bson::element_view part : *entry) {
          if (part.key() == "index") refused.statement = static_cast<std::size_t>(part.to_int64().value_or(0));
          if (part.key() == "code") refused.code = static_cast<std::int32_t>(part.to_int64().value_or(0));
          if (part.key() == "errmsg") words = part.as_string().value_or("");
        }
        if (said.refused.size() < messages_max) refused.message = words;
        const error as_error{error_kind::server, host + ": " + std::string(words), refused.code, {}};
        if (wire::is_retryable(as_error)) return as_error;
        said.refused.push_back(std::move(refused));
      }
    }
  }
  said.term = wire::term_of_reply(reply);
  if (auto concern = wire::write_concern_error_of_reply(reply, host)) return *std::move(concern);
  return said;
}

}  // namespace sluice::apply
