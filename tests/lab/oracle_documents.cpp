// Both sides are read in the same order, so that documents come in pairs until one is missing. What has no partner
// waits, by the bytes of its _id, until its partner comes or the end: so the merge never needs to know which _id is
// smaller (numbers of four types, collations), and one missing document costs one waiting entry.
#include "tests/lab/oracle_documents.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <unordered_map>

#include "tests/lab/child_process.hpp"

namespace sluice::lab {
namespace {

// The type and bytes of the _id: what makes two documents the same one.
std::string key_of(const bson_t& doc) {
  bson_iter_t at;
  if (!bson_iter_init_find(&at, &doc, "_id")) {
    return "no _id " + std::string(raw_of(doc));
  }
  const std::uint32_t start = bson_iter_offset(&at);
  const std::string_view whole = raw_of(doc);
  // bson_iter_next moves past the value; its offset is where the next element starts.
  bson_iter_t next = at;
  const std::uint32_t end = bson_iter_next(&next) ? bson_iter_offset(&next) : doc.len - 1;
  return std::string(whole.substr(start, end - start));
}

// The element that key_of returned, readable again.
std::string id_text(const std::string& key) {
  const auto length = static_cast<std::uint32_t>(key.size() + 5);
  std::string raw(reinterpret_cast<const char*>(&length), sizeof length);  // little-endian machines only
  raw += key;
  raw += '\0';
  bson_t view;
  if (!bson_init_static(&view, reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size())) {
    return "without _id";
  }
  return to_text(view, 200);
}

std::string field_at(const bson_t& source, std::size_t offset) {
  bson_iter_t at;
  std::string name = "(length)";
  bson_iter_init(&at, &source);
  while (bson_iter_next(&at) && bson_iter_offset(&at) <= offset) {
    name = bson_iter_key(&at);
  }
  return name;
}

std::string changed_text(const bson_t& source, const bson_t& destination) {
  const std::string_view left = raw_of(source);
  const std::string_view right = raw_of(destination);
  std::size_t at = left.size() == right.size() ? 0 : 4;  // different lengths: the length field says nothing new
  while (at < std::min(left.size(), right.size()) && left[at] == right[at]) {
    ++at;
  }
  return "document " + id_text(key_of(source)) + " differs from byte " + std::to_string(at) + " on (field \"" +
         field_at(source, at) + "\"; source " + std::to_string(left.size()) + " bytes, destination " +
         std::to_string(right.size()) + " bytes): source " + to_text(source) + ", destination " + to_text(destination);
}

class side {
 public:
  side(client& connection, const std::string& database, const std::string& collection, read_order order)
      : collection_(mongoc_client_get_collection(connection.get(), database.c_str(), collection.c_str())) {
    // No hint: a clustered collection has no index of _id to name, and old servers then want to sort on disk.
    static const document by_id =
        document::json(R"({"sort": {"_id": 1}, "allowDiskUse": true, "noCursorTimeout": true})");
    static const document natural = document::json(R"({"hint": {"$natural": 1}, "noCursorTimeout": true})");
    const document everything;
    cursor_.reset(mongoc_collection_find_with_opts(
        collection_.get(), everything.get(), order == read_order::natural ? natural.get() : by_id.get(), nullptr));
    name_ = database + "." + collection;
  }

  /// Null at the end, and from then on.
  const bson_t* next() {
    const bson_t* doc = nullptr;
    if (ended_) {
      return nullptr;
    }
    if (mongoc_cursor_next(cursor_.get(), &doc)) {
      ++documents;
      bytes += doc->len;
      return doc;
    }
    bson_error_t error;
    if (mongoc_cursor_error(cursor_.get(), &error)) {
      throw failure("reading " + name_ + ": " + error.message);
    }
    ended_ = true;
    return nullptr;
  }

  std::uint64_t documents = 0;
  std::uint64_t bytes = 0;

