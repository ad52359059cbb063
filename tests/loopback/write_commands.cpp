// insert, update, delete, findAndModify: counted where documents are swallowed, carried out where they are stored.
#include "tests/loopback/commands.hpp"
#include "tests/loopback/match.hpp"

namespace sluice::loopback {
namespace {

/// What every write reply of a primary carries: the fence of a checkpoint is made of it.
bson::document written(node& server, bson::builder& fields) {
  fields.append("electionId", server.election_id());
  server.append_optime(fields, "opTime", server.advance_time());
  return accepted(server, fields);
}

reply not_stored(const node& server, std::string_view command) {
  return refusal(server, 20, "IllegalOperation",
                 std::string(command) + ": this server keeps no documents outside its stored databases");
}

reply failed_framing(const node& server) {
  return refusal(server, 22, "InvalidBSON", "the lengths in the array of documents run past its end");
}

void append_duplicate(bson::builder& errors, std::int32_t index, const std::string& full_name,
                      bson::document_view key) {
  errors.open_document(errors.next_index()).append("index", index).append("code", 11000);
  errors.open_document("keyPattern").append("_id", 1).close().append("keyValue", key);
  errors.append("errmsg", "E11000 duplicate key error collection: " + full_name + " index: _id_").close();
}

bson::document id_only(bson::document_view document) {
  bson::builder id;
  if (const auto field = document.find("_id")) id.append(field);
  return id.finish();
}

reply insert_stored(conversation& with, const std::string& full_name, const document_sequence& documents) {
  bson::builder errors;
  errors.open_array("writeErrors");
  std::int32_t index = 0;
  std::int32_t inserted = 0;
  const bool framed = documents.for_each([&](bson::document_view document) {
    if (with.server.store.insert(full_name, document)) {
      ++inserted;
    } else {
      append_duplicate(errors, index, full_name, id_only(document));
    }
    ++index;
  });
  if (!framed) return failed_framing(with.server);
  errors.close();
  bson::builder body;
  body.append("n", inserted);
  if (inserted < index) body.append_all(errors.finish());
  return written(with.server, body);
}

}  // namespace

reply run_insert(conversation& with, const request& asked) {
  node& server = with.server;
  const std::string full_name = asked.target();
  const auto into = server.catalog.create(full_name).first;
  const auto documents = asked.documents("documents");
  if (server.is_stored(asked.database())) return insert_stored(with, full_name, documents);
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
  if (asked.skipped) {
    count = asked.skipped->documents;
    bytes = asked.skipped->bytes;
  } else {
    const bool framed = documents.for_each([&](bson::document_view document) {
      ++count;
      bytes += document.size_bytes();
    });
    if (!framed) return failed_framing(server);
  }
  into->documents += count;
  into->bytes += bytes;
  server.documents_inserted += count;
  server.bytes_inserted += bytes;
  bson::builder body;
  body.append("n", static_cast<std::int32_t>(count));
  return written(server, body);
}

reply run_update(conversation& with, const request& asked) {
  node& server = with.server;
  if (!server.is_stored(asked.database())) return not_stored(server, "update");
  const std::string full_name = asked.target();
  static_cast<void>(server.catalog.create(full_name));
  std::int64_t matched = 0;
  std::int64_t modified = 0;
  std::int32_t index = 0;
  bool failed = false;
  bson::builder upserted;
  bson::builder errors;
  upserted.open_array("upserted");
  errors.open_array("writeErrors");
  bool any_upserted = false;
  const bool framed = asked.documents("updates").for_each([&](bson::document_view statement) {
    const auto filter = statement.find("q").as_document();
    const auto update = statement.find("u");
    if (!filter || !update) throw unsupported("an update without q and u");
    const auto outcome =
        server.store.update(full_name, *filter, update, statement.find("upsert").to_bool().value_or(false),
                            statement.find("multi").to_bool().value_or(false));
    matched += outcome.matched;
    modified += outcome.modified;
    if (outcome.duplicate_key) {
      append_duplicate(errors, index, full_name, id_only(*filter));
      failed = true;
    }
    if (outcome.upserted) {
      upserted.open_document(upserted.next_index()).append("index", index).append_all(*outcome.upserted).close();
      ++matched;
      any_upserted = true;
    }
    ++index;
  });
  if (!framed) return failed_framing(server);
  upserted.close();
  errors.close();
  bson::builder body;
  body.append("n", static_cast<std::int32_t>(matched));
  if (any_upserted) body.append_all(upserted.finish());
  body.append("nModified", static_cast<std::int32_t>(modified));
  if (failed) body.append_all(errors.finish());
  return written(server, body);
}

reply run_delete(conversation& with, const request& asked) {
  node& server = with.server;
  if (!server.is_stored(asked.database())) return not_stored(server, "delete");
  std::int64_t removed = 0;
  const bool framed = asked.documents("deletes").for_each([&](bson::document_view statement) {
    const auto filter = statement.find("q").as_document().value_or(bson::document_view());
    removed += server.store.remove(asked.target(), filter, statement.find("limit").to_int64() == 1);
  });
  if (!framed) return failed_framing(server);
  bson::builder body;
  body.append("n", static_cast<std::int32_t>(removed));
  return written(server, body);
}

reply run_find_and_modify(conversation& with, const request& asked) {
  node& server = with.server;
  if (!server.is_stored(asked.database())) return not_stored(server, "findAndModify");
  const auto filter = asked.body.find("query").as_document().value_or(bson::document_view());
  const auto update = asked.body.find("update");
  if (!update) throw unsupported("findAndModify without an update");
  static_cast<void>(server.catalog.create(asked.target()));
  const auto outcome = server.store.update(asked.target(), filter, update, flag(asked, "upsert"), false);
  if (outcome.duplicate_key) {
    return refusal(server, 11000, "DuplicateKey", "E11000 duplicate key error collection: " + asked.target());
  }
  bson::builder body;
  body.open_document("lastErrorObject").append("n", outcome.matched > 0 || outcome.upserted ? 1 : 0);
  body.append("updatedExisting", outcome.matched > 0).close();
  const auto& shown = flag(asked, "new") ? outcome.after : outcome.before;
  if (shown) {
    body.append("value", *shown);
  } else {
    body.append_null("value");
  }
  server.advance_time();
  return accepted(server, body);  // no opTime and no electionId (6.0.27)
}

}  // namespace sluice::loopback
