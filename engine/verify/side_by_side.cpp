#include "engine/verify/side_by_side.hpp"

#include <algorithm>
#include <utility>

#include "bson/raw_array.hpp"
#include "engine/runtime/limits.hpp"

namespace sluice::verify {

namespace {

/// Among so many documents, or bytes, of the other side a document is looked for before it counts as missing.
constexpr std::size_t lookahead_documents = 1000;
constexpr std::size_t lookahead_bytes = 4 * limits::mib;

bool same_value(bson::element_view a, bson::element_view b) {
  return a.type() == b.type() && std::ranges::equal(a.value(), b.value());
}

}  // namespace

bool side_by_side::stream::may_grow() const {
  return !ended && documents < lookahead_documents && bytes < lookahead_bytes;
}

std::optional<std::size_t> side_by_side::stream::before(bson::element_view id) const {
  std::size_t passed = 0;
  for (const held& batch : batches) {
    for (std::size_t i = batch.next; i < batch.documents.size(); ++i, ++passed) {
      if (same_value(bson::find_id(batch.documents[i]), id)) return passed;
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

void side_by_side::doubt(stream& of, std::vector<bson::document>& doubtful) {
  bson::builder id;
  id.append("_id", bson::find_id(of.front()));
  doubtful.push_back(id.finish());
  of.pop();
}

result<> side_by_side::add(side of, wire::batch data) {
  held taken;
  bson::raw_array_walk walk(data.documents);
  while (const auto document = walk.next()) {
    if (!bson::find_id(*document)) return failure(error_kind::protocol, "a document without _id cannot be verified");
    taken.documents.push_back(*document);
  }
  if (walk.fault()) return failure(error_kind::protocol, "a cursor batch holds something that is no document");
  if (taken.documents.empty()) return ok();
  stream& into = at(of);
  into.documents += taken.documents.size();
  into.bytes += data.documents.size();
  taken.data = std::move(data);  // the documents stay where they are: the memory moves as a whole
  into.batches.push_back(std::move(taken));
  return ok();
}

void side_by_side::end(side of) {
  at(of).ended = true;
}

std::optional<side> side_by_side::compare(std::vector<bson::document>& doubtful) {
  stream& source = at(side::source);
  stream& destination = at(side::destination);
  for (;;) {
    if (source.documents == 0 && !source.ended) return side::source;
    if (destination.documents == 0 && !destination.ended) return side::destination;
    if (source.documents == 0 || destination.documents == 0) {
      if (source.documents == destination.documents) return std::nullopt;
      doubt(source.documents == 0 ? destination : source, doubtful);
      continue;
    }
    const auto here = source.front();
    const auto there = destination.front();
    if (std::ranges::equal(here, there)) {
      source.pop();
      destination.pop();
      continue;
    }
    const auto id = bson::find_id(here);
    const auto other_id = bson::find_id(there);
    if (same_value(id, other_id)) {
      doubt(source, doubtful);
      destination.pop();
    } else if (const auto extra = destination.before(id)) {
      for (std::size_t i = 0; i < *extra; ++i) doubt(destination, doubtful);
    } else if (const auto missing = source.before(other_id)) {
      for (std::size_t i = 0; i < *missing; ++i) doubt(source, doubtful);
    } else if (destination.may_grow()) {
      return side::destination;
    } else if (source.may_grow()) {
      return side::source;
    } else {
      doubt(source, doubtful);
      doubt(destination, doubtful);
    }
  }
}

}  // namespace sluice::verify
