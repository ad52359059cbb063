// The verifier beside the run: a lane of its own, told by the applier what it changes.
#pragma once

#include <atomic>
#include <cstdint>

#include <boost/asio/any_io_executor.hpp>

#include "engine/apply/witness.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/lane.hpp"
#include "engine/runtime/result.hpp"
#include "engine/runtime/task_group.hpp"
#include "engine/verify/verifier.hpp"

namespace sluice::session {

/// Made, called and destroyed on the control lane; close() comes before its end. The applier's calls come on the
/// applier's lane, and the applier ends before this does.
class verify_side final : public apply::witness {
 public:
  verify_side(const boost::asio::any_io_executor& control, verify::verifier::job work);
  ~verify_side() override;

  /// See verifier::settle and verifier::go_on.
  [[nodiscard]] task<result<>> settle();
  [[nodiscard]] task<void> go_on();
  [[nodiscard]] task<void> close();
  [[nodiscard]] verify::verify_figures told() const { return verifier_.told(); }

  void sees_writes(const apply::write_plan& plan) override;
  void sees_document(const apply::target& of, bson::element_view id) override;
  void sees_catalog_change() override;

 private:
  void tell(const apply::target& of, bson::document ids);
  [[nodiscard]] task<result<>> run();

  runtime::cancel_scope scope_;  // of the lane
  runtime::lane lane_{"sluice-verify"};
  verify::verifier verifier_;
  /// What is on its way to the lane; more than that is not sent: the collection is compared anew instead.
  std::atomic<std::size_t> on_the_way_bytes_{0};
  runtime::cancel_scope control_scope_;
  runtime::task_group running_;
};

}  // namespace sluice::session
