// The names that the states and phases go by in the HTTP API, in logs and in operators' scripts. They never change.
#include "engine/session/progress.hpp"

#include <algorithm>
#include <array>

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
    case state::reversing:
      return "REVERSING";
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
    case phase::awaiting_application:
      return "waiting to start change event application";
    case phase::change_application:
      return "change event application";
    case phase::committing:
      return "waiting for commit to complete";
    case phase::commit_completed:
      return "commit completed";
  }
  return "unknown";
}

namespace {

constexpr std::array<std::string_view, 3> write_blocking_names{"none", "destinationOnly", "sourceAndDestination"};
constexpr std::array<std::string_view, 5> index_building_names{"afterDataCopy", "beforeDataCopy", "excludeHashed",
                                                               "excludeHashedAfterCopy", "never"};

template <class Enum, std::size_t Count>
std::optional<Enum> named(const std::array<std::string_view, Count>& names, std::string_view text) noexcept {
  const auto found = std::ranges::find(names, text);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

}  // namespace

std::string_view to_string(write_blocking mode) noexcept {
  return write_blocking_names[static_cast<std::size_t>(mode)];
}

std::string_view to_string(index_building when) noexcept {
  return index_building_names[static_cast<std::size_t>(when)];
}

std::optional<write_blocking> write_blocking_from(std::string_view text) noexcept {
  return named<write_blocking>(write_blocking_names, text);
}

std::optional<index_building> index_building_from(std::string_view text) noexcept {
  return named<index_building>(index_building_names, text);
}

}  // namespace sluice::session
