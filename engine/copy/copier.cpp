#include "engine/copy/copier.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/cluster/sharded_layout.hpp"
#include "engine/copy/collections.hpp"
#include "engine/copy/data_lane.hpp"
#include "engine/copy/partition_copy.hpp"
#include "engine/runtime/call_on.hpp"
#include "engine/runtime/failure_point.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/log.hpp"
#include "engine/runtime/task_group.hpp"
#include "engine/wire/retry.hpp"

namespace sluice::copy {

namespace {

using clock = std::chrono::steady_clock;

const cluster::collection_info* find_info(const cluster::catalog& catalog, const cluster::namespace_name& ns) {
  const auto found = std::ranges::find(catalog.collections, ns, &cluster::collection_info::ns);
  return found == catalog.collections.end() ? nullptr : &*found;
}

}  // namespace

/// Everything on the control lane that workers and the flush loop meet in.
class copier::shared {
 public:
  shared(boost::asio::any_io_executor control, copier_options options, job work, runtime::cancel_scope& scope)
      : control_(std::move(control)),
        options_(options),
        job_(std::move(work)),
        scope_(scope),
        ledger_(std::move(job_.partitions)),
        background_(control_, scope),
        changed_(control_, clock::time_point::max()),
        flush_now_(control_),
        flush_number_(job_.confirmed_flush),
        may_write_([this] { return job_.checkpoint.lease_is_fresh(); }) {}

  task<result<>> run() {
    for (std::uint32_t i = 0; i < options_.lanes; ++i) {
      lanes_.emplace_back(i, "sluice-lane-" + std::to_string(i), options_.memory_bytes / options_.lanes);
    }
    auto stop_lanes = scope_.on_cancel([this] {
      for (data_lane& lane : lanes_) lane.cancel();
      wake();
      flush_now_.cancel();
    });
    runtime::task_group group(control_, scope_);
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      measurements& measured = job_.measured.of_lane(i);
      group.spawn(lanes_[i].run(options_.workers_per_lane, job_.source, job_.destination, job_.refused_documents,
                                options_.patience, [this, &measured](worker& w) {
                                  w.measured = &measured;
                                  w.may_write = may_write_;
                                  return work(w);
                                }));
    }
    group.spawn(flush_until_done());
    auto outcome = co_await group.join();
    auto cleanup = co_await background_.join();
    stop_lanes.reset();
    co_return runtime::common_outcome(std::move(outcome), std::move(cleanup));
  }

 private:
  // --- on a data lane ---

  task<result<>> work(worker& w) {
    auto outcome = co_await work_until_done(w);
    // The others of this lane may be waiting on the control lane for something to do: only its scope wakes them.
    if (outcome.has_error()) boost::asio::post(control_, [this] { scope_.cancel(); });
    co_return outcome;
  }

  task<result<>> work_until_done(worker& w) {
    for (;;) {
      auto ask = [this] { return next_assignment(); };
      SLUICE_CO_TRY(auto next, co_await runtime::call_on(control_, ask));
      if (!next) co_return ok();
      const assignment mine = std::move(*next);
      collection_counters& counters = *job_.counters.at(mine.what->ns);
      on_advance advanced = [this, mine](position at, wire::write_term term) {
        boost::asio::post(control_, [this, mine, at = std::move(at), term]() mutable {
          ledger_.advanced(mine, std::move(at), term);
        });
      };
      const auto begin = clock::now();
      auto end = co_await copy_partition(w, mine, counters, std::move(advanced));
      if (end.has_error()) co_return end.error();
      const partition_end how = end.value();
      if (how == partition_end::written) {
        w.measured->partitions.add_since(begin);
        w.measured->partition_bytes.add(mine.what->bytes_estimate);
      }
      auto tell = [this, &mine, how] { return ended(mine, how); };
      SLUICE_CO_TRYV(co_await runtime::call_on(control_, tell));
    }
  }

  // --- on the control lane ---

  task<result<std::optional<assignment>>> next_assignment() {
    for (;;) {
      if (scope_.cancelled()) co_return failure(error_kind::cancelled, "the copy was cancelled");
      if (auto next = ledger_.take()) {
        ++active_[next->what->ns];
        co_return next;
      }
      if (finished()) co_return std::optional<assignment>();
      if (ledger_.has_unfenced()) {  // nothing left to hand out: what is written only waits for its fence
        flush_wanted_ = true;
        flush_now_.cancel();
      }
      boost::system::error_code woken;
      co_await changed_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
    }
  }

