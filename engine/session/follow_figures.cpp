#include "engine/session/follow_figures.hpp"

#include <algorithm>

namespace sluice::session {

namespace {

constexpr auto rate_window = std::chrono::seconds(10);

std::int64_t seconds_between(bson::timestamp earlier, bson::timestamp later) {
  return std::max<std::int64_t>(0, std::int64_t{later.seconds} - std::int64_t{earlier.seconds});
}

/// Why the comparison of both sides stands against a commit; empty when it does not.
std::string verification_obstacle(const verify::verify_figures& told) {
  const std::string way_out = "; repair that, or start again with --disableVerification to commit without";
  if (!told.fault.empty()) return "the verification cannot go on: " + told.fault + way_out;
  if (told.different > 0) {
    std::string first;
    if (!told.differences.empty()) {
      const auto& one = told.differences.front();
      first = ", the first being " + one.ns + " " + one.id_json + ", which " + one.what;
    }
    return "the verification has found " + std::to_string(told.different) +
           " documents that are not the same on both sides" + first + way_out;
  }
  if (!told.nearly_done()) {
    return "the verification has compared " + std::to_string(told.collections_compared) + " of " +
           std::to_string(told.collections) + " collections";
  }
  return {};
}

}  // namespace

void follow_figures::add(const follow_sample& sample, follow_progress& told) {
  if (sample.oplog_first && sample.seen_until != bson::timestamp{}) {
    told.oplog_seconds_left = seconds_between(*sample.oplog_first, sample.seen_until);
  }
  if (!sample.applied) return;

  told.last_applied = *sample.applied;
  const std::int64_t lag = seconds_between(*sample.applied, std::max(sample.source_newest, sample.seen_until));
  told.lag_seconds = lag;
  if (sample.commands > commands_) ddl_lag_seconds_ = lag;
  commands_ = sample.commands;
  told.ddl_lag_seconds = ddl_lag_seconds_;

  points_.push_back({sample.at, sample.changes, lag});
  while (points_.size() > 2 && sample.at - points_.front().at > rate_window) points_.pop_front();
  const std::chrono::duration<double> time = sample.at - points_.front().at;
  if (time.count() <= 0) return;
  told.changes_per_second = static_cast<double>(sample.changes - points_.front().changes) / time.count();
  const double shrinking = static_cast<double>(points_.front().lag_seconds - lag) / time.count();
  if (lag > 1 && shrinking > 0) {
    told.seconds_to_catch_up = static_cast<std::int64_t>(static_cast<double>(lag) / shrinking) + 1;
  }
}

std::string commit_obstacle(const progress& now) {
  if (now.at < phase::index_build) return "the collections are still being copied";
  if (now.at == phase::index_build) return "the indexes are still being built";
  if (now.at != phase::change_application) return "changes are not applied in this phase";
  if (!now.follow.consistent) return "changes from the time of the copy are still being applied";
  if (now.verification) {
    if (std::string why = verification_obstacle(*now.verification); !why.empty()) return why;
  }
  if (now.now == state::paused) return {};
  if (now.verification && now.verification->lag_seconds > commit_lag_seconds_max) {
    return "the verification is " + std::to_string(now.verification->lag_seconds) + " seconds behind (at most " +
           std::to_string(commit_lag_seconds_max) + ")";
  }
  if (!now.follow.lag_seconds) return "it is not known yet how far the destination is behind";
  if (*now.follow.lag_seconds > commit_lag_seconds_max) {
    return "the destination is " + std::to_string(*now.follow.lag_seconds) + " seconds behind (at most " +
           std::to_string(commit_lag_seconds_max) + ")";
  }
  return {};
}

std::string oplog_time_text(const std::optional<std::int64_t>& seconds) {
  if (!seconds) return "not checked yet";
  const std::int64_t minutes = *seconds / 60;
  if (minutes < 15) return "less than 15 minutes";
  if (minutes < 120) return std::to_string(minutes) + " minutes";
  const std::int64_t hours = minutes / 60;
  return hours > 72 ? "more than 72 hours" : std::to_string(hours) + " hours";
}

}  // namespace sluice::session
