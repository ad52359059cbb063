// The destination's half of following: a lane of its own on which the applier works.
#pragma once

#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "engine/apply/applier.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/lane.hpp"
#include "engine/runtime/result.hpp"
#include "engine/session/capture_side.hpp"

namespace sluice::session {

/// Made, called and destroyed on the control lane; close() comes before its end.
class apply_side {
 public:
  struct job {
    cluster::deployment source;
    cluster::deployment destination;
    apply::collection_map map;
    apply::applier_options options;
    apply::make_durable checkpoint;  // called on the control lane
  };

  apply_side(boost::asio::any_io_executor control, job work, capture_side& from, apply::apply_counters& counters,
             apply::apply_position& position);
  ~apply_side();
  apply_side(const apply_side&) = delete;
  apply_side& operator=(const apply_side&) = delete;

  /// applier::run(), until `until` is cancelled. Again after `reached`.
  [[nodiscard]] task<result<apply::apply_end>> run(runtime::cancel_scope& until);
  /// See applier::stop_at; for the run() that is under way, or the next one.
  [[nodiscard]] task<void> stop_at(bson::timestamp goal);
  [[nodiscard]] task<void> close();

 private:
  boost::asio::any_io_executor control_;
  runtime::cancel_scope scope_;  // of the lane
  runtime::lane lane_{"sluice-apply"};
  job job_;
  capture_side& from_;
  apply::apply_counters& counters_;
  apply::apply_position& position_;
  std::unique_ptr<apply::applier> applier_;  // made and destroyed on the lane
};

}  // namespace sluice::session
