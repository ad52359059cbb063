// A document whose field of the document filter has changed: whether it is one that is migrated now only the source
// knows. It is read again and written, or removed, as it is there; its later changes are applied over it once more.
#include <utility>

#include "engine/apply/ddl.hpp"
#include "engine/apply/filtered.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::apply {

namespace {

bson::document find_one(const mapped_collection& of, bson::element_view id, bson::document_view query,
                        bson::timestamp since) {
  bson::builder find;
  find.append("find", bson::binary_view{.subtype = 4, .data = of.uuid});
  find.open_document("filter").open_array("$and");
  find.open_document("0").open_document("_id").append("$eq", id).close().close();
  find.open_document("1").append_all(query).close();
  find.close().close();
  find.append("limit", 1).append("singleBatch", true);
  find.open_document("readConcern").append("level", "majority").append("afterClusterTime", since).close();
  return find.finish();
}

/// A pipeline takes a document of any names as it is; of a Timestamp(0, 0), too.
bson::document replace_by(const std::string& collection, bson::element_view id, bson::document_view document) {
  bson::builder command;
  command.append("update", collection).append("bypassDocumentValidation", true);
  command.open_array("updates").open_document("0");
  command.open_document("q").open_document("_id").append("$eq", id).close().close();
  command.open_array("u").open_document("0").open_document("$replaceWith").append("$literal", document);
  command.close().close().close().append("upsert", true).close().close();
  return command.finish();
}

bson::document remove_one(const std::string& collection, bson::element_view id) {
  bson::builder command;
  command.append("delete", collection).open_array("deletes").open_document("0");
  command.open_document("q").open_document("_id").append("$eq", id).close().close().append("limit", 0);
  command.close().close();
  return command.finish();
}

bson::document insert_one(const std::string& collection, bson::document_view document, bool bypass_empty_timestamp) {
  bson::builder command;
  command.append("insert", collection).append("bypassDocumentValidation", true);
  if (bypass_empty_timestamp) command.append("bypassEmptyTsReplacement", true);
  command.open_array("documents").push(document).close();
  return command.finish();
}

}  // namespace

bool ddl::reads_again(const capture::change& what) const {
  if (migrated_.documents.is_everything() || what.uuid.empty()) return false;
  return judge(migrated_.documents, what) == filtered::read_again;
}

task<result<>> ddl::read_again(const capture::change& what, ddl_effects& effects) {
  const auto* mapped = map_.find(what.uuid);
  if (mapped == nullptr) co_return ok();
  const mapped_collection one = *mapped;
  const auto id = what.o2.find("_id");
  if (!id) co_return unknown_entry(what, "an update without an _id");
  std::optional<bson::document> now;
  on_connection ask = [&](wire::connection& source) -> task<result<>> {
    now.reset();
    bson::document find = find_one(one, id, migrated_.documents.query(), what.at);
    const auto answer = co_await source.run(one.source_ns.database, std::move(find));
    if (answer.has_error()) {
      const bool gone =
          answer.error().kind == error_kind::server && answer.error().server_code == wire::namespace_not_found;
      if (gone) co_return ok();  // its drop is still to come
      co_return answer.error();
    }
    const auto& body = answer.value().body;
    effects.replays_until = body.find("operationTime").as_timestamp().value_or(what.at);
    const auto batch = body.at("cursor", "firstBatch").as_array();
    if (!batch || batch->empty()) co_return ok();
    if (const auto document = (*batch->begin()).as_document()) now = bson::document(*document);
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await at(source_, std::move(ask)));
  const auto& there = one.to->ns;
  if (now && !one.to->scattered) {
    bson::document write = replace_by(there.collection, id, *now);
    co_return co_await run(there.database, std::move(write));
  }
  bson::document remove = remove_one(there.collection, id);
  SLUICE_CO_TRYV(co_await run(there.database, std::move(remove)));
  if (!now) co_return ok();
  bson::document insert = insert_one(there.collection, *now, destination_.of.can.bypass_empty_timestamp);
  auto inserted = co_await run(there.database, std::move(insert));
  const bool before = inserted.has_error() && inserted.error().server_code == wire::duplicate_key;
  if (before) co_return ok();  // by an attempt whose answer was lost
  co_return inserted;
}

}  // namespace sluice::apply
