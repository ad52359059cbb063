// What the verifier's tasks share: the insides of verifier.hpp, for its own files only.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/runtime/buffer_pool.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/sleep.hpp"
#include "engine/runtime/task_group.hpp"
#include "engine/verify/both_sides.hpp"
#include "engine/verify/recheck_list.hpp"
#include "engine/verify/roll.hpp"
#include "engine/verify/verifier.hpp"
#include "engine/wire/retry.hpp"

namespace sluice::verify {

/// One side as a task sees it: a connection that is made again when it was lost, and memory of its own.
class end {
 public:
  end(boost::asio::any_io_executor lane, cluster::deployment of) : lane_(std::move(lane)), of_(std::move(of)) {}

  task<result<reading_end>> open(runtime::cancel_scope& scope, std::chrono::milliseconds patience) {
    if (!pool_) pool_ = std::make_unique<runtime::buffer_pool>(lane_, limits::lane_memory_min_bytes);
    if (!node_ || !node_->is_open()) {
      SLUICE_CO_TRY(node_, co_await cluster::connect_primary(of_, scope, patience));
    }
    co_return reading_end{*node_, *pool_, of_.can.exhaust_cursors};
  }
  void close() { node_.reset(); }
  /// There is nothing to do for a while: what is held goes back. No buffer of it is in use.
  void rest() {
    node_.reset();
    pool_.reset();
  }
  [[nodiscard]] const cluster::deployment& of() const { return of_; }

 private:
  boost::asio::any_io_executor lane_;
  cluster::deployment of_;
  std::unique_ptr<runtime::buffer_pool> pool_;
  std::unique_ptr<wire::connection> node_;
};

struct both_ends {
  both_ends(const boost::asio::any_io_executor& lane, const verifier::job& job)
      : source(lane, job.source), destination(lane, job.destination) {}
  void close() {
    source.close();
    destination.close();
  }
  void rest() {
    source.rest();
    destination.rest();
  }
  end source;
  end destination;
};

struct verifier::inner {
  using clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds look_interval{100};
  static constexpr std::chrono::milliseconds settling_interval{5};
  static constexpr std::size_t differences_kept = 1000;  // and logged with what is different

  inner(boost::asio::any_io_executor on, job what, runtime::cancel_scope& until)
      : lane(std::move(on)), work(std::move(what)), scope(until), tasks(lane, scope) {}

  [[nodiscard]] task<result<>> keep_listing();
  [[nodiscard]] task<result<>> list(both_ends& ends);
  [[nodiscard]] task<result<>> keep_comparing();
  [[nodiscard]] task<result<>> compare_next(both_ends& ends, bool& did_something);
  [[nodiscard]] task<result<>> cut(both_ends& ends, std::uint32_t collection);
  [[nodiscard]] task<bool> take_doubts(std::uint32_t collection, std::vector<bson::document> ids);
  [[nodiscard]] task<result<>> keep_looking_again();
  [[nodiscard]] task<result<>> look_again(both_ends& ends, const recheck_list::batch& what);
  [[nodiscard]] task<result<>> note(both_ends& ends, std::uint32_t collection, const bson::document& id,
                                    recheck_list::verdict verdict);
  [[nodiscard]] task<result<>> keep_telling();

  [[nodiscard]] bool may_look() const { return fault.empty() && (settling || work.may_look()); }
  /// While everything is settled nothing is behind.
  [[nodiscard]] bson::timestamp applied() const {
    return settling ? bson::timestamp{0xFFFFFFFF, 0xFFFFFFFF} : work.applied();
  }
  [[nodiscard]] bool done() const {
    return !list_wanted && !listing && !looking && roll_.compared() == roll_.collections() && rechecks.undecided() == 0;
  }
  /// After what went wrong in a task: false when it cannot go on.
  [[nodiscard]] task<bool> recover(const error& cause, both_ends& ends, wire::backoff& waits, std::string_view what);
  /// Until there may be something to do. False: cancelled.
  [[nodiscard]] task<bool> pause() const {
    return runtime::sleep_for(settling ? settling_interval : look_interval, scope);
  }
  void forget(std::uint32_t collection);
  void publish();

  boost::asio::any_io_executor lane;
  job work;
  runtime::cancel_scope& scope;
  runtime::task_group tasks;

  roll roll_;
  recheck_list rechecks;
  bool looking = false;  // again, at some: what is different is not described before the end of that
  bool list_wanted = true;
  bool listing = false;
  bool settling = false;
  std::string fault;
  std::int64_t source_documents = 0, destination_documents = 0, looked_again = 0;
  std::size_t logged = 0;
  std::map<std::pair<std::uint32_t, std::string>, difference> differences;  // by collection and `_id`

  mutable std::mutex mutex;
  verify_figures figures;
};

}  // namespace sluice::verify
