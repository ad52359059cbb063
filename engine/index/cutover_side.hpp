// One side of the cutover: commands on its primary, again after elections and lost connections. Every command that is
// sent through here must bear being run twice.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/cluster/catalog.hpp"
#include "engine/cluster/deployment.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/state/write_permission.hpp"

namespace sluice::index {

class cutover_side {
 public:
  cutover_side(cluster::deployment of, std::chrono::milliseconds patience, runtime::cancel_scope& scope,
               state::write_permission may_write = {})
      : of_(std::move(of)), patience_(patience), scope_(scope), may_write_(std::move(may_write)) {}

  using on_connection = std::function<task<result<>>(wire::connection&)>;
  [[nodiscard]] task<result<>> at(on_connection attempt);
  /// With majority; write errors inside a reply that says ok are errors.
  [[nodiscard]] task<result<>> change(std::string database, bson::document command);
  [[nodiscard]] task<result<cluster::catalog>> read(cluster::namespace_filter filter, bool with_shard_keys);
  /// The first batch of a find, by majority.
  [[nodiscard]] task<result<std::vector<bson::document>>> find(std::string database, bson::document command);

  [[nodiscard]] const cluster::deployment& of() const noexcept { return of_; }

 private:
  cluster::deployment of_;
  std::chrono::milliseconds patience_;
  runtime::cancel_scope& scope_;
  state::write_permission may_write_;
  std::unique_ptr<wire::connection> connection_;
};

}  // namespace sluice::index
