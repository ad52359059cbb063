// What the verifier's tasks have in common, and what is asked of them. Each looks several times a second whether there
// is something for it to do.
#include "engine/verify/verifier.hpp"

#include <optional>
#include <utility>

#include "engine/runtime/log.hpp"
#include "engine/verify/verifier_inner.hpp"

namespace sluice::verify {

namespace {

using clock = std::chrono::steady_clock;

constexpr auto telling_interval = std::chrono::milliseconds(200);
/// Documents whose source changes between any two looks for so long, while nothing is applied, are being written to.
constexpr auto settle_time_max = std::chrono::seconds(10);
constexpr std::size_t differences_told = 20;

/// Something that passes, or that a new beginning helps.
bool is_passing(const error& cause) {
  return wire::is_retryable(cause) || cause.server_code == wire::cursor_not_found ||
         cause.server_code == wire::query_plan_killed || cause.server_code == wire::capped_position_lost;
}

}  // namespace

// --- what all tasks share ---

task<bool> verifier::inner::recover(const error& cause, both_ends& ends, wire::backoff& waits, std::string_view what) {
  ends.close();
  if (scope.cancelled() || cause.kind == error_kind::cancelled) co_return false;
  if (!is_passing(cause)) {
    fault = cause.message;
    log(log_level::error, "verify", "Verifying cannot go on", {{"what", what}, {"cause", cause.message}});
    co_return false;
  }
  log(log_level::warn, "verify", "Verifying was interrupted; trying again", {{"what", what}, {"cause", cause.message}});
  const bool go_on = co_await runtime::sleep_for(waits.next(), scope);
  co_return go_on;
}

void verifier::inner::forget(std::uint32_t collection) {
  rechecks.forget(collection);
  std::erase_if(differences, [collection](const auto& one) { return one.first.first == collection; });
}

void verifier::inner::publish() {
  verify_figures now;
  now.documents_estimate = roll_.documents_estimate();
  now.source_documents = source_documents;
  now.destination_documents = destination_documents;
  now.collections = static_cast<std::int64_t>(roll_.collections());
  now.collections_compared = static_cast<std::int64_t>(roll_.compared());
  now.bytes_left = roll_.bytes_left();
  now.first_pass = roll_.first_pass();
  now.undecided = static_cast<std::int64_t>(rechecks.undecided());
  now.lag_seconds = rechecks.lag(clock::now()).count();
  now.looked_again = looked_again;
  now.different = static_cast<std::int64_t>(rechecks.different());
  now.fault = fault;
  for (const auto& [at, one] : differences) {
    if (now.differences.size() == differences_told) break;
    now.differences.push_back(one);
  }
  const std::scoped_lock lock(mutex);
  figures = std::move(now);
}

task<result<>> verifier::inner::keep_telling() {
  for (;;) {
    publish();
    const bool go_on = co_await runtime::sleep_for(telling_interval, scope);
    if (!go_on) co_return ok();
  }
}

// --- for the caller ---

verifier::verifier(boost::asio::any_io_executor lane, job work, runtime::cancel_scope& scope)
    : inner_(std::make_unique<inner>(std::move(lane), std::move(work), scope)) {}

verifier::~verifier() = default;

task<result<>> verifier::run() {
  auto& tasks = inner_->tasks;
  tasks.spawn(inner_->keep_telling());
  tasks.spawn(inner_->keep_listing());
  tasks.spawn(inner_->keep_looking_again());
  for (std::uint32_t i = 0; i < std::max<std::uint32_t>(inner_->work.readers, 1); ++i) {
    tasks.spawn(inner_->keep_comparing());
  }
  co_return co_await tasks.join();
}

void verifier::changed(const told_of& collection, bson::document_view ids) {
  const auto number = inner_->roll_.begun(collection);
  if (!number) return;
  const auto now = clock::now();
  for (const auto element : ids) {
    bson::builder id;
    id.append("_id", element);
    if (inner_->rechecks.add(*number, id.finish(), now)) continue;
    compare_again(collection);
    return;
  }
}

void verifier::compare_again(const told_of& collection) {
  const auto number = inner_->roll_.begun(collection);
  if (!number) return;
  inner_->roll_.again(*number);
  inner_->forget(*number);
}

void verifier::catalog_changed() {
  inner_->list_wanted = true;
}

task<result<>> verifier::settle() {
  inner& me = *inner_;
  const auto begun = clock::now();
  const auto since = [begun] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - begun).count();
  };
  me.settling = true;
  me.rechecks.hurry(begun);
  const auto first_undecided = me.rechecks.undecided();
  std::optional<clock::time_point> compared_at;
  while (me.fault.empty() && !me.done()) {
    const bool all_compared = !me.list_wanted && !me.listing && me.roll_.compared() == me.roll_.collections();
    if (!all_compared) compared_at.reset();
    if (all_compared && !compared_at) {
      compared_at = clock::now();
      log(log_level::debug, "verify", "All collections are compared", {{"afterMs", since()}});
    }
    if (compared_at && clock::now() - *compared_at > settle_time_max) break;
    const bool go_on = co_await me.pause();
    if (!go_on) co_return failure(error_kind::cancelled, "cancelled while verifying");
  }
  me.publish();
  log(log_level::info, "verify", "What was left is compared",
      {{"documents", static_cast<std::int64_t>(first_undecided)}, {"afterMs", since()}});
  co_return ok();
}

void verifier::go_on() {
  inner_->settling = false;
  inner_->rechecks.at_leisure();
}

verify_figures verifier::told() const {
  const std::scoped_lock lock(inner_->mutex);
  return inner_->figures;
}

}  // namespace sluice::verify