  task<result<>> ended(assignment mine, partition_end how) {
    const cluster::namespace_name ns = mine.what->ns;
    --active_[ns];
    switch (how) {
      case partition_end::written:
        break;
      case partition_end::torn:
        ledger_.returned(mine);
        break;
      case partition_end::gone:
        ledger_.gone(ns);
        job_.counters.at(ns)->gone = true;
        job_.counters.at(ns)->partitions_left = 0;
        // Each of its partitions meets this.
        if (leaving_.insert(ns).second) {
          log(log_level::warn, "copy",
              "A collection was dropped on the source while it was copied; it is dropped here too",
              {{"ns", ns.to_string()}});
        }
        break;
      case partition_end::overtaken:
      case partition_end::moved:
        log(log_level::warn, "copy",
            how == partition_end::moved ? "The node of a natural-order plan is gone or was resynced; planning anew"
                                        : "A capped collection was truncated past the copy; copying it anew",
            {{"ns", ns.to_string()}});
        ledger_.replace(ns, {});
        replanning_.insert(ns);
        break;
    }
    if (active_[ns] == 0 && leaving_.contains(ns)) background_.spawn(drop_gone(ns));
    if (active_[ns] == 0 && replanning_.contains(ns)) background_.spawn(plan_again(ns));
    wake();
    co_return ok();
  }

  /// Only when no worker is in the collection any more: an insert would create it again, without its options.
  task<result<>> drop_gone(cluster::namespace_name ns) {
    auto attempt = [this, &ns]() -> task<result<>> {
      SLUICE_CO_TRY(auto to, co_await cluster::connect_primary(job_.destination, scope_, options_.patience));
      const cluster::collection_info* info = find_info(job_.catalog, ns);
      cluster::namespace_name there = info == nullptr ? ns : info->destination_ns();
      SLUICE_CO_TRYV(co_await state::wait_until_permitted(may_write_, scope_));
      co_return co_await drop_collection(*to, std::move(there));
    };
    SLUICE_CO_TRYV(co_await wire::retry(attempt, options_.patience, scope_));
    leaving_.erase(ns);
    wake();
    co_return ok();
  }

  /// Each step of it may be done twice, so an election in between repeats the whole.
  task<result<>> plan_again(cluster::namespace_name ns) {
    auto attempt = [this, &ns] { return plan_again_once(ns); };
    co_return co_await wire::retry(attempt, options_.patience, scope_);
  }

  task<result<>> plan_again_once(cluster::namespace_name ns) {
    const cluster::collection_info* info = find_info(job_.catalog, ns);
    if (info == nullptr) co_return failure(error_kind::refused, ns.to_string() + ": unknown to the catalog");
    SLUICE_CO_TRY(auto from, co_await cluster::connect_primary(job_.source, scope_, options_.patience));
    plan::partitioning how = job_.partitioning;
    how.node = from->host();
    SLUICE_CO_TRY(how.data_identity, co_await cluster::read_data_identity(*from));
    SLUICE_CO_TRY(auto pieces, co_await plan::cut(*from, *info, how, job_.source.can));

    // Whatever was copied is dropped: inserting beside it would cost several times as much (duplicates).
    SLUICE_CO_TRY(auto to, co_await cluster::connect_primary(job_.destination, scope_, options_.patience));
    most_pieces_ = std::max({most_pieces_, ledger_.size(), pieces.size()});
    std::vector<std::string> old_ids;
    for (std::size_t i = 0; i < most_pieces_; ++i) {
      old_ids.push_back(ns.to_string() + "#" + std::to_string(i));
    }
    SLUICE_CO_TRYV(co_await checkpoint_idle());
    auto stored = co_await store_again(std::move(old_ids), pieces);
    checkpoint_busy_ = false;
    if (stored.has_error()) co_return stored.error();
    cluster::namespace_name there = info->destination_ns();
    SLUICE_CO_TRYV(co_await state::wait_until_permitted(may_write_, scope_));
    SLUICE_CO_TRYV(co_await drop_collection(*to, std::move(there)));
    SLUICE_CO_TRYV(co_await create_collection(*to, *info));
    SLUICE_CO_TRYV(co_await cluster::spread_chunks(*from, *to, *info));

    collection_counters& counters = *job_.counters.at(ns);
    counters.documents = counters.bytes = 0;
    counters.partitions_left = static_cast<std::int32_t>(pieces.size());
    std::vector<ledger::entry> entries;
    for (plan::partition& piece : pieces) entries.push_back({std::move(piece), {}});
    ledger_.replace(ns, std::move(entries));
    replanning_.erase(ns);
    wake();
    co_return ok();
  }

