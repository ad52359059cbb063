// The names that the states and phases go by in the HTTP API, in logs and in operators' scripts. They never change.
#include "engine/session/progress.hpp"

namespace sluice::session {

std::string_view to_string(state s) noexcept {
  switch (s) {
    case state::initializing:
      return "INITIALIZING";
    case state::idle:
      return "IDLE";
    case state::running:
      return "RUNNING";
    case state::paused:
      return "PAUSED";
    case state::committing:
      return "COMMITTING";
    case state::committed:
      return "COMMITTED";
    case state::failed:
      return "FAILED";
  }
  return "UNKNOWN";
}

std::string_view to_string(phase p) noexcept {
  switch (p) {
    case phase::uninitialized:
      return "uninitialized";
    case phase::initializing_collections_and_indexes:
      return "initializing collections and indexes";
    case phase::initializing_partitions:
      return "initializing partitions";
    case phase::collection_copy:
      return "collection copy";
    case phase::index_build:
      return "index build";
    case phase::copy_completed:
      return "copy completed";
  }
  return "unknown";
}

}  // namespace sluice::session
