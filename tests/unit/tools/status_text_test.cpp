// The progress reply in words.
#include "tools/status_text.hpp"

#include <gtest/gtest.h>

#include "engine/http/progress_json.hpp"

namespace sluice::tools {
namespace {

session::progress following() {
  session::progress now;
  now.now = session::state::running;
  now.at = session::phase::change_application;
  now.can_commit = true;
  now.source_name = "cluster0: a:27017";
  now.destination_name = "cluster1: b:27018";
  now.source_ping_ms = 3;
  now.destination_ping_ms = -1;
  now.bytes_total = now.bytes_copied = 2'500'000;
  now.documents_total = now.documents_copied = 12'345;
  now.follow.lag_seconds = 7;
  now.follow.seconds_to_catch_up = 90;
  now.follow.events_applied = 1'234;
  now.follow.inserts = 1'000;
  now.follow.deletes = 234;
  now.follow.changes_per_second = 99.6;
  now.follow.captured_by = "oplog";
  now.follow.spool_disk_bytes = 64'000'000;
  now.follow.oplog_seconds_left = 7200;
  now.follow.violations = 2;
  now.verification.emplace();
  now.verification->collections = 12;
  now.verification->collections_compared = 9;
  now.verification->source_documents = 9'876;
  now.warnings = {"the oplog is small; make it larger"};
  return now;
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(status_text, says_everything_about_a_run_that_follows) {
  const std::string text = status_text(http::progress_json(following()));
  for (const char* line : {
           "state         RUNNING",
           "phase         change event application, collection copy drain",
           "can commit    yes",
           "can write     no",
           "source        cluster0: a:27017, 3 ms away",
           "destination   cluster1: b:27018, does not answer",
           "copied        2.50 MB of 2.50 MB, 12,345 of 12,345 documents",
           "lag           7 s",
           "caught up in  1:30",
           "applied       1,234 changes, 100/s now (1,000 inserts, 234 deletes)",
           "captured by   oplog; waiting: 64.0 MB on disk, 0 B in memory",
           "verified      9,876 documents, 9 of 12 collections; none differ",
           "oplog lasts   2 hours",
           "violations    2 of the consistency check",
           "warning       the oplog is small; make it larger",
       }) {
    EXPECT_TRUE(has_line(text, line)) << line << "\n--\n" << text;
  }
  EXPECT_EQ(text.find("waiting for"), std::string::npos);
}

TEST(status_text, leaves_out_what_is_not_known) {
  session::progress idle;
  idle.now = session::state::idle;
  EXPECT_EQ(status_text(http::progress_json(idle)), "state         IDLE\ncan commit    no\n");
}

TEST(status_text, tells_of_indexes_pauses_and_errors) {
  session::progress now = following();
  now.indexes_total = 9;
  now.indexes_built = 3;
  now.pausing = "an open transaction";
  EXPECT_TRUE(has_line(status_text(http::progress_json(now)), "indexes       3 of 9 built"));
  EXPECT_TRUE(has_line(status_text(http::progress_json(now)), "waiting for   an open transaction"));
  now.now = session::state::failed;
  now.failure = failure(error_kind::network, "a:27017 is gone\x1b[2J");
  EXPECT_TRUE(has_line(status_text(http::progress_json(now)), "error         a:27017 is gone?[2J"));
}

TEST(status_text, other_bodies_say_nothing) {
  for (const char* body : {"", "{}", "[]", "<html>", R"({"progress":null})", R"({"progress":7})", "{\"progress\":{"}) {
    EXPECT_EQ(status_text(body), "") << body;
    EXPECT_FALSE(parse_progress(body)) << body;
  }
  EXPECT_FALSE(parse_progress(R"({"progress":{"state":null}})"));
}

TEST(status_text, what_a_client_decides_by_is_read) {
  session::progress now = following();
  now.pausing = "a drain";
  const auto told = parse_progress(http::progress_json(now));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->state, "RUNNING");
  EXPECT_EQ(told->info, "change event application");
  EXPECT_EQ(told->waiting_for, "a drain");
  EXPECT_EQ(told->last_warning, "the oplog is small; make it larger");
}

TEST(status_text, a_refusal_is_its_description) {
  EXPECT_EQ(refusal_text(409, R"({"success":false,"error":"IllegalState","errorDescription":"not now"})"), "not now");
  EXPECT_EQ(refusal_text(502, "<html>"), "the server answered with HTTP status 502");
}

}  // namespace
}  // namespace sluice::tools
