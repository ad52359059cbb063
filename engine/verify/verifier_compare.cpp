// Which collections there are, and each of them read from both sides.
#include <algorithm>
#include <optional>
#include <utility>

#include "engine/capture/start_time.hpp"
#include "engine/cluster/catalog.hpp"
#include "engine/plan/partitioner.hpp"
#include "engine/verify/verifier_inner.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::verify {

namespace {

/// A burst of catalog changes is one reading of the catalog.
constexpr auto list_interval = std::chrono::seconds(1);
/// With nothing to compare for so long, perhaps for months, connections and memory are given back.
constexpr auto rest_after = std::chrono::seconds(10);

}  // namespace

// --- listing ---

task<result<>> verifier::inner::keep_listing() {
  both_ends ends(lane, work);
  wire::backoff waits;
  for (;;) {
    if (list_wanted && may_look()) {
      listing = true;
      list_wanted = false;
      auto outcome = co_await list(ends);
      listing = false;
      if (outcome.has_error()) {
        list_wanted = true;
        const bool again = co_await recover(outcome.error(), ends, waits, "the catalog");
        if (!again) co_return ok();
        continue;
      }
      waits.reset();
      publish();
      const auto rested = clock::now() + list_interval;
      bool go_on = true;
      while (go_on && !settling && clock::now() < rested) go_on = co_await pause();
      if (!go_on) co_return ok();
      continue;
    }
    const bool go_on = co_await pause();
    if (!go_on || !fault.empty()) co_return ok();
  }
}

/// The destination has another catalog as long as it is behind: what is read of the source counts when that was
/// reached.
task<result<>> verifier::inner::list(both_ends& ends) {
  SLUICE_CO_TRY(const auto from, co_await ends.source.open(scope, work.patience));
  std::vector<wire::connection*> nodes{&from.node};
  SLUICE_CO_TRY(auto catalog, co_await cluster::list_catalog(std::move(nodes), work.scope.filter));
  SLUICE_CO_TRYV(cluster::narrow(catalog, work.scope));
  // One command a collection: asked of those that are new, or a catalog of thousands would be read at each change.
  for (auto& info : catalog.collections) {
    if (info.kind == cluster::collection_kind::view || roll_.knows(info)) continue;
    SLUICE_CO_TRYV(co_await cluster::read_sizes(from.node, info));
  }
  SLUICE_CO_TRY(const auto read_at, co_await capture::read_majority_time(from.node));
  while (applied() < read_at) {
    const bool go_on = co_await pause();
    if (!go_on) co_return failure(error_kind::cancelled, "cancelled while verifying");
  }
  if (work.source.kind == cluster::deployment_kind::sharded) {
    // No change stream tells of it; the commit brings it as it is then.
    std::erase_if(catalog.collections, [](const auto& info) { return info.ns.collection == "system.js"; });
  }
  for (const auto gone : roll_.update(std::move(catalog))) forget(gone);
  co_return ok();
}

// --- comparing ---

task<result<>> verifier::inner::keep_comparing() {
  both_ends ends(lane, work);
  auto busy_at = clock::now();
  wire::backoff waits;
  for (;;) {
    bool did_something = false;
    if (may_look() && !rechecks.crowded()) {
      auto outcome = co_await compare_next(ends, did_something);
      if (outcome.has_error()) {
        const bool again = co_await recover(outcome.error(), ends, waits, "comparing");
        if (!again) co_return ok();
        continue;
      }
      waits.reset();
    }
    if (did_something) {
      busy_at = clock::now();
      continue;
    }
    if (clock::now() - busy_at > rest_after) ends.rest();
    const bool go_on = co_await pause();
    if (!go_on || !fault.empty()) co_return ok();
  }
}

task<result<>> verifier::inner::cut(both_ends& ends, std::uint32_t collection) {
  cluster::collection_info info = *roll_.info(collection);
  roll_.begin(collection);
  forget(collection);
  auto opened = co_await ends.source.open(scope, work.patience);
  if (opened.has_error()) {
    roll_.again(collection);
    co_return opened.error();
  }
  auto sized = co_await cluster::read_sizes(opened.value().node, info);
  if (sized.has_error()) {
    roll_.again(collection);
    co_return sized.error();
  }
  roll_.set_sizes(collection, info);
  plan::partitioning how;
  how.partition_bytes = plan::partition_bytes_for(roll_.bytes(), work.readers);
  how.batch_bytes = work.batch_bytes;
  how.filter = work.scope.documents.query();
  const bool plain = info.kind == cluster::collection_kind::plain;
  if (!plain) how.partition_bytes = static_cast<std::size_t>(std::max<std::int64_t>(info.data_bytes, 1));
  auto parts = co_await plan::cut(opened.value().node, info, how, ends.source.of().can);
  if (parts.has_error()) {
    roll_.again(collection);
    co_return parts.error();
  }
  roll_.give_parts(collection, std::move(parts.value()));
  co_return ok();
}

task<result<>> verifier::inner::compare_next(both_ends& ends, bool& did_something) {
  auto next = roll_.next_part();
  if (!next) {
    const auto waiting = roll_.waiting();
    if (!waiting) co_return ok();
    did_something = true;
    co_return co_await cut(ends, *waiting);
  }
  did_something = true;
  const part one = *std::move(next);
  on_read read = [this](side of, std::size_t documents) {
    (of == side::source ? source_documents : destination_documents) += static_cast<std::int64_t>(documents);
  };
  on_doubt doubts = [this, collection = one.collection](std::vector<bson::document> ids) {
    return take_doubts(collection, std::move(ids));
  };
  auto compare = [&]() -> task<result<>> {
    SLUICE_CO_TRY(const reading_end from, co_await ends.source.open(scope, work.patience));
    SLUICE_CO_TRY(const reading_end to, co_await ends.destination.open(scope, work.patience));
    co_return co_await compare_part(from, to, one.what, std::move(read), std::move(doubts));
  };
  const result<> outcome = co_await compare();
  if (outcome) {
    roll_.done(one);
  } else if (outcome.error().server_code == wire::namespace_not_found) {
    list_wanted = true;  // it was dropped, or has another name
    roll_.again(one.collection);
    const bool waited = co_await runtime::sleep_for(look_interval, scope);
    (void)waited;
    co_return ok();
  } else {
    roll_.put_back(one);
  }
  co_return outcome;
}

task<bool> verifier::inner::take_doubts(std::uint32_t collection, std::vector<bson::document> ids) {
  for (const auto& id : ids) {
    while (!rechecks.add(collection, id, clock::now())) {
      const bool go_on = co_await pause();
      if (!go_on || !fault.empty()) co_return false;
    }
  }
  co_return true;
}

}  // namespace sluice::verify
