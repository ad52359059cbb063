// Every call of the operator in every state: what is taken, what it leads to, and what is said when it is refused.
#include "engine/session/lifecycle.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::session {
namespace {

lifecycle in_state(state wanted) {
  lifecycle one;
  if (wanted == state::idle) return one;
  EXPECT_TRUE(one.start());
  switch (wanted) {
    case state::paused:
      EXPECT_TRUE(one.pause());
      one.paused();
      break;
    case state::committing:
      EXPECT_TRUE(one.commit(true, ""));
      break;
    case state::committed:
      EXPECT_TRUE(one.commit(true, ""));
      one.committed();
      break;
    case state::reversing:
      EXPECT_TRUE(one.commit(true, ""));
      one.committed();
      EXPECT_TRUE(one.reverse(true));
      break;
    case state::failed:
      one.failed();
      break;
    default:
      break;
  }
  EXPECT_EQ(one.now(), wanted);
  return one;
}

struct call {
  std::string name;
  std::function<result<>(lifecycle&)> make;
  std::vector<state> taken_in;
};

TEST(session_lifecycle, each_call_in_each_state) {
  const std::vector<call> calls{
      {"start", [](lifecycle& one) { return one.start(); }, {state::idle}},
      {"pause", [](lifecycle& one) { return one.pause(); }, {state::running}},
      {"resume", [](lifecycle& one) { return one.resume(); }, {state::paused, state::failed}},
      {"commit", [](lifecycle& one) { return one.commit(true, ""); }, {state::running, state::paused}},
      {"reverse", [](lifecycle& one) { return one.reverse(true); }, {state::committed}},
  };
  for (const call& each : calls) {
    for (const state from : {state::idle, state::running, state::paused, state::committing, state::committed,
                             state::reversing, state::failed}) {
      SCOPED_TRACE(each.name + " in " + std::string(to_string(from)));
      lifecycle one = in_state(from);
      const auto outcome = each.make(one);
      const bool taken = std::ranges::find(each.taken_in, from) != each.taken_in.end();
      EXPECT_EQ(outcome.has_value(), taken);
      if (taken) continue;
      EXPECT_EQ(one.now(), from);
      EXPECT_EQ(outcome.error().kind, error_kind::refused);
      EXPECT_NE(outcome.error().message.find(to_string(from)), std::string::npos) << outcome.error().message;
    }
  }
}

TEST(session_lifecycle, a_reversal_leads_to_running_and_another_commit) {
  lifecycle one = in_state(state::committed);
  const auto refused = one.reverse(false);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("reversible"), std::string::npos);
  EXPECT_EQ(one.now(), state::committed);
  EXPECT_TRUE(one.reverse(true));
  EXPECT_EQ(one.wanted(), wish::run);
  one.reversed();
  EXPECT_EQ(one.now(), state::running);
  EXPECT_TRUE(one.commit(true, ""));
  one.committed();
  EXPECT_TRUE(one.reverse(true));
  one.failed();
  EXPECT_TRUE(one.resume());
  EXPECT_EQ(one.now(), state::running);
}

TEST(session_lifecycle, a_pause_is_reached_only_when_the_run_says_so) {
  lifecycle one = in_state(state::running);
  EXPECT_TRUE(one.pause());
  EXPECT_EQ(one.now(), state::running);
  EXPECT_EQ(one.wanted(), wish::pause);
  EXPECT_FALSE(one.resume());
  EXPECT_FALSE(one.commit(true, ""));
  one.paused();
  EXPECT_EQ(one.now(), state::paused);
  EXPECT_TRUE(one.resume());
  EXPECT_EQ(one.now(), state::running);
  EXPECT_EQ(one.wanted(), wish::run);
}

TEST(session_lifecycle, a_commit_too_early_names_the_obstacle) {
  lifecycle one = in_state(state::running);
  const auto refused = one.commit(false, "the copy is under way");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("the copy is under way"), std::string::npos);
  EXPECT_EQ(one.now(), state::running);
}

TEST(session_lifecycle, a_commit_that_was_refused_can_be_asked_for_again) {
  lifecycle one = in_state(state::committing);
  one.commit_refused();
  EXPECT_EQ(one.now(), state::running);
  EXPECT_EQ(one.wanted(), wish::run);
  EXPECT_TRUE(one.commit(true, ""));
}

TEST(session_lifecycle, what_failed_goes_on_with_what_was_wanted) {
  lifecycle following = in_state(state::failed);
  EXPECT_TRUE(following.resume());
  EXPECT_EQ(following.now(), state::running);
  lifecycle committing = in_state(state::committing);
  committing.failed();
  EXPECT_TRUE(committing.resume());
  EXPECT_EQ(committing.now(), state::committing);
  EXPECT_EQ(committing.wanted(), wish::commit);
}

TEST(session_lifecycle, a_start_that_was_refused_can_be_asked_for_again) {
  lifecycle one = in_state(state::running);
  one.ready();
  EXPECT_EQ(one.now(), state::idle);
  EXPECT_TRUE(one.start());
}

TEST(session_lifecycle, a_restart_goes_on_with_what_was_wanted) {
  lifecycle pausing;
  pausing.restored(wish::pause);
  EXPECT_EQ(pausing.now(), state::running);
  pausing.paused();
  EXPECT_EQ(pausing.now(), state::paused);
  lifecycle committing;
  committing.restored(wish::commit);
  EXPECT_EQ(committing.now(), state::committing);
}

}  // namespace
}  // namespace sluice::session
