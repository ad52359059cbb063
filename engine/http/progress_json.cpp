#include "engine/http/progress_json.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "engine/session/follow_figures.hpp"

namespace sluice::http {
namespace {

namespace json = boost::json;

// The id that a single process goes by, as opposed to one per shard.
constexpr std::string_view process_id = "coordinator";

json::value number_or_null(const std::optional<std::int64_t>& number) {
  return number ? json::value(*number) : json::value(nullptr);
}

json::object side(const std::optional<std::int64_t>& ping_ms, const std::optional<std::int64_t>& silent_seconds) {
  json::object told;
  if (ping_ms) told["pingLatencyMs"] = *ping_ms;
  if (silent_seconds) told["unreachableSeconds"] = *silent_seconds;
  return told;
}

/// What following has come to. `lag` is nothing while PAUSED, as in the original; the plain number stays (0: all was
/// drained).
void add_following(json::object& out, const session::progress& now) {
  const session::follow_progress& follow = now.follow;
  const bool paused = now.now == session::state::paused;
  if (follow.lag_seconds && !paused) {
    json::object lag;
    lag["overallLagSeconds"] = *follow.lag_seconds;
    lag["crudLagSeconds"] = *follow.lag_seconds;
    lag["ddlLagSeconds"] = number_or_null(follow.ddl_lag_seconds);
    out["lag"] = std::move(lag);
  } else {
    out["lag"] = nullptr;
  }
  out["lagTimeSeconds"] = number_or_null(follow.lag_seconds);
  out["totalEventsApplied"] = follow.events_applied;
  if (now.at == session::phase::change_application) {
    out["ceaStage"] = follow.consistent ? "steady state" : "collection copy drain";
    if (follow.seconds_to_catch_up) out["estimatedSecondsToCEACatchup"] = *follow.seconds_to_catch_up;
  }
  const bool reads_oplog = now.now == session::state::running && !now.can_write && !follow.captured_by.empty();
  if (reads_oplog) out["estimatedOplogTimeRemaining"] = session::oplog_time_text(follow.oplog_seconds_left);
  if (follow.captured_by.empty()) {  // nothing is followed yet, or ever by a one-shot copy
    for (const char* name : {"capturedBy", "lastAppliedOptime", "changesPerSecond", "changes", "applyBatches",
                             "consistencyViolations", "spool"}) {
      out[name] = nullptr;
    }
    return;
  }
  out["capturedBy"] = follow.captured_by;
  out["capturedEntries"] = follow.captured_entries;
  if (follow.last_applied == bson::timestamp{}) {
    out["lastAppliedOptime"] = nullptr;
  } else {
    out["lastAppliedOptime"] = json::object{{"T", follow.last_applied.seconds}, {"I", follow.last_applied.increment}};
  }
  out["changesPerSecond"] = follow.changes_per_second;
  json::object changes;
  changes["inserts"] = follow.inserts;
  changes["updates"] = follow.updates;
  changes["replaces"] = follow.replaces;
  changes["deletes"] = follow.deletes;
  changes["commands"] = follow.commands;
  out["changes"] = std::move(changes);
  out["applyBatches"] = follow.windows;
  out["consistencyViolations"] = follow.violations;
  out["spool"] = json::object{{"diskBytes", follow.spool_disk_bytes}, {"memoryBytes", follow.spool_memory_bytes}};
}

json::value accounts_object(const std::optional<accounts::account_report>& report) {
  if (!report) return nullptr;
  json::array skipped;
  const std::size_t listed = std::min(report->skipped.size(), accounts::skipped_accounts_listed_max);
  for (std::size_t i = 0; i < listed; ++i) {
    const auto& one = report->skipped[i];
    const std::string_view kind = one.kind == accounts::account_kind::role ? "role" : "user";
    skipped.push_back(json::object{{"kind", kind}, {"name", one.name}, {"reason", one.reason}});
  }
  json::object out;
  out["copied"] = report->users_copied;
  out["copiedRoles"] = report->roles_copied;
  out["skippedCount"] = report->skipped.size();
  out["skipped"] = std::move(skipped);
  return out;
}

/// One side, in the original's words.
json::object verified_side(const verify::verify_figures& told, std::int64_t documents) {
  json::object out;
  const bool begun = told.source_documents > 0 || told.collections_compared > 0;
  out["phase"] = !begun ? "not started" : told.nearly_done() ? "stream hashing" : "initial hashing";
  out["estimatedDocumentCount"] = std::max(told.documents_estimate, documents);
  out["hashedDocumentCount"] = documents;
  out["totalCollectionCount"] = told.collections;
  out["scannedCollectionCount"] = told.collections_compared;
  out["lagTimeSeconds"] = told.lag_seconds;
  return out;
}

json::object verification_object(const verify::verify_figures& told) {
  json::array mismatches;
  for (const auto& one : told.differences) {
    mismatches.push_back(json::object{{"namespace", one.ns}, {"id", one.id_json}, {"what", one.what}});
  }
  json::object out;
  out["source"] = verified_side(told, told.source_documents);
  out["destination"] = verified_side(told, told.destination_documents);
  out["documentsToLookAtAgain"] = told.undecided;
  out["documentsLookedAtAgain"] = told.looked_again;
  out["mismatchCount"] = told.different;
  out["mismatches"] = std::move(mismatches);
  if (!told.fault.empty()) out["error"] = told.fault;
  return out;
}

/// Built indexes are told while they are built, and for as long as changes are applied.
bool tells_of_indexes(const session::progress& now) {
  return now.at == session::phase::index_build ||
         (now.at == session::phase::change_application && now.indexes_total > 0);
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
  for (const char* name : {"canWrite",
                           "reversible",
                           "info",
                           "phase",
                           "ceaStage",
                           "lag",
                           "lagTimeSeconds",
                           "totalEventsApplied",
                           "collectionCopy",
                           "collectionsCopy",
                           "estimatedTotalSecondsToComplete",
                           "estimatedSecondsToCEACatchup",
                           "estimatedOplogTimeRemaining",
                           "directionMapping",
                           "source",
                           "destination",
                           "retryHorizonSeconds",
                           "mongosyncID",
                           "coordinatorID",
                           "capturedBy",
                           "lastAppliedOptime",
                           "changesPerSecond",
                           "changes",
                           "applyBatches",
                           "consistencyViolations",
                           "spool",
                           "verification",
                           "users"}) {
    out[name] = nullptr;
  }
  return out;
}

json::object during_a_run(const session::progress& now) {
  json::object out;
  out["state"] = to_string(now.now);
  out["canCommit"] = now.can_commit;
  out["canWrite"] = now.can_write;
  out["reversible"] = now.reversible;
  out["info"] = to_string(now.at);
  out["phase"] = to_string(now.at);
  add_following(out, now);
  if (!now.pausing.empty()) out["waitingFor"] = now.pausing;
  const bool may_ask = now.now == session::state::running || now.now == session::state::paused;
  if (may_ask && !now.can_commit) {
    if (const std::string why = session::commit_obstacle(now); !why.empty()) out["commitBlockedBy"] = why;
  }
  // Estimates come from collection statistics; a reader's percentage must not pass 100.
  json::object bytes;
  if (now.totals_unknown) {
    bytes["estimatedTotalBytes"] = nullptr;
  } else {
    bytes["estimatedTotalBytes"] = std::max(now.bytes_total, now.bytes_copied);
  }
  bytes["estimatedCopiedBytes"] = now.bytes_copied;
  out["collectionCopy"] = std::move(bytes);
  json::object documents;
  documents["copied"] = now.documents_copied;
  documents["total"] = std::max(now.documents_total, now.documents_copied);
  out["collectionsCopy"] = json::object{{"estimatedDocumentCounts", std::move(documents)}};
  out["estimatedTotalSecondsToComplete"] = number_or_null(now.seconds_to_complete);
  if (tells_of_indexes(now)) {
    json::object indexes;
    indexes["indexesBuilt"] = now.indexes_built;
    indexes["totalIndexesToBuild"] = now.indexes_total;
    indexes["collectionsFinished"] = now.collections_indexed;
    indexes["collectionsTotal"] = now.collections_total;
    out["indexBuilding"] = std::move(indexes);
  }
  if (now.verification) out["verification"] = verification_object(*now.verification);
  json::object direction;  // capitalised keys, as in the original
  direction["Source"] = now.source_name;
  direction["Destination"] = now.destination_name;
  out["directionMapping"] = std::move(direction);
  out["source"] = side(now.source_ping_ms, now.source_silent_seconds);
  out["destination"] = side(now.destination_ping_ms, now.destination_silent_seconds);
  out["retryHorizonSeconds"] = now.retry_horizon_seconds;
  out["users"] = accounts_object(now.accounts);
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
