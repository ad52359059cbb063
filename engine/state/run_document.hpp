// The checkpoint's one document about the run itself: what it says, and whether it is the run that this process was
// asked for. Plain functions; never asks a server.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bson/document.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/bulk_write.hpp"

namespace sluice::state {

/// Raised when a stored document changes its meaning; another version's checkpoint is refused.
inline constexpr std::int32_t checkpoint_version = 1;

/// What may not change between restarts of one run; compared field by field, the difference is named.
struct run_parameters {
  std::string source_identity;
  std::string source_name;  // for messages only
  std::string destination_identity;
  std::string destination_name;  // for messages only
  std::vector<std::string> include{};
  std::vector<std::string> exclude{};
  std::vector<std::string> remaps{};  // from, to, from, to, ...
  bson::document document_filter{};   // {}: every document
  bson::document sharding{};          // which collections are sharded there; {}: not said
  bool beside_others = false;         // preExistingDestinationData
  std::string mode = "copy";          // or "sync"; a stored run that does not say is a copy
  std::string build_indexes{};        // as the request has it; empty: not said
  std::string capture{};              // by which way changes are captured; empty: none are
};

/// How far a run is: what a restart begins with. In this order; a copy goes from indexing to completed.
enum class run_phase : std::uint8_t {
  planning,    // nothing was written to the destination but the checkpoint
  copying,     // partitions are stored; collections may exist
  indexing,    // all partitions are done
  applying,    // changes since the beginning are applied; positions tell how far
  committing,  // the source's last change is known, the destination becomes what the source was
  committed,   // the destination is the application's
  completed,   // of a copy: nothing is left to do but to drop the checkpoint
};
[[nodiscard]] std::string_view to_string(run_phase phase) noexcept;

struct opened_run {
  bool fresh = true;
  run_phase phase = run_phase::planning;
  /// Positions stored by a flush up to this number were fenced. A later one (there is at most one: the process died
  /// right after writing it) is true only if the destination's term is still the one it was acknowledged in.
  std::int64_t confirmed_flush = 0;
  wire::write_term term;     // the destination's term now
  std::string wish = "run";  // what the operator asked for last: "run", "pause" or "commit"
  bson::document facts;      // what the session noted about the run (checkpoint::set_facts)
};

/// What a run begins with, without an owner: two processes that begin at once write the same document.
[[nodiscard]] bson::document new_run(const run_parameters& mine);

/// A stored run as far as the document tells (`fresh` and `term` are not in it). Errors (refused): another version's,
/// another run than `mine`, with the difference, or one that makes no sense.
[[nodiscard]] result<opened_run> read_run(bson::document_view stored, const run_parameters& mine);

/// A list of texts in the run's document.
[[nodiscard]] std::vector<std::string> read_strings(bson::document_view from, std::string_view key);

[[nodiscard]] bool is_wish(std::string_view word) noexcept;

}  // namespace sluice::state
