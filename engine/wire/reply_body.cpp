#include "engine/wire/reply_body.hpp"

#include <array>
#include <cstring>
#include <string>
#include <string_view>

#include "bson/bytes.hpp"
#include "bson/validate.hpp"

namespace sluice::wire {

namespace {

using bson::bytes_view;

/// Servers store and deliver strings that are no UTF-8: not ours to refuse.
constexpr bson::validate_options as_servers_send{.depth_max = 200, .check_utf8 = false};

/// A cursor reply without its documents is a few hundred bytes; what does not fit here is validated where it lies.
constexpr std::size_t envelope_bytes_max = 4096;

/// Where a cursor reply's array stands: after {cursor: {firstBatch: or nextBatch:. Every server from 4.4 to 8.0 puts
/// both fields first; a reply that looks different is validated in full instead.
std::optional<std::size_t> find_batch(bytes_view body) {
  constexpr std::string_view cursor_key{
      "\x03"
      "cursor\0",
      8};
  constexpr std::string_view first_key{
      "\x04"
      "firstBatch\0",
      12};
  constexpr std::string_view next_key{
      "\x04"
      "nextBatch\0",
      11};
  const std::string_view text = bson::text_of(body);
  if (text.size() < 4 + cursor_key.size() || text.substr(4, cursor_key.size()) != cursor_key) return {};
  const std::size_t in_cursor = 4 + cursor_key.size() + 4;
  if (text.size() < in_cursor) return {};
  const std::string_view rest = text.substr(in_cursor);
  if (rest.starts_with(first_key)) return in_cursor + first_key.size();
  if (rest.starts_with(next_key)) return in_cursor + next_key.size();
  return {};
}

error broken(std::string_view what) {
  return failure(error_kind::protocol, "reply with " + std::string(what));
}

error broken_at(const bson::invalid_bson& fault) {
  return broken("broken BSON: " + std::string(fault.reason) + " (at byte " + std::to_string(fault.offset) + ")");
}

result<> check_in_full(bytes_view body) {
  if (auto fault = bson::validate(body, as_servers_send)) return broken_at(*fault);
  return ok();
}

}  // namespace

result<> check_reply_body(bytes_view body, batch_check batches) {
  if (!bson::framed(body)) return broken("a body whose length and end do not fit");
  const auto batch_at = batches == batch_check::frame ? find_batch(body) : std::nullopt;
  if (!batch_at) return check_in_full(body);

  const std::size_t room = body.size() - *batch_at;
  if (room < 4) return broken("a cursor batch cut off at its length");
  const std::size_t batch_bytes = bson::load_length(body.data() + *batch_at);
  if (batch_bytes > room) return broken("a cursor batch that runs past its message");
  if (!bson::framed(body.subspan(*batch_at, batch_bytes)))
    return broken("a cursor batch whose length and end do not fit");

  // The envelope: the same bytes around an empty array, validated like any document.
  constexpr std::size_t empty_array_bytes = 5;
  const std::size_t tail_bytes = room - batch_bytes;
  const std::size_t envelope_bytes = *batch_at + empty_array_bytes + tail_bytes;
  if (envelope_bytes > envelope_bytes_max) return check_in_full(body);
  const std::size_t taken_out = batch_bytes - empty_array_bytes;
  constexpr std::size_t cursor_length_at = 4 + 8;
  // If it lies, so does what is left of it in the envelope, and validation says so.
  const std::size_t cursor_bytes = bson::load_length(body.data() + cursor_length_at);
  std::array<std::byte, envelope_bytes_max> envelope;
  std::memcpy(envelope.data(), body.data(), *batch_at);
  bson::store(envelope.data(), static_cast<std::uint32_t>(envelope_bytes));
  bson::store(envelope.data() + cursor_length_at, static_cast<std::uint32_t>(cursor_bytes - taken_out));
  bson::store(envelope.data() + *batch_at, static_cast<std::uint32_t>(empty_array_bytes));
  envelope[*batch_at + 4] = std::byte{0};
  std::memcpy(envelope.data() + *batch_at + empty_array_bytes, body.data() + *batch_at + batch_bytes, tail_bytes);
  if (auto fault = bson::validate({envelope.data(), envelope_bytes}, as_servers_send)) return broken_at(*fault);
  return ok();
}

}  // namespace sluice::wire
