#include "engine/wire/server_error.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "bson/extended_json.hpp"

namespace sluice::wire {

namespace {

/// Codes that servers of old still use for "not primary", and those of a server that is going away.
constexpr std::int32_t legacy_not_primary = 10058;
constexpr std::array<std::int32_t, 7> not_primary_codes{
    not_writable_primary, not_primary_no_secondary_ok,          not_primary_or_secondary,
    primary_stepped_down, interrupted_due_to_repl_state_change, interrupted_at_shutdown,
    shutdown_in_progress};
/// The last ones are a mongos', while a shard elects or has just changed.
constexpr std::array<std::int32_t, 10> transient_codes{host_unreachable,
                                                       host_not_found,
                                                       network_timeout,
                                                       exceeded_time_limit,
                                                       socket_exception,
                                                       read_concern_majority_not_available_yet,
                                                       failed_to_satisfy_read_preference,
                                                       network_interface_exceeded_time_limit,
                                                       stale_config,
                                                       stale_database_version};

template <class Codes>
bool holds(const Codes& codes, std::int32_t code) noexcept {
  return std::ranges::find(codes, code) != codes.end();
}

/// The fields that every error document has, a whole reply's or a writeConcernError's.
error from_fields(bson::document_view fields, std::string_view subject) {
  error e{.kind = error_kind::server, .message = std::string(subject) + ": "};
  e.server_code = static_cast<std::int32_t>(fields.find("code") ? fields.find("code").to_int64().value_or(0) : 0);
  if (auto name = fields.find("codeName")) e.server_code_name = name.as_string().value_or("");
  std::string_view words;
  if (auto text = fields.find("errmsg")) words = text.as_string().value_or("");
  e.message += words.empty() ? "the server gave no reason" : std::string(words);
  if (!e.server_code_name.empty())
    e.message += " (" + e.server_code_name + ", code " + std::to_string(e.server_code) + ")";
  else if (e.server_code != 0)
    e.message += " (code " + std::to_string(e.server_code) + ")";
  return e;
}

/// The `_id`s that a refusal to make an index unique lists beside its words: up to 8 MB of them, of which a few are
/// enough to begin a repair with.
std::string listed_violations(bson::document_view reply) {
  constexpr std::size_t characters_max = 2000;
  const auto field = reply.find("violations");
  const auto groups = field ? field.as_array() : std::nullopt;
  if (!groups || groups->empty()) return {};
  std::string text = "; documents with the same key:";
  for (const auto each : *groups) {
    if (text.size() > characters_max) return text + " and more";
    const auto group = each.as_document();
    const auto ids = group ? group->find("ids") : bson::element_view{};
    const auto all = ids ? ids.as_array() : std::nullopt;
    if (!all) continue;
    std::string_view before = " [";
    for (const auto id : *all) {
      if (text.size() > characters_max) return text + ", ...] and more";
      text += before;
      text += bson::value_to_json(id);
      before = ", ";
    }
    text += "]";
  }
  return text;
}

}  // namespace

std::optional<error> error_of_reply(bson::document_view reply, std::string_view command, std::string_view host) {
  const auto said = reply.find("ok");
  if (said && said.to_bool().value_or(false)) return {};
  auto e = from_fields(reply, std::string(host) + ": command \"" + std::string(command) + "\" failed");
  e.message += listed_violations(reply);
  if (e.server_code == unauthorized) e.message += "; grant this user the privilege, or give a URI with credentials";
  return e;
}

std::optional<error> write_concern_error_of_reply(bson::document_view reply, std::string_view host) {
  const auto at = reply.find("writeConcernError");
  const auto fields = at ? at.as_document() : std::nullopt;
  if (!fields) return {};
  return from_fields(*fields, std::string(host) + ": the write is not acknowledged by a majority");
}

bool is_not_primary(const error& e) noexcept {
  return e.kind == error_kind::server &&
         (e.server_code == legacy_not_primary || holds(not_primary_codes, e.server_code));
}

bool is_retryable(const error& e) noexcept {
  switch (e.kind) {
    case error_kind::network:
    case error_kind::timeout:
      return true;
    case error_kind::server:
      return is_not_primary(e) || holds(transient_codes, e.server_code);
    default:
      return false;
  }
}

}  // namespace sluice::wire
