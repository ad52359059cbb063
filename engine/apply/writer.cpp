// Spreads the pieces of a window over the connections, run after run.
#include "engine/apply/writer.hpp"

#include <cassert>
#include <deque>
#include <random>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/apply/piece_writer.hpp"
#include "engine/runtime/task_group.hpp"

namespace sluice::apply {

namespace {

/// Whose commands these are, in the servers' currentOp: no two writers share it.
std::string random_name() {
  std::random_device source;
  return "sluice apply " + std::to_string(source()) + "-" + std::to_string(source());
}

/// The window being written: which pieces may be sent now, and what becomes ready when they are acknowledged.
class window_progress {
 public:
  struct ready_piece {
    write_piece piece;
    std::size_t collection = 0;
  };

  window_progress(boost::asio::any_io_executor lane, const write_plan& plan, std::size_t connections)
      : connections_(connections), changed_(lane) {
    changed_.expires_at(std::chrono::steady_clock::time_point::max());
    for (const auto& runs : plan.collections) {
      collections_.push_back({.runs = runs, .next_run = 0, .waiting = {}, .unacknowledged = 0});
      begin_run(collections_.size() - 1);
    }
  }

  /// How many connections can be of use at all.
  [[nodiscard]] std::size_t width() const {
    std::size_t most = 0;
    for (const collection& one : collections_) most += one.widest;
    return std::min(most, connections_);
  }

  /// Waits while everything left depends on pieces under way. Nothing: the window is written, or given up.
  [[nodiscard]] task<std::optional<ready_piece>> take() {
    while (ready_.empty() && open_ > 0 && !abandoned_) {
      boost::system::error_code woken;
      co_await changed_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
    }
    if (ready_.empty() || abandoned_) co_return std::nullopt;
    const ready_piece next = ready_.front();
    ready_.pop_front();
    co_return next;
  }

  void acknowledged(std::size_t at) {
    collection& of = collections_[at];
    assert(of.unacknowledged > 0);
    if (!of.waiting.empty()) {  // an ordered run: one after the other
      ready_.push_back({of.waiting.front(), at});
      of.waiting.pop_front();
    } else if (--of.unacknowledged == 0) {
      --open_;
      begin_run(at);
    }
    changed_.cancel();
  }

  void abandon() {
    abandoned_ = true;
    changed_.cancel();
  }

 private:
  struct collection {
    std::span<const write_run> runs;
    std::size_t next_run = 0;
    std::deque<write_piece> waiting;
    std::size_t unacknowledged = 0;  // pieces that are ready or under way
    std::size_t widest = 1;
  };

  void begin_run(std::size_t at) {
    collection& of = collections_[at];
    while (of.next_run < of.runs.size()) {
      const write_run& run = of.runs[of.next_run++];
      auto pieces = cut(run, connections_);
      if (pieces.empty()) continue;
      ++open_;
      if (run.ordered) {
        of.waiting.assign(pieces.begin() + 1, pieces.end());
        pieces.resize(1);
      }
      of.unacknowledged = pieces.size();
      of.widest = std::max(of.widest, pieces.size());
      for (const write_piece& piece : pieces) ready_.push_back({piece, at});
      return;
    }
  }

  std::size_t connections_;
  boost::asio::steady_timer changed_;
  std::deque<collection> collections_;
  std::deque<ready_piece> ready_;
  std::size_t open_ = 0;  // collections with a run under way
  bool abandoned_ = false;
};

}  // namespace

struct writer::inner {
  inner(boost::asio::any_io_executor on, cluster::deployment to, writer_options given, apply_counters& count,
        runtime::cancel_scope& outer)
      : lane(std::move(on)), counters(count), link(outer.on_cancel([this] { scope.cancel(); })) {
    const std::string name = random_name();
    for (std::uint32_t i = 0; i < std::max(given.connections, 1U); ++i) {
      connections.emplace_back(to, name + "-" + std::to_string(i), given.patience, given.may_write, times, counters,
                               scope);
    }
  }

  [[nodiscard]] task<result<>> work(write_connection& over, window_progress& progress, written_window& outcome,
                                    bool check);

  boost::asio::any_io_executor lane;
  apply_counters& counters;
  /// Own: the failure of one connection ends the waits of the others, and nothing else.
  runtime::cancel_scope scope;
  runtime::cancel_scope::hook link;
  causal_time times;
  std::deque<write_connection> connections;
  bool writing = false;
};

task<result<>> writer::inner::work(write_connection& over, window_progress& progress, written_window& outcome,
                                   bool check) {
  piece_writer pieces(over, counters, outcome, check);
  for (;;) {
    auto next = co_await progress.take();
    if (!next) co_return ok();
    auto written = co_await pieces.write(next->piece);
    if (written.has_error()) {
      progress.abandon();
      co_return written;
    }
    progress.acknowledged(next->collection);
  }
}

writer::writer(boost::asio::any_io_executor lane, cluster::deployment destination, writer_options options,
               apply_counters& counters, runtime::cancel_scope& scope)
    : inner_(std::make_unique<inner>(std::move(lane), std::move(destination), options, counters, scope)) {}

writer::~writer() = default;

task<result<written_window>> writer::write(write_plan plan, bool check) {
  inner& in = *inner_;
  assert(!in.writing && "one window at a time");
  in.writing = true;
  const auto begin = std::chrono::steady_clock::now();
  written_window outcome;
  window_progress progress(in.lane, plan, in.connections.size());
  result<> ended = ok();
  const std::size_t width = progress.width();
  if (width <= 1) {
    ended = co_await in.work(in.connections.front(), progress, outcome, check);
  } else {
    runtime::task_group group(in.lane, in.scope);
    for (std::size_t i = 0; i < width; ++i) group.spawn(in.work(in.connections[i], progress, outcome, check));
    ended = co_await group.join();
  }
  in.writing = false;
  if (ended.has_error()) co_return ended.error();
  ++in.counters.windows;
  in.counters.window_latency.add_since(begin);
  in.counters.window_changes.add(static_cast<std::int64_t>(plan.changes));
  in.counters.changes += static_cast<std::int64_t>(plan.changes);
  for (const auto& one : outcome.violations) in.counters.violations += static_cast<std::int64_t>(one.documents);
  co_return outcome;
}

}  // namespace sluice::apply
