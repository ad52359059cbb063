#include "engine/copy/zero_timestamp.hpp"

#include <algorithm>
#include <cstring>

#include "bson/document.hpp"
#include "bson/raw_array.hpp"
#include "bson/validate.hpp"
#include "engine/wire/bulk_write.hpp"
#include "engine/wire/retry.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::copy {

namespace {

/// `{q: {_id}, u: [{$replaceWith: {$setField: ...}}]}`: $setField takes any field name literally, and a pipeline's
/// zero timestamps stay (6.0.5, 6.0.27).
void append_repair(bson::builder& updates, std::string_view index, bson::element_view id,
                   const std::vector<std::string>& fields) {
  updates.open_document(index).open_document("q").append(id).close().open_array("u");
  for (const std::string& field : fields) {
    updates.open_document(updates.next_index()).open_document("$replaceWith").open_document("$setField");
    updates.open_document("field").append("$literal", field).close();
    updates.append("input", "$$ROOT").append("value", bson::timestamp{});
    updates.close().close().close();
  }
  updates.close().close();
}

}  // namespace

std::vector<std::string> zero_timestamp_fields(bson::bytes_view document) {
  // The cheap question first: eight zero bytes behind a type byte 0x11 and a key must be somewhere.
  static constexpr std::byte zeros[8] = {};
  const void* found = ::memmem(document.data(), document.size(), zeros, sizeof zeros);
  if (found == nullptr ||
      std::memchr(document.data(), static_cast<int>(bson::type::timestamp), document.size()) == nullptr) {
    return {};
  }
  std::vector<std::string> fields;
  if (bson::validate(document, {.check_utf8 = false})) return fields;
  for (const bson::element_view element : bson::document_view(document.data())) {
    if (element.as_timestamp() == bson::timestamp{} && element.key() != "_id") fields.emplace_back(element.key());
  }
  return fields;
}

task<result<>> repair_zero_timestamps(worker& w, const plan::partition& what, bson::bytes_view documents) {
  bson::builder updates;
  std::int32_t repairs = 0;
  bson::raw_array_walk walk(documents);
  while (const auto document = walk.next()) {
    const auto fields = zero_timestamp_fields(*document);
    if (fields.empty()) continue;
    append_repair(updates, std::to_string(repairs), bson::find_id(*document), fields);
    ++repairs;
  }
  if (repairs == 0) co_return ok();
  const bson::document array = updates.finish();
  auto attempt = [&w, &what, &array]() -> task<result<>> {
    if (!w.to || !w.to->is_open()) {
      w.to.reset();
      SLUICE_CO_TRY(w.to, co_await cluster::connect_primary(w.destination, w.scope, w.patience));
    }
    bson::builder head;
    head.append("update", what.destination().collection)
        .append("ordered", false)
        .append("bypassDocumentValidation", true);
    wire::append_data_write_concern(head, w.destination.is_written_by_majority());
    bson::document command = head.finish();
    auto answer =
        co_await w.to->run_with_array(what.destination().database, std::move(command), "updates", array.bytes());
    if (answer.has_error()) co_return answer.error();
    const auto errors = answer.value().body.find("writeErrors").as_array();
    if (errors && !errors->empty()) {
      const auto first = errors->begin()->as_document().value_or(bson::document_view());
      co_return error{error_kind::server,
                      what.ns.to_string() + ": a zero timestamp could not be restored: " +
                          std::string(first.find("errmsg").as_string().value_or("")),
                      static_cast<std::int32_t>(first.find("code").to_int64().value_or(0)),
                      {}};
    }
    co_return ok();
  };
  co_return co_await wire::retry(attempt, w.patience, w.scope);
}

}  // namespace sluice::copy
