#include "engine/http/progress_json.hpp"

#include <algorithm>

#include <boost/json.hpp>

namespace sluice::http {
namespace {

namespace json = boost::json;

// The id that a single process goes by, as opposed to one per shard.
constexpr std::string_view process_id = "coordinator";

json::value number_or_null(const std::optional<std::int64_t>& number) {
  return number ? json::value(*number) : json::value(nullptr);
}

json::object ping(const std::optional<std::int64_t>& ping_ms) {
  json::object side;
  if (ping_ms) side["pingLatencyMs"] = *ping_ms;
  return side;
}

json::object error_object(const error& failure) {
  json::object out;
  out["name"] = failure.server_code_name.empty() ? to_string(failure.kind) : std::string_view(failure.server_code_name);
  out["message"] = failure.message;
  out["kind"] = to_string(failure.kind);
  if (failure.server_code != 0) out["code"] = failure.server_code;
  return out;
}

json::object before_a_run(const session::progress& now) {
  json::object out;
  out["state"] = to_string(now.now);
  out["canCommit"] = now.can_commit;
  for (const char* name : {"canWrite", "info", "phase", "lag", "lagTimeSeconds", "totalEventsApplied", "collectionCopy",
                           "collectionsCopy", "estimatedTotalSecondsToComplete", "directionMapping", "source",
                           "destination", "mongosyncID", "coordinatorID"}) {
    out[name] = nullptr;
  }
  return out;
}

json::object during_a_run(const session::progress& now) {
  json::object out;
  out["state"] = to_string(now.now);
  out["canCommit"] = now.can_commit;
  out["canWrite"] = now.can_write;
  out["info"] = to_string(now.at);
  out["phase"] = to_string(now.at);
  out["lag"] = nullptr;  // nothing is applied yet that could lag
  out["lagTimeSeconds"] = nullptr;
  out["totalEventsApplied"] = 0;
  // Estimates come from collection statistics; a reader's percentage must not pass 100.
  json::object bytes;
  bytes["estimatedTotalBytes"] = std::max(now.bytes_total, now.bytes_copied);
  bytes["estimatedCopiedBytes"] = now.bytes_copied;
  out["collectionCopy"] = std::move(bytes);
  json::object documents;
  documents["copied"] = now.documents_copied;
  documents["total"] = std::max(now.documents_total, now.documents_copied);
  out["collectionsCopy"] = json::object{{"estimatedDocumentCounts", std::move(documents)}};
  out["estimatedTotalSecondsToComplete"] = number_or_null(now.seconds_to_complete);
  if (now.at == session::phase::index_build) {
    json::object indexes;
    indexes["indexesBuilt"] = now.indexes_built;
    indexes["totalIndexesToBuild"] = now.indexes_total;
    indexes["collectionsFinished"] = now.collections_indexed;
    indexes["collectionsTotal"] = now.collections_total;
    out["indexBuilding"] = std::move(indexes);
  }
  json::object direction;  // capitalised keys, as in the original
  direction["Source"] = now.source_name;
  direction["Destination"] = now.destination_name;
  out["directionMapping"] = std::move(direction);
  out["source"] = ping(now.source_ping_ms);
  out["destination"] = ping(now.destination_ping_ms);
  out["mongosyncID"] = process_id;
  out["coordinatorID"] = process_id;
  return out;
}

}  // namespace

std::string progress_json(const session::progress& now) {
  const bool started = now.now != session::state::idle && now.now != session::state::initializing;
  json::object fields = started ? during_a_run(now) : before_a_run(now);
  if (!now.warnings.empty()) fields["warnings"] = json::array(now.warnings.begin(), now.warnings.end());
  if (now.failure) fields["error"] = error_object(*now.failure);
  json::object reply;
  reply["progress"] = std::move(fields);
  reply["success"] = true;
  return json::serialize(reply);
}

}  // namespace sluice::http
