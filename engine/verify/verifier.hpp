// The verifier: reads every collection on both sides once while changes are being applied, and looks again at what was
// in doubt or has changed since, until nothing is left that differs. Repairs nothing: it says what is different.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "bson/document.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/cluster/migration_scope.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/verify/figures.hpp"
#include "engine/verify/roll.hpp"

namespace sluice::verify {

/// Lives on a lane of its own, is called there, told() from anywhere.
class verifier {
 public:
  struct job {
    cluster::deployment source;
    cluster::deployment destination;
    cluster::migration_scope scope;
    std::chrono::milliseconds patience{};  // how long a deployment may be out of reach
    std::uint32_t readers = 1;             // collections, or parts of one, compared at once
    std::size_t batch_bytes = 0;
    // Called on the verifier's lane.
    std::function<bool()> may_look;            // the destination is close behind the source
    std::function<bson::timestamp()> applied;  // up to here the destination has the source's changes
  };
  verifier(boost::asio::any_io_executor lane, job work, runtime::cancel_scope& scope);
  ~verifier();

  /// Until the scope is cancelled. What keeps it from going on is told by its figures, and is no error.
  [[nodiscard]] task<result<>> run();

  /// Documents that are about to be changed on the destination; `ids`: their `_id`s, one a field, whatever its name.
  /// Costs a look each, in a while; of a collection whose turn has not come yet nothing.
  void changed(const told_of& collection, bson::document_view ids);
  /// More has changed in this collection than anybody remembers.
  void compare_again(const told_of& collection);
  /// Collections have come, gone, or got other names.
  void catalog_changed();

  /// Everything is applied, and nothing will be for now: until all that is left is decided, or cannot be because the
  /// source goes on changing. What it came to is told by the figures: `undecided` are those that went on changing.
  [[nodiscard]] task<result<>> settle();
  /// Changes are applied again.
  void go_on();

  [[nodiscard]] verify_figures told() const;

 private:
  struct inner;
  std::unique_ptr<inner> inner_;
};

}  // namespace sluice::verify
