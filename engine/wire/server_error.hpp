// Server replies that say "no", as errors: code, name, words; and which of them are worth another try.
#pragma once

#include <optional>
#include <string_view>

#include "bson/document_view.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::wire {

/// The codes that the engine decides by (the server's error_codes.yml; stable across versions).
enum server_code : std::int32_t {
  unauthorized = 13,
  authentication_failed = 18,
  namespace_not_found = 26,
  cursor_not_found = 43,
  namespace_exists = 48,
  command_not_found = 59,
  write_concern_failed = 64,
  index_options_conflict = 85,
  index_key_specs_conflict = 86,
  cannot_implicitly_create_collection = 227,
  document_validation_failure = 121,
  capped_position_lost = 136,
  query_plan_killed = 175,
  key_not_found = 211,  // since 4.4: "the recordId from which we are attempting to resume no longer exists"
  bson_object_too_large = 10334,
  duplicate_key = 11000,
  user_writes_blocked = 371,
  out_of_disk_space = 14031,
  // retryable by the drivers' specifications (retryable reads and writes):
  host_unreachable = 6,
  host_not_found = 7,
  network_timeout = 89,
  shutdown_in_progress = 91,
  primary_stepped_down = 189,
  exceeded_time_limit = 262,
  socket_exception = 9001,
  not_writable_primary = 10107,
  interrupted_at_shutdown = 11600,
  interrupted_due_to_repl_state_change = 11602,
  not_primary_no_secondary_ok = 13435,
  not_primary_or_secondary = 13436,
  read_concern_majority_not_available_yet = 134,
  // of a mongos:
  stale_config = 13388,
  failed_to_satisfy_read_preference = 133,  // no shard's primary was found in time
  network_interface_exceeded_time_limit = 202,
  stale_database_version = 249,
};

/// Nothing if the reply says ok, else the error; `command` and `host` go into the message.
[[nodiscard]] std::optional<error> error_of_reply(bson::document_view reply, std::string_view command,
                                                  std::string_view host);
/// The reply's writeConcernError as an error, if there is one.
[[nodiscard]] std::optional<error> write_concern_error_of_reply(bson::document_view reply, std::string_view host);

/// Another node, or the same one a little later, may well answer: network errors, timeouts, elections, shutdowns.
[[nodiscard]] bool is_retryable(const error& e) noexcept;
/// The one that says "I am not the primary": topology must be asked again.
[[nodiscard]] bool is_not_primary(const error& e) noexcept;

}  // namespace sluice::wire
