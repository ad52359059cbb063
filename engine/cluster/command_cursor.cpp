#include "engine/cluster/command_cursor.hpp"

#include <optional>
#include <string_view>
#include <utility>

#include "bson/validate.hpp"

namespace sluice::cluster {

namespace {

struct batch_end {
  std::int64_t cursor_id = 0;
  std::string collection;  // what getMore must name
};

/// A reply's documents are only framed when they arrive; here they are going to be looked into.
result<batch_end> take_batch(const wire::connection& node, bson::document_view reply, std::string_view array_name,
                             std::vector<bson::document>& documents) {
  const auto fault = [&](std::string_view what) {
    return failure(error_kind::protocol, node.host().to_string() + ": the reply's cursor " + std::string(what));
  };
  const auto field = reply.find("cursor");
  const auto cursor = field ? field.as_document() : std::nullopt;
  if (!cursor) return fault("is missing");
  const auto id = cursor->find("id");
  const auto ns = cursor->find("ns");
  const auto batch = cursor->find(array_name);
  const auto array = batch ? batch.as_array() : std::nullopt;
  if (!id || !ns || !array) return fault("is not complete");

  for (const auto element : *array) {
    const auto each = element.as_document();
    if (!each) return fault("holds something that is no document");
    // Servers hand out collection names and index options that are not UTF-8 just as they are stored.
    if (const auto invalid = bson::validate(element.value(), {.check_utf8 = false}))
      return fault("holds an invalid document: " + std::string(invalid->reason));
    documents.emplace_back(*each);
  }
  batch_end end{.cursor_id = id.to_int64().value_or(0), .collection = std::string(ns.as_string().value_or(""))};
  end.collection.erase(0, end.collection.find('.') + 1);
  return end;
}

}  // namespace

task<result<listed_documents>> run_cursor(wire::connection& node, std::string database, bson::document command) {
  listed_documents listed;
  batch_end end;
  {
    SLUICE_CO_TRY(const auto first, co_await node.run(database, std::move(command)));
    if (const auto time = first.body.find("operationTime"))
      listed.operation_time = time.as_timestamp().value_or(bson::timestamp{});
    SLUICE_CO_TRY(end, take_batch(node, first.body, "firstBatch", listed.documents));
  }
  while (end.cursor_id != 0) {
    bson::builder more;
    more.append("getMore", end.cursor_id).append("collection", end.collection);
    bson::document get_more = more.finish();
    SLUICE_CO_TRY(const auto next, co_await node.run(database, std::move(get_more)));
    SLUICE_CO_TRY(end, take_batch(node, next.body, "nextBatch", listed.documents));
  }
  co_return listed;
}

}  // namespace sluice::cluster
