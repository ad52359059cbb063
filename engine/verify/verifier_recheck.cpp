// Documents that were in doubt or have changed: looked at again on both sides.
#include <utility>

#include "bson/extended_json.hpp"
#include "engine/runtime/log.hpp"
#include "engine/verify/verifier_inner.hpp"

namespace sluice::verify {

namespace {

constexpr std::size_t looks_at_once = 1000;

}  // namespace

// --- looking again ---

task<result<>> verifier::inner::keep_looking_again() {
  both_ends ends(lane, work);
  wire::backoff waits;
  for (;;) {
    auto due = may_look() ? rechecks.take(clock::now(), looks_at_once) : std::nullopt;
    if (!due) {
      const bool go_on = co_await pause();
      if (!go_on || !fault.empty()) co_return ok();
      continue;
    }
    looking = true;
    auto outcome = co_await look_again(ends, *due);
    looking = false;
    if (!outcome.has_error()) {
      waits.reset();
      continue;
    }
    rechecks.put_back(*due, clock::now());
    const bool again = co_await recover(outcome.error(), ends, waits, "documents that have changed");
    if (!again) co_return ok();
  }
}

task<result<>> verifier::inner::look_again(both_ends& ends, const recheck_list::batch& what) {
  const auto* info = roll_.info(what.collection);
  if (info == nullptr) {
    forget(what.collection);
    co_return ok();
  }
  const auto source_ns = info->data_ns();
  const auto destination_ns = info->destination_data_ns();
  const bool capped = info->kind == cluster::collection_kind::capped;
  SLUICE_CO_TRY(const auto from, co_await ends.source.open(scope, work.patience));
  bson::document chosen(work.scope.documents.query().view());
  SLUICE_CO_TRY(const auto here, co_await read_digests(from, source_ns, what.ids, std::move(chosen)));
  SLUICE_CO_TRY(const auto to, co_await ends.destination.open(scope, work.patience));
  const auto reached = applied();
  bson::document all;
  SLUICE_CO_TRY(const auto there, co_await read_digests(to, destination_ns, what.ids, std::move(all)));
  for (std::size_t i = 0; i < what.ids.size(); ++i) {
    look seen{here.of[i], there.of[i], here.at, reached};
    // What the source drops for want of room is in no oplog; the destination is bounded by the commit only.
    if (capped && !seen.source.there) seen.destination = {};
    ++looked_again;
    const auto verdict = rechecks.answer(what.collection, what.ids[i], seen, clock::now());
    SLUICE_CO_TRYV(co_await note(ends, what.collection, what.ids[i], verdict));
  }
  co_return ok();
}

task<result<>> verifier::inner::note(both_ends& ends, std::uint32_t collection, const bson::document& id,
                                     recheck_list::verdict verdict) {
  using enum recheck_list::verdict;
  if (verdict != different && verdict != still_different && verdict != repaired) co_return ok();
  const auto* info = roll_.info(collection);
  if (info == nullptr) co_return ok();
  const std::string id_json = bson::value_to_json(id.view().find("_id"));
  const std::pair key(collection, id_json);
  // What could not be described when it was found is described later.
  if (verdict == still_different && differences.contains(key)) co_return ok();
  if (verdict == repaired) {
    differences.erase(key);
    log(log_level::info, "verify", "A document is the same again", {{"ns", info->ns.to_string()}, {"id", id_json}});
    co_return ok();
  }
  difference told{info->ns.to_string(), id_json, "differs"};
  if (logged < differences_kept) {
    ++logged;
    const auto source_ns = info->data_ns();
    const auto destination_ns = info->destination_data_ns();
    SLUICE_CO_TRY(const auto from, co_await ends.source.open(scope, work.patience));
    SLUICE_CO_TRY(const auto to, co_await ends.destination.open(scope, work.patience));
    bson::document asked(id.view());
    bson::document chosen(work.scope.documents.query().view());
    auto words = co_await describe(from.node, source_ns, to.node, destination_ns, std::move(asked), std::move(chosen));
    if (words) told.what = std::move(words.value());
    log(log_level::error, "verify", "A document is not the same on both sides",
        {{"ns", told.ns}, {"id", told.id_json}, {"what", told.what}});
  }
  if (differences.size() < differences_kept) differences.insert_or_assign(key, std::move(told));
  co_return ok();
}

}  // namespace sluice::verify
