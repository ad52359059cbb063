// find, getMore and aggregate: scans of the data set in natural or `_id` order (they are the same here), and small
// whole results for everything else. A batch goes out from the prepared elements; only its ends are made here.
#include <algorithm>
#include <cstring>
#include <limits>
#include <random>

#include "tests/loopback/commands.hpp"
#include "tests/loopback/match.hpp"

namespace sluice::loopback {
namespace {

void append_bytes(std::vector<std::byte>& into, bson::bytes_view bytes) {
  into.insert(into.end(), bytes.begin(), bytes.end());
}

/// The fields of a document without its length and final zero.
bson::bytes_view fields_of(const bson::document& document) {
  const auto bytes = document.bytes();
  return bytes.subspan(4, bytes.size() - 5);
}

void append_length(std::vector<std::byte>& into, std::size_t length) {
  const auto value = static_cast<std::int32_t>(length);
  append_bytes(into, std::as_bytes(std::span(&value, 1)));
}

void append_key(std::vector<std::byte>& into, bson::type type, std::string_view key) {
  into.push_back(std::byte(type));
  append_bytes(into, std::as_bytes(std::span(key)));
  into.push_back(std::byte{0});
}

/// {cursor: {nextBatch: [<elements>], postBatchResumeToken, id, ns}, ok, operationTime}, as servers order it.
reply batch_reply(const node& server, const scan& at, std::string_view array_name, bson::bytes_view elements,
                  std::int64_t cursor_id) {
  bson::builder rest_of_cursor;
  if (at.with_token) {
    rest_of_cursor.open_document("postBatchResumeToken");
    rest_of_cursor.append("$recordId", static_cast<std::int64_t>(at.next)).close();
  }
  rest_of_cursor.append("id", cursor_id).append("ns", at.full_name);
  const bson::document cursor_end = rest_of_cursor.finish();
  bson::builder rest_of_body;
  const bson::document body_end = accepted(server, rest_of_body);

  const std::size_t array_bytes = 4 + elements.size() + 1;
  const std::size_t cursor_bytes = 4 + 1 + array_name.size() + 1 + array_bytes + fields_of(cursor_end).size() + 1;
  const std::size_t body_bytes = 4 + 1 + sizeof "cursor" + cursor_bytes + fields_of(body_end).size() + 1;
  reply made;
  append_length(made.head, body_bytes);
  append_key(made.head, bson::type::document, "cursor");
  append_length(made.head, cursor_bytes);
  append_key(made.head, bson::type::array, array_name);
  append_length(made.head, array_bytes);
  made.middle = elements;
  made.tail.push_back(std::byte{0});
  append_bytes(made.tail, fields_of(cursor_end));
  made.tail.push_back(std::byte{0});
  append_bytes(made.tail, fields_of(body_end));
  made.tail.push_back(std::byte{0});
  return made;
}

/// Takes the next documents of the scan; its cursor stays open (under a new or its old id) when something is left.
reply next_batch(conversation& with, scan at, std::string_view array_name, std::int64_t wanted, std::int64_t id,
                 bool single_batch) {
  node& server = with.server;
  const std::uint64_t count =
      std::min({static_cast<std::uint64_t>(wanted), server.data.batch_documents_max(), at.end - at.next});
  const auto elements = server.data.elements(at.collection, at.next, count, with.scratch);
  at.next += count;
  // As servers do: a find closes its cursor when it has seen the end, a batch of nothing has not.
  const bool exhausted = at.next == at.end && (count > 0 || wanted > 0);
  if (exhausted || single_batch) return batch_reply(server, at, array_name, elements, 0);
  if (id == 0) {
    id = server.cursors.open(at);
  } else {
    server.cursors.put_back(id, at);
  }
  return batch_reply(server, at, array_name, elements, id);
}

/// The same for documents that were found in a stored database.
reply next_found(node& server, scan at, std::string_view array_name, std::int64_t wanted, std::int64_t id) {
  const std::uint64_t end = wanted > 0 ? std::min(at.end, at.next + static_cast<std::uint64_t>(wanted)) : at.end;
  bson::builder body;
  body.open_document("cursor").open_array(array_name);
  for (; at.next < end; ++at.next) body.push(at.found[at.next]);
  body.close().append("ns", at.full_name);
  if (at.next == at.end) {
    id = 0;
  } else if (id == 0) {
    id = server.cursors.open(std::move(at));
  } else {
    server.cursors.put_back(id, std::move(at));
  }
  body.append("id", id).close();
  return accepted(server, body);
}

void bound_by(const data_set& data, bson::element_view condition, scan& at) {
  const auto after = [&](bson::element_view id) {
    const auto there = data.index_of(id);
    return there ? *there + 1 : data.lower_bound(id);
  };
  const auto operators = condition.as_document();
  const bool is_plain = !operators || operators->empty() || !(*operators->begin()).key().starts_with('$');
  if (is_plain) {
    at.next = std::max(at.next, data.lower_bound(condition));
    at.end = std::min(at.end, after(condition));
    return;
  }
  for (const auto one : *operators) {
    const std::string_view name = one.key();
    if (name == "$gte") {
      at.next = std::max(at.next, data.lower_bound(one));
    } else if (name == "$gt") {
      at.next = std::max(at.next, after(one));
    } else if (name == "$lt") {
      at.end = std::min(at.end, data.lower_bound(one));
    } else if (name == "$lte") {
      at.end = std::min(at.end, after(one));
    } else {
      throw unsupported("a data set is not searched by " + std::string(name));
    }
  }
}

/// The documents themselves with `$recordId` and projected to `_id`, if asked: for planning, not for copying.
bson::document picked(const data_set& data, std::uint64_t collection, std::uint64_t index, bool only_id,
                      bool with_record_id) {
  bson::document document = only_id ? data.id_at(index) : data.document_at(collection, index);
  if (!with_record_id) return document;
  bson::builder both;
  both.append_all(document).append("$recordId", static_cast<std::int64_t>(index + 1));
  return both.finish();
}

bool is_only_id(bson::element_view projection) {
  const auto fields = projection.as_document();
  return fields && fields->find("_id").to_bool().value_or(false);
}

reply find_listed(conversation& with, const request& asked, const std::string& full_name, std::uint64_t collection,
                  bson::document_view ids) {
  const auto& data = with.server.data;
  std::vector<std::uint64_t> indexes;
  for (const auto id : ids) {
    if (const auto index = data.index_of(id)) indexes.push_back(*index);
  }
  std::ranges::sort(indexes);
  indexes.erase(std::unique(indexes.begin(), indexes.end()), indexes.end());
  std::vector<bson::document> found;
  for (const std::uint64_t index : indexes) {
    found.push_back(
        picked(data, collection, index, is_only_id(asked.body.find("projection")), flag(asked, "showRecordId")));
  }
  return whole_cursor(with.server, full_name, found);
}

reply find_in_data_set(conversation& with, const request& asked, const std::string& full_name,
                       std::uint64_t collection) {
  const auto& data = with.server.data;
  const auto filter = asked.body.find("filter").as_document().value_or(bson::document_view());
  if (const auto ids = filter.at("_id", "$in").as_array()) return find_listed(with, asked, full_name, collection, *ids);

  scan started{.full_name = full_name, .collection = collection, .end = data.end_index()};
  for (const auto condition : filter) {
    if (condition.key() != "_id") throw unsupported("a data set is only searched by _id");
    bound_by(data, condition, started);
  }
  if (const auto min = asked.body.at("min", "_id")) started.next = std::max(started.next, data.lower_bound(min));
  if (const auto max = asked.body.at("max", "_id")) started.end = std::min(started.end, data.lower_bound(max));
  if (const auto after = asked.body.at("$_resumeAfter", "$recordId").to_int64()) {
    if (*after < 0 || static_cast<std::uint64_t>(*after) > data.end_index()) {
      return refusal(with.server, 211, "KeyNotFound", "Failed to resume collection scan: the recordId does not exist");
    }
    started.next = std::max(started.next, static_cast<std::uint64_t>(*after));
  }
  started.end = std::max(started.end, started.next);
  const auto limit = asked.body.find("limit").to_int64().value_or(0);
  if (limit > 0) started.end = std::min(started.end, started.next + static_cast<std::uint64_t>(limit));
  started.with_token = flag(asked, "$_requestResumeToken");
  const auto batch_documents = asked.body.find("batchSize").to_int64().value_or(101);
  return next_batch(with, std::move(started), "firstBatch", std::max<std::int64_t>(batch_documents, 0), 0,
                    flag(asked, "singleBatch"));
}

bson::document initial_sync_document(const node& server) {
  bson::builder document;
  document.append("_id", bson::binary_view{4, server.initial_sync_id}).append_date_ms("wallTime", now_ms());
  return document.finish();
}

/// Where commands about data go: collections may be named by UUID.
std::string target_of(const node& server, const request& asked) {
  const auto uuid = (*asked.body.begin()).as_binary();
  return uuid ? server.catalog.name_of(*uuid) : asked.target();
}

std::vector<bson::document> sample(conversation& with, std::uint64_t collection, std::int64_t size, bool only_id) {
  const auto& data = with.server.data;
  const std::uint64_t documents = data.options().documents;
  std::vector<bson::document> sampled;
  if (documents == 0) return sampled;
  std::mt19937_64 random(data.options().seed + collection);
  std::vector<std::uint64_t> indexes;
  for (std::int64_t i = 0; i < size; ++i) indexes.push_back(random() % documents);
  std::ranges::sort(indexes);
  for (const std::uint64_t index : indexes) sampled.push_back(picked(data, collection, index, only_id, false));
  return sampled;
}

}  // namespace

reply run_find(conversation& with, const request& asked) {
  node& server = with.server;
  const std::string full_name = target_of(server, asked);
  if (full_name == "local.replset.initialSyncId") {
    return whole_cursor(server, full_name, {initial_sync_document(server)});
  }
  if (server.is_stored(asked.database())) {
    auto found = server.store.find(full_name, asked.body.find("filter").as_document().value_or(bson::document_view()));
    const auto limit = asked.body.find("limit").to_int64().value_or(0);
    if (limit > 0 && found.size() > static_cast<std::size_t>(limit)) found.resize(static_cast<std::size_t>(limit));
    const std::size_t end = found.size();
    scan all{.full_name = full_name, .end = end, .found = std::move(found)};
    return next_found(server, std::move(all), "firstBatch", asked.body.find("batchSize").to_int64().value_or(0), 0);
  }
  const auto found = server.catalog.find(full_name);
  if (found && found->data_set_number) return find_in_data_set(with, asked, full_name, *found->data_set_number);
  if (full_name.empty()) return refusal(server, 26, "NamespaceNotFound", "no collection has this UUID");
  return whole_cursor(server, full_name, {});
}

reply run_get_more(conversation& with, const request& asked) {
  const auto id = (*asked.body.begin()).to_int64().value_or(0);
  auto taken = with.server.cursors.take(id);
  if (!taken) {
    return refusal(with.server, 43, "CursorNotFound", "cursor id " + std::to_string(id) + " not found");
  }
  const auto wanted = asked.body.find("batchSize").to_int64().value_or(0);
  if (!taken->found.empty()) return next_found(with.server, std::move(*taken), "nextBatch", wanted, id);
  reply made = next_batch(with, std::move(*taken), "nextBatch",
                          wanted > 0 ? wanted : std::numeric_limits<std::int64_t>::max(), id, false);
  made.more_to_come = (asked.flags & exhaust_allowed) != 0 && with.server.cursors.holds(id);
  return made;
}

reply run_kill_cursors(conversation& with, const request& asked) {
  bson::builder body;
  std::vector<std::int64_t> killed;
  std::vector<std::int64_t> unknown;
  if (const auto ids = asked.body.find("cursors").as_array()) {
    for (const auto element : *ids) {
      const std::int64_t id = element.to_int64().value_or(0);
      (with.server.cursors.kill(id) ? killed : unknown).push_back(id);
    }
  }
  body.open_array("cursorsKilled");
  for (const auto id : killed) body.push(id);
  body.close().open_array("cursorsNotFound");
  for (const auto id : unknown) body.push(id);
  body.close().open_array("cursorsAlive").close().open_array("cursorsUnknown").close();
  return accepted(with.server, body);
}

reply run_aggregate(conversation& with, const request& asked) {
  node& server = with.server;
  const std::string full_name = target_of(server, asked);
  const auto found = server.catalog.find(full_name);
  std::vector<bson::document> results;
  const auto pipeline = asked.body.find("pipeline").as_array().value_or(bson::document_view());
  for (const auto element : pipeline) {
    const auto stage = element.as_document().value_or(bson::document_view());
    const std::string name(stage.empty() ? "" : (*stage.begin()).key());
    if (name == "$collStats") {
      if (!found) return refusal(server, 26, "NamespaceNotFound", "Collection [" + full_name + "] not found.");
      results.push_back(collection_statistics(with, full_name));
    } else if (name == "$sample") {
      const bool only_id = std::ranges::any_of(pipeline, [](bson::element_view other) {
        const auto fields = other.as_document().value_or(bson::document_view());
        return is_only_id(fields.find("$project"));
      });
      if (found && found->data_set_number) {
        results = sample(with, *found->data_set_number, stage.at("$sample", "size").to_int64().value_or(1), only_id);
      }
    } else if (name != "$project" && name != "$sort" && name != "$currentOp" && name != "$match") {
      return refusal(server, 40324, "Location40324", "Unrecognized pipeline stage name: '" + name + "'");
    }
  }
  return whole_cursor(server, full_name, results);
}

}  // namespace sluice::loopback
