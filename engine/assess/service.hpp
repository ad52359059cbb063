// An assessment as the HTTP API sees it: something that can be begun, and looked at. Knows no Asio.
#pragma once

#include <optional>

#include "engine/assess/findings.hpp"
#include "engine/runtime/result.hpp"
#include "engine/session/progress.hpp"

namespace sluice::assess {

struct service_state {
  bool under_way = false;
  std::optional<result<report>> last;  // of the last one that has ended
};

/// One at a time. Every member may be called from any thread and does not block.
class service {
 public:
  virtual ~service() = default;
  /// Of the migration that `wanted` would start; nothing: as the program was told. Errors: refused: one is under way;
  /// configuration: what is wrong with `wanted`.
  [[nodiscard]] virtual result<> begin(const std::optional<session::start_request>& wanted) = 0;
  [[nodiscard]] virtual service_state look() const = 0;
};

}  // namespace sluice::assess
