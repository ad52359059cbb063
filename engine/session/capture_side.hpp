// The source's half of following: a lane of its own on which changes are captured into the spool. One object from one
// place in the oplog on; beginning elsewhere takes another one.
#pragma once

#include <memory>
#include <optional>

#include <boost/asio/any_io_executor.hpp>

#include "engine/capture/capture.hpp"
#include "engine/capture/spool.hpp"
#include "engine/runtime/buffer_pool.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/lane.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::session {

/// Made, called and destroyed on the control lane; close() or remove() comes before its end.
class capture_side {
 public:
  explicit capture_side(capture::capture_counters& counters);
  ~capture_side();
  capture_side(const capture_side&) = delete;
  capture_side& operator=(const capture_side&) = delete;

  /// Everything after `from` is wanted. Errors: those of spool::open and spool::seek.
  [[nodiscard]] task<result<>> open(capture::spool_options options, bson::timestamp from);
  /// Until `until` is cancelled or an error that no retry helps. `job.from` and `job.exact` come from what the spool
  /// holds already.
  [[nodiscard]] task<result<>> follow(capture::capture_job job, runtime::cancel_scope& until);
  /// See spool::keep_on_disk.
  [[nodiscard]] task<void> keep_on_disk(bool always);
  /// Nobody uses the spool any more; what is in it stays for the next process.
  [[nodiscard]] task<void> close();
  /// Nobody uses the spool any more, and nobody will.
  [[nodiscard]] task<result<>> remove();

  [[nodiscard]] boost::asio::any_io_executor executor() { return lane_.executor(); }
  [[nodiscard]] capture::spool& spool() { return *spool_; }
  /// Nothing is open: zeroes.
  [[nodiscard]] capture::spool::usage usage() const;

 private:
  [[nodiscard]] task<result<>> end(bool for_good);

  runtime::cancel_scope scope_;  // of the lane
  runtime::lane lane_{"sluice-capture"};
  runtime::buffer_pool pool_;
  capture::capture_counters& counters_;
  bson::timestamp from_;
  std::unique_ptr<capture::spool> spool_;
};

}  // namespace sluice::session
