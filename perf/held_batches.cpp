#include "perf/held_batches.hpp"

#include <utility>

namespace sluice::perf {
namespace {

bson::document get_more(std::int64_t cursor, const what_to_read& what) {
  bson::builder command;
  command.append("getMore", cursor).append("collection", what.collection);
  return command.append("batchSize", what.batch_documents).finish();
}

}  // namespace

amount amount_of(const std::vector<held_batch>& batches) {
  amount sum;
  sum.batches = batches.size();
  for (const auto& batch : batches) {
    for (const auto element : bson::document_view(batch.array.data())) {
      ++sum.documents;
      sum.bytes += element.value().size();
    }
  }
  return sum;
}

void read_batches(blocking_client& source, const what_to_read& what, const std::function<void(held_batch)>& each) {
  bson::builder find;
  find.append("find", what.collection).append("batchSize", 0).append("noCursorTimeout", true);
  find.open_document("hint").append("$natural", 1).close();
  find.open_document("$readPreference").append("mode", "secondaryPreferred").close();  // whoever is asked answers
  const message opened = source.run(what.database, find.finish());
  const std::int64_t cursor = opened.body.at("cursor", "id").to_int64().value_or(0);
  if (cursor == 0) return;
  const bson::document next = get_more(cursor, what);
  for (bool ask = true;;) {
    if (ask) source.send(what.database, next, what.exhaust);
    message reply = source.receive();
    if (!reply.body.find("ok").to_bool().value_or(false)) throw server_failure("getMore failed", 0);
    const bool streamed = reply.more_to_come;
    const bool over = reply.body.at("cursor", "id").to_int64().value_or(0) == 0;
    const auto array = reply.body.at("cursor", "nextBatch").as_array();
    if (array && !array->empty()) each({std::move(reply), array->bytes()});
    if (over) return;
    ask = !streamed;
  }
}

}  // namespace sluice::perf
