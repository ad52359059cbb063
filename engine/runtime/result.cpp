#include "engine/runtime/result.hpp"

namespace sluice {

std::string_view to_string(error_kind kind) noexcept {
  switch (kind) {
    case error_kind::cancelled:
      return "cancelled";
    case error_kind::network:
      return "network";
    case error_kind::timeout:
      return "timeout";
    case error_kind::authentication:
      return "authentication";
    case error_kind::server:
      return "server";
    case error_kind::protocol:
      return "protocol";
    case error_kind::configuration:
      return "configuration";
    case error_kind::refused:
      return "refused";
    case error_kind::storage:
      return "storage";
  }
  return "unknown";
}

}  // namespace sluice