  task<result<>> store_again(std::vector<std::string> old_ids, const std::vector<plan::partition>& pieces) {
    std::vector<bson::document> documents;
    for (const plan::partition& piece : pieces) documents.push_back(plan::to_document(piece));
    SLUICE_CO_TRYV(co_await job_.checkpoint.remove("partitions", std::move(old_ids)));
    co_return co_await job_.checkpoint.add("partitions", std::move(documents));
  }

  /// The checkpoint takes one call at a time; the flush loop and plan_again take turns.
  task<result<>> checkpoint_idle() {
    while (checkpoint_busy_) {
      if (scope_.cancelled()) co_return failure(error_kind::cancelled, "the copy was cancelled");
      boost::system::error_code woken;
      co_await changed_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
    }
    checkpoint_busy_ = true;
    co_return ok();
  }

  task<result<>> flush_until_done() {
    while (!finished()) {
      if (!flush_wanted_) {
        flush_now_.expires_after(limits::checkpoint_interval);
        boost::system::error_code woken;
        co_await flush_now_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
      }
      flush_wanted_ = false;
      if (scope_.cancelled()) co_return failure(error_kind::cancelled, "the copy was cancelled");
      SLUICE_CO_TRYV(co_await checkpoint_idle());
      auto flushed = co_await flush();
      checkpoint_busy_ = false;
      wake();
      if (flushed.has_error()) co_return flushed.error();
    }
    wake();
    co_return ok();
  }

  task<result<>> flush() {
    const auto changes = ledger_.collect();
    // First what is missing, then the position that says the rest is there.
    if (auto unsaved = job_.refused_documents.take_unsaved(); !unsaved.empty()) {
      SLUICE_CO_TRYV(co_await job_.checkpoint.add("refused", std::move(unsaved)));
    }
    if (!changes.empty()) {
      ++flush_number_;
      std::vector<state::checkpoint::change> documents;
      for (const auto& one : changes) {
        bson::builder fields;
        fields.append_all(to_fields(one.at)).append("flush", flush_number_);
        fields.append("term", one.term.term).append("election", one.term.election);
        documents.push_back({one.id, fields.finish()});
      }
      runtime::failure_point("before_flush");
      SLUICE_CO_TRY(const auto fence, co_await job_.checkpoint.write("partitions", std::move(documents)));
      runtime::failure_point("after_flush");
      const std::size_t torn = ledger_.settle(changes, fence);
      bool finished_some = false;
      for (const auto& one : changes) {
        if (!one.at.done || !ledger_.is_done(one.index)) continue;
        --job_.counters.at(ledger_.at(one.index).ns)->partitions_left;
        finished_some = true;
      }
      if (finished_some) {
        log(log_level::info, "copy",
            "Completed writing " + std::to_string(ledger_.done()) + " / " + std::to_string(ledger_.size()) +
                " partitions to destination cluster");
      }
      if (torn > 0) {
        log(log_level::warn, "copy",
            "The destination elected a primary; partitions written since the last checkpoint are copied again",
            {{"partitions", torn}});
        co_return ok();  // not confirmed: the next flush overwrites what proved untrue, and confirms both
      }
    }
    co_return co_await job_.checkpoint.renew(flush_number_);
  }

  [[nodiscard]] bool finished() const { return ledger_.all_done() && leaving_.empty() && replanning_.empty(); }
  void wake() {
    changed_.cancel();
    changed_.expires_at(clock::time_point::max());
  }

  boost::asio::any_io_executor control_;
  copier_options options_;
  job job_;
  runtime::cancel_scope& scope_;
  ledger ledger_;
  std::size_t most_pieces_ = 0;  // that any plan of a collection had: as many may be stored
  runtime::task_group background_;
  boost::asio::steady_timer changed_;
  boost::asio::steady_timer flush_now_;
  std::int64_t flush_number_;
  state::write_permission may_write_;
  bool flush_wanted_ = false;
  bool checkpoint_busy_ = false;
  std::map<cluster::namespace_name, int> active_;
  std::set<cluster::namespace_name> leaving_;
  std::set<cluster::namespace_name> replanning_;
  std::deque<data_lane> lanes_;
};

copier::copier(boost::asio::any_io_executor control, copier_options options, job work, runtime::cancel_scope& scope)
    : shared_(std::make_unique<shared>(std::move(control), options, std::move(work), scope)) {}

copier::~copier() = default;

task<result<>> copier::run() {
  co_return co_await shared_->run();
}

}  // namespace sluice::copy
