#include "engine/verify/side_by_side.hpp"

#include <cstring>
#include <utility>

#include "bson/raw_array.hpp"
#include "engine/runtime/limits.hpp"

namespace sluice::verify {

namespace {

/// Among so many documents, or bytes, of the other side a document is looked for before it counts as missing.
constexpr std::size_t lookahead_documents = 1000;
constexpr std::size_t lookahead_bytes = 4 * limits::mib;

/// A comparison of memory: std::ranges::equal goes byte by byte here, which costs several times as much.
bool same_bytes(bson::bytes_view a, bson::bytes_view b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0;
}

bool same_value(bson::element_view a, bson::element_view b) {
  return a.type() == b.type() && same_bytes(a.value(), b.value());
}

}  // namespace

bool side_by_side::stream::may_grow() const {
  return !ended && documents < lookahead_documents && bytes < lookahead_bytes;
}

std::optional<std::size_t> side_by_side::stream::before(bson::element_view id) const {
  // As servers store it, in front; one that stands elsewhere is not found, and in doubt.
  const auto wanted = id.whole();
  std::size_t passed = 0;
  for (const held& batch : batches) {
    for (std::size_t i = batch.next; i < batch.documents.size(); ++i, ++passed) {
      const auto document = batch.documents[i];
      if (document.size() > wanted.size() + 4 && same_bytes(document.subspan(4, wanted.size()), wanted)) return passed;
    }
  }
  return std::nullopt;
}

void side_by_side::stream::pop() {
  held& first = batches.front();
  --documents;
  if (++first.next < first.documents.size()) return;
  bytes -= first.data.documents.size();
  batches.pop_front();
}

result<> side_by_side::doubt(stream& of, std::size_t documents, std::vector<bson::document>& doubtful) {
  for (; documents > 0; --documents) {
    const auto found = bson::find_id(of.front());
    if (!found) return failure(error_kind::protocol, "a document that has no _id, or is damaged, cannot be verified");
    bson::builder id;
    id.append("_id", found);
    doubtful.push_back(id.finish());
    of.pop();
  }
  return ok();
}

result<std::size_t> side_by_side::add(side of, wire::batch data) {
  held taken;
  bson::raw_array_walk walk(data.documents);
  while (const auto document = walk.next()) {
    taken.documents.push_back(*document);
  }
  if (walk.fault()) return failure(error_kind::protocol, "a cursor batch holds something that is no document");
  const std::size_t count = taken.documents.size();
  if (count == 0) return count;
  stream& into = at(of);
  into.documents += count;
  into.bytes += data.documents.size();
  taken.data = std::move(data);  // the documents stay where they are: the memory moves as a whole
  into.batches.push_back(std::move(taken));
  return count;
}

void side_by_side::end(side of) {
  at(of).ended = true;
}

result<std::optional<side>> side_by_side::compare(std::vector<bson::document>& doubtful) {
  stream& source = at(side::source);
  stream& destination = at(side::destination);
  for (;;) {
    if (source.documents == 0 && !source.ended) return std::optional(side::source);
    if (destination.documents == 0 && !destination.ended) return std::optional(side::destination);
    if (source.documents == 0 || destination.documents == 0) {
      if (source.documents == destination.documents) return std::optional<side>();
      SLUICE_TRYV(doubt(source.documents == 0 ? destination : source, 1, doubtful));
      continue;
    }
    const auto here = source.front();
    const auto there = destination.front();
    if (same_bytes(here, there)) {
      source.pop();
      destination.pop();
      continue;
    }
    const auto id = bson::find_id(here);
    const auto other_id = bson::find_id(there);
    if (id && other_id && same_value(id, other_id)) {
      SLUICE_TRYV(doubt(source, 1, doubtful));
      destination.pop();
    } else if (const auto extra = id ? destination.before(id) : std::nullopt) {
      SLUICE_TRYV(doubt(destination, *extra, doubtful));
    } else if (const auto missing = other_id ? source.before(other_id) : std::nullopt) {
      SLUICE_TRYV(doubt(source, *missing, doubtful));
    } else if (destination.may_grow()) {
      return std::optional(side::destination);
    } else if (source.may_grow()) {
      return std::optional(side::source);
    } else {
      SLUICE_TRYV(doubt(source, 1, doubtful));
      SLUICE_TRYV(doubt(destination, 1, doubtful));
    }
  }
}

}  // namespace sluice::verify
