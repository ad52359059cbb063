// The progress reply, field by field: operators' scripts read these names.
#include "engine/http/progress_json.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace sluice::http {
namespace {

namespace json = boost::json;

json::object progress_of(const session::progress& now) {
  const json::value reply = json::parse(progress_json(now));
  EXPECT_EQ(reply.at("success"), json::value(true));
  return reply.at("progress").as_object();
}

session::progress running(session::phase at) {
  session::progress now;
  now.now = session::state::running;
  now.at = at;
  now.source_name = "cluster0: a:27017";
  now.destination_name = "cluster1: b:27018";
  now.bytes_total = 1000;
  now.bytes_copied = 250;
  now.documents_total = 40;
  now.documents_copied = 10;
  now.collections_total = 4;
  now.collections_indexed = 1;
  now.indexes_total = 9;
  now.indexes_built = 3;
  return now;
}

TEST(progress_json, idle_has_every_field_but_only_two_values) {
  session::progress idle;
  idle.now = session::state::idle;
  json::object fields = progress_of(idle);
  EXPECT_EQ(fields.at("state"), json::value("IDLE"));
  EXPECT_EQ(fields.at("canCommit"), json::value(false));
  for (const char* name : {"canWrite",
                           "reversible",
                           "info",
                           "lagTimeSeconds",
                           "lag",
                           "totalEventsApplied",
                           "collectionCopy",
                           "directionMapping",
                           "source",
                           "destination",
                           "mongosyncID",
                           "coordinatorID",
                           "ceaStage",
                           "estimatedSecondsToCEACatchup",
                           "estimatedOplogTimeRemaining",
                           "lastAppliedOptime",
                           "changesPerSecond",
                           "changes",
                           "applyBatches",
                           "consistencyViolations",
                           "spool",
                           "verification",
                           "users",
                           "capturedBy"}) {
    ASSERT_TRUE(fields.contains(name)) << name;
    EXPECT_TRUE(fields.at(name).is_null()) << name;
  }
  EXPECT_FALSE(fields.contains("warnings"));
  EXPECT_FALSE(fields.contains("indexBuilding"));
  EXPECT_FALSE(fields.contains("error"));
}

TEST(progress_json, tells_what_became_of_users_and_roles) {
  session::progress now = running(session::phase::committing);
  EXPECT_TRUE(progress_of(now).at("users").is_null());
  now.accounts = {.roles_copied = 1, .users_copied = 2};
  now.accounts->skipped.assign(130, {accounts::account_kind::role, "shop.clerk", "exists, differs"});
  const json::object fields = progress_of(now);
  const auto& users = fields.at("users").as_object();
  EXPECT_EQ(users.at("copied"), json::value(2));
  EXPECT_EQ(users.at("copiedRoles"), json::value(1));
  EXPECT_EQ(users.at("skippedCount").to_number<int>(), 130);
  EXPECT_EQ(users.at("skipped").as_array().size(), accounts::skipped_accounts_listed_max);
  EXPECT_EQ(json::serialize(users.at("skipped").at(0)),
            R"({"kind":"role","name":"shop.clerk","reason":"exists, differs"})");
}

TEST(progress_json, tells_how_far_both_sides_were_compared) {
  session::progress now = running(session::phase::change_application);
  EXPECT_FALSE(progress_of(now).contains("verification")) << "it was switched off";
  now.verification.emplace();
  auto& told = *now.verification;
  EXPECT_EQ(progress_of(now).at("verification").at("source").at("phase"), json::value("not started"));
  told.collections = 3;
  told.collections_compared = 2;
  told.documents_estimate = 50;
  told.source_documents = 40;
  told.destination_documents = 60;
  told.lag_seconds = 2;
  told.undecided = 5;
  json::object fields = progress_of(now).at("verification").as_object();
  EXPECT_EQ(json::serialize(fields.at("source")),
            R"({"phase":"initial hashing","estimatedDocumentCount":50,"hashedDocumentCount":40,)"
            R"("totalCollectionCount":3,"scannedCollectionCount":2,"lagTimeSeconds":2})");
  EXPECT_EQ(fields.at("destination").at("estimatedDocumentCount").to_number<int>(), 60) << "no share passes 1";
  EXPECT_EQ(fields.at("documentsToLookAtAgain").to_number<int>(), 5);
  told.first_pass = true;
  told.different = 1;
  told.differences = {{"shop.orders", "7", "differs in a.b"}};
  fields = progress_of(now).at("verification").as_object();
  EXPECT_EQ(fields.at("source").at("phase"), json::value("stream hashing"));
  EXPECT_EQ(fields.at("mismatchCount").to_number<int>(), 1);
  EXPECT_EQ(json::serialize(fields.at("mismatches")),
            R"([{"namespace":"shop.orders","id":"7","what":"differs in a.b"}])");
  EXPECT_FALSE(fields.contains("error"));
  told.fault = "no more";
  EXPECT_EQ(progress_of(now).at("verification").at("error"), json::value("no more"));
}

TEST(progress_json, a_copy_shows_both_dialects) {
  session::progress now = running(session::phase::collection_copy);
  now.seconds_to_complete = 12;
  now.source_ping_ms = 3;
  const json::object fields = progress_of(now);
  EXPECT_EQ(fields.at("state"), json::value("RUNNING"));
  EXPECT_EQ(fields.at("info"), json::value("collection copy"));
  EXPECT_EQ(fields.at("phase"), json::value("collection copy"));
  EXPECT_EQ(fields.at("canWrite"), json::value(false));
  EXPECT_TRUE(fields.at("lag").is_null());
  EXPECT_TRUE(fields.at("lagTimeSeconds").is_null());
  EXPECT_EQ(fields.at("totalEventsApplied"), json::value(0));
  EXPECT_EQ(json::serialize(fields.at("collectionCopy")), R"({"estimatedTotalBytes":1000,"estimatedCopiedBytes":250})");
  EXPECT_EQ(json::serialize(fields.at("collectionsCopy")), R"({"estimatedDocumentCounts":{"copied":10,"total":40}})");
  EXPECT_EQ(fields.at("estimatedTotalSecondsToComplete"), json::value(12));
  EXPECT_EQ(json::serialize(fields.at("directionMapping")),
            R"({"Source":"cluster0: a:27017","Destination":"cluster1: b:27018"})");
  EXPECT_EQ(json::serialize(fields.at("source")), R"({"pingLatencyMs":3})");
  EXPECT_EQ(json::serialize(fields.at("destination")), "{}");
  EXPECT_EQ(fields.at("mongosyncID"), json::value("coordinator"));
  EXPECT_EQ(fields.at("coordinatorID"), json::value("coordinator"));
  EXPECT_FALSE(fields.contains("indexBuilding"));
}

TEST(progress_json, each_phase_goes_by_the_words_of_the_original) {
  using session::phase;
  for (const auto& [at, words] : std::vector<std::pair<phase, const char*>>{
           {phase::initializing_collections_and_indexes, "initializing collections and indexes"},
           {phase::initializing_partitions, "initializing partitions"},
           {phase::collection_copy, "collection copy"},
           {phase::awaiting_application, "waiting to start change event application"},
           {phase::change_application, "change event application"},
           {phase::committing, "waiting for commit to complete"},
           {phase::commit_completed, "commit completed"}}) {
    const json::object fields = progress_of(running(at));
    EXPECT_EQ(fields.at("info"), json::value(words));
    EXPECT_EQ(fields.at("phase"), json::value(words));
  }
  EXPECT_EQ(session::to_string(phase::uninitialized), "uninitialized");
}

TEST(progress_json, a_silent_deployment_and_the_patience_with_it_are_told) {
  session::progress now = running(session::phase::collection_copy);
  now.source_ping_ms = -1;
  now.source_silent_seconds = 12;
  now.destination_ping_ms = 2;
  now.retry_horizon_seconds = 600;
  const json::object fields = progress_of(now);
  EXPECT_EQ(json::serialize(fields.at("source")), R"({"pingLatencyMs":-1,"unreachableSeconds":12})");
  EXPECT_EQ(json::serialize(fields.at("destination")), R"({"pingLatencyMs":2})");
  EXPECT_EQ(fields.at("retryHorizonSeconds"), json::value(600));
}

session::progress following() {
  session::progress now = running(session::phase::change_application);
  now.indexes_total = 0;
  now.follow.lag_seconds = 7;
  now.follow.last_applied = {1'700'000'000, 3};
  now.follow.events_applied = 15;
  now.follow.inserts = 5;
  now.follow.updates = 4;
  now.follow.replaces = 3;
  now.follow.deletes = 2;
  now.follow.commands = 1;
  now.follow.changes_per_second = 2.5;
  now.follow.windows = 6;
  now.follow.violations = 8;
  now.follow.captured_by = "oplog";
  now.follow.captured_entries = 20;
  now.follow.spool_disk_bytes = 1000;
  now.follow.spool_memory_bytes = 10;
  return now;
}

TEST(progress_json, following_shows_lag_and_what_is_applied) {
  const json::object fields = progress_of(following());
  EXPECT_EQ(fields.at("info"), json::value("change event application"));
  EXPECT_EQ(json::serialize(fields.at("lag")), R"({"overallLagSeconds":7,"crudLagSeconds":7,"ddlLagSeconds":null})");
  EXPECT_EQ(fields.at("lagTimeSeconds"), json::value(7));
  EXPECT_EQ(fields.at("totalEventsApplied"), json::value(15));
  EXPECT_EQ(json::serialize(fields.at("lastAppliedOptime")), R"({"T":1700000000,"I":3})");
  EXPECT_EQ(json::serialize(fields.at("changes")),
            R"({"inserts":5,"updates":4,"replaces":3,"deletes":2,"commands":1})");
  EXPECT_EQ(fields.at("changesPerSecond"), json::value(2.5));
  EXPECT_EQ(fields.at("applyBatches"), json::value(6));
  EXPECT_EQ(fields.at("consistencyViolations"), json::value(8));
  EXPECT_EQ(fields.at("capturedBy"), json::value("oplog"));
  EXPECT_EQ(fields.at("capturedEntries"), json::value(20));
  EXPECT_EQ(json::serialize(fields.at("spool")), R"({"diskBytes":1000,"memoryBytes":10})");
  EXPECT_FALSE(fields.contains("estimatedSecondsToCEACatchup"));
  EXPECT_FALSE(fields.contains("indexBuilding"));
  EXPECT_FALSE(fields.contains("waitingFor"));
}

TEST(progress_json, the_stage_of_following_is_told_while_it_lasts) {
  session::progress now = following();
  EXPECT_EQ(progress_of(now).at("ceaStage"), json::value("collection copy drain"));
  now.follow.consistent = true;
  EXPECT_EQ(progress_of(now).at("ceaStage"), json::value("steady state"));
  now.at = session::phase::committing;
  EXPECT_FALSE(progress_of(now).contains("ceaStage"));
}

TEST(progress_json, nothing_is_invented_before_anything_is_applied) {
  session::progress now = running(session::phase::collection_copy);
  now.follow.captured_by = "change-stream";
  const json::object fields = progress_of(now);
  EXPECT_TRUE(fields.at("lag").is_null());
  EXPECT_TRUE(fields.at("lagTimeSeconds").is_null());
  EXPECT_TRUE(fields.at("lastAppliedOptime").is_null());
  EXPECT_EQ(fields.at("estimatedOplogTimeRemaining"), json::value("not checked yet"));
  for (const char* name : {"changes", "spool", "capturedBy", "changesPerSecond"}) {
    EXPECT_TRUE(progress_of(running(session::phase::collection_copy)).at(name).is_null()) << name;
  }
}

TEST(progress_json, a_catalog_change_has_its_own_lag) {
  session::progress now = following();
  now.follow.ddl_lag_seconds = 2;
  EXPECT_EQ(progress_of(now).at("lag").at("ddlLagSeconds"), json::value(2));
}

TEST(progress_json, paused_means_no_lag_object_and_a_lag_of_zero) {
  session::progress now = following();
  now.now = session::state::paused;
  now.follow.lag_seconds = 0;
  const json::object fields = progress_of(now);
  EXPECT_TRUE(fields.at("lag").is_null());
  EXPECT_EQ(fields.at("lagTimeSeconds"), json::value(0));
  EXPECT_FALSE(fields.contains("estimatedOplogTimeRemaining"));
}

TEST(progress_json, a_pause_under_way_says_what_it_waits_for) {
  session::progress now = following();
  now.pausing = "3 transactions are open on the source";
  now.follow.seconds_to_catch_up = 4;
  EXPECT_EQ(progress_of(now).at("waitingFor"), json::value("3 transactions are open on the source"));
  EXPECT_EQ(progress_of(now).at("estimatedSecondsToCEACatchup"), json::value(4));
}

TEST(progress_json, the_oplogs_time_is_worded_as_in_the_original) {
  session::progress now = following();
  for (const auto& [seconds, text] :
       {std::pair(0, "less than 15 minutes"), std::pair(15 * 60 - 1, "less than 15 minutes"),
        std::pair(45 * 60, "45 minutes"), std::pair(12 * 3600, "12 hours"), std::pair(72 * 3600, "72 hours"),
        std::pair(73 * 3600, "more than 72 hours")}) {
    now.follow.oplog_seconds_left = seconds;
    EXPECT_EQ(progress_of(now).at("estimatedOplogTimeRemaining"), json::value(text));
  }
  now.can_write = true;
  EXPECT_FALSE(progress_of(now).contains("estimatedOplogTimeRemaining"));
}

TEST(progress_json, indexes_stay_told_while_changes_are_applied) {
  session::progress now = following();
  now.indexes_total = 9;
  EXPECT_EQ(progress_of(now).at("indexBuilding").at("indexesBuilt"), json::value(3));
}

TEST(progress_json, no_rate_yet_means_null_seconds) {
  EXPECT_TRUE(progress_of(running(session::phase::collection_copy)).at("estimatedTotalSecondsToComplete").is_null());
}

TEST(progress_json, totals_are_never_less_than_what_is_copied) {
  session::progress now = running(session::phase::collection_copy);
  now.bytes_copied = 2000;
  now.documents_copied = 50;
  const json::object fields = progress_of(now);
  EXPECT_EQ(fields.at("collectionCopy").at("estimatedTotalBytes"), json::value(2000));
  EXPECT_EQ(fields.at("collectionsCopy").at("estimatedDocumentCounts").at("total"), json::value(50));
}

TEST(progress_json, index_building_is_there_in_its_phase_only) {
  const json::object fields = progress_of(running(session::phase::index_build));
  EXPECT_EQ(json::serialize(fields.at("indexBuilding")),
            R"({"indexesBuilt":3,"totalIndexesToBuild":9,"collectionsFinished":1,"collectionsTotal":4})");
  EXPECT_FALSE(progress_of(running(session::phase::copy_completed)).contains("indexBuilding"));
}

TEST(progress_json, a_failure_and_warnings_are_told) {
  session::progress now = running(session::phase::collection_copy);
  now.now = session::state::failed;
  now.failure = error{error_kind::server, "db.c: disk is full; free some", 14031, "OutOfDiskSpace"};
  now.warnings = {"oplog is small \"here\""};
  const json::object fields = progress_of(now);
  EXPECT_EQ(fields.at("state"), json::value("FAILED"));
  EXPECT_EQ(fields.at("error").at("name"), json::value("OutOfDiskSpace"));
  EXPECT_EQ(fields.at("error").at("message"), json::value("db.c: disk is full; free some"));
  EXPECT_EQ(fields.at("error").at("code"), json::value(14031));
  EXPECT_EQ(fields.at("warnings").as_array().at(0), json::value("oplog is small \"here\""));
}

TEST(progress_json, a_failure_without_a_servers_name_goes_by_its_kind) {
  session::progress now = running(session::phase::collection_copy);
  now.now = session::state::failed;
  now.failure = failure(error_kind::network, "a:27017 is gone");
  const json::object fields = progress_of(now);
  EXPECT_EQ(fields.at("error").at("name"), json::value(to_string(error_kind::network)));
  EXPECT_FALSE(fields.at("error").as_object().contains("code"));
}

TEST(progress_json, says_what_blocks_a_commit) {
  session::progress now = running(session::phase::collection_copy);
  EXPECT_EQ(progress_of(now).at("commitBlockedBy"), json::value("the collections are still being copied"));
  now.at = session::phase::change_application;
  now.follow.consistent = true;
  now.follow.lag_seconds = 45;
  EXPECT_EQ(progress_of(now).at("commitBlockedBy"), json::value("the destination is 45 seconds behind (at most 30)"));
  now.can_commit = true;
  EXPECT_FALSE(progress_of(now).contains("commitBlockedBy"));
  now.can_commit = false;
  now.now = session::state::committing;
  EXPECT_FALSE(progress_of(now).contains("commitBlockedBy"));
}

}  // namespace
}  // namespace sluice::http