 private:
  collection_handle collection_;
  cursor_handle cursor_;
  std::string name_;
  bool ended_ = false;
};

// A document without its partner yet. Copies are kept while they are few; a hash tells the rest apart.
struct waiting_document {
  std::size_t hash = 0;
  std::optional<document> copy;
};
using waiting_documents = std::unordered_map<std::string, waiting_document>;
constexpr std::uint64_t waiting_bytes_max = 64ULL << 20;

std::size_t hash_of(const bson_t& doc) {
  return std::hash<std::string_view>{}(raw_of(doc));
}

}  // namespace

void compare_documents(client& source_client, client& destination_client, const place& where, read_order order,
                       compared_namespace& entry, comparison& verdict) {
  const std::string name = where.database + "." + where.collection;
  side source(source_client, where.database, where.collection, order);
  side destination(destination_client, where.there_database, where.there_collection, order);
  waiting_documents source_waits;
  waiting_documents destination_waits;
  const std::uint64_t differences_before = verdict.difference_count;
  bool same_order = true;
  std::uint64_t position = 0;
  std::uint64_t first_displaced = 0;

  std::uint64_t waiting_bytes = 0;

  const auto compare_pair = [&](const bson_t& left, const bson_t& right) {
    if (raw_of(left) != raw_of(right)) {
      verdict.note(name + ": " + changed_text(left, right));
    }
  };
  const auto compare_with_waiting = [&](const bson_t& doc, const waiting_document& partner, bool from_source) {
    if (hash_of(doc) == partner.hash) {
      return;
    }
    if (!partner.copy) {
      verdict.note(name + ": document " + id_text(key_of(doc)) + " differs");
    } else {
      from_source ? compare_pair(doc, *partner.copy->get()) : compare_pair(*partner.copy->get(), doc);
    }
  };
  const auto settle = [&](const bson_t* doc, bool from_source) {
    if (doc == nullptr) {
      return;
    }
    auto& others = from_source ? destination_waits : source_waits;
    auto& own = from_source ? source_waits : destination_waits;
    std::string key = key_of(*doc);
    if (const auto partner = others.find(key); partner != others.end()) {
      compare_with_waiting(*doc, partner->second, from_source);
      waiting_bytes -= partner->second.copy ? partner->second.copy->get()->len : 0;
      others.erase(partner);
      return;
    }
    waiting_document entry_waits{.hash = hash_of(*doc), .copy = std::nullopt};
    if (waiting_bytes + doc->len <= waiting_bytes_max) {
      entry_waits.copy.emplace(*doc);
      waiting_bytes += doc->len;
    }
    if (const auto [place, is_new] = own.emplace(std::move(key), std::move(entry_waits)); !is_new) {
      verdict.note(name + ": the " + (from_source ? "source" : "destination") + " returns _id " +
                   id_text(place->first) + " twice");
    }
  };

  for (;; ++position) {
    const bson_t* left = source.next();
    const bson_t* right = destination.next();
    if (left == nullptr && right == nullptr) {
      break;
    }
    if (left != nullptr && right != nullptr && raw_of(*left) == raw_of(*right)) {
      continue;  // the common case: no key is looked at
    }
    if (left != nullptr && right != nullptr && key_of(*left) == key_of(*right)) {
      compare_pair(*left, *right);
      continue;
    }
    if (same_order) {
      same_order = false;
      first_displaced = position;
    }
    settle(left, true);
    settle(right, false);
  }
  for (const auto& [key, waiting] : source_waits) {
    verdict.note(name + ": document " + id_text(key) + " is missing in the destination");
  }
  for (const auto& [key, waiting] : destination_waits) {
    verdict.note(name + ": document " + id_text(key) + " is in the destination only");
  }
  // Of one missing document the places of all others follow; only where all are there, order is a finding of its own.
  if (!same_order && source_waits.empty() && destination_waits.empty()) {
    verdict.note(name + ": the same documents come in another " +
                 (order == read_order::natural ? "natural order" : "order of _id") + ", from document number " +
                 std::to_string(first_displaced) + " on");
  }
  entry.source_documents = source.documents;
  entry.destination_documents = destination.documents;
  entry.bytes = source.bytes;
  entry.differences += verdict.difference_count - differences_before;
  verdict.documents += source.documents;
  verdict.bytes += source.bytes;
}

}  // namespace sluice::lab
