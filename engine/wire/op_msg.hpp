// OP_MSG as a machine: what to read next, where to, and what a complete message says. Never touches a socket.
//
// One reply of 16 MiB costs two reads (header, rest) and no copy; its documents are not looked at.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "bson/document_view.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/compression.hpp"
#include "engine/wire/connection_string.hpp"
#include "engine/wire/reply_body.hpp"

namespace sluice::wire {

inline constexpr std::size_t message_header_bytes = 16;
/// What stands between the header and the compressed bytes: original opcode, uncompressed size, compressor.
inline constexpr std::size_t compressed_header_bytes = 9;

enum class opcode : std::int32_t { compressed = 2012, message = 2013 };

struct message_header {
  std::uint32_t length = 0;  // of the whole message, header included; within what servers may send
  std::int32_t request_id = 0;
  std::int32_t response_to = 0;
  opcode operation = opcode::message;
};
/// Errors (protocol): a length that no server sends, another opcode.
[[nodiscard]] result<message_header> parse_message_header(std::span<const std::byte, message_header_bytes> bytes);

/// What a complete OP_MSG says. Views into the bytes it was parsed from.
struct message {
  bson::document_view body;
  bool more_to_come = false;
  bool exhaust_allowed = false;
};
/// `after_header`: flag bits, sections, checksum where announced (taken off, not verified: TCP and TLS have their own).
/// Exactly one body; document sequences, which servers may send beside it, are checked and left out.
/// The body is validated as check_reply_body() (reply_body.hpp) does. Errors: protocol.
[[nodiscard]] result<message> parse_message(bson::bytes_view after_header, batch_check batches);

/// Reads one reply, step by step:
///
///   reader.start(request_id);
///   while (reader.next() != reply_reader::step::done)
///     if (reader.next() == step::memory) reader.give(memory of at least reader.memory_bytes());
///     else check(reader.received(read up to reader.into().size() bytes to reader.into()));
///   auto reply = reader.take(batch_check::documents);
///
/// After an error the connection is worthless: what follows in the stream cannot be told.
class reply_reader {
 public:
  enum class step : std::uint8_t { read, memory, done };

  /// Expects the reply to the message `response_to`.
  void start(std::int32_t response_to) noexcept;
  [[nodiscard]] step next() const noexcept;
  /// Where the next bytes go, never empty at step::read.
  [[nodiscard]] std::span<std::byte> into() noexcept;
  [[nodiscard]] result<> received(std::size_t bytes);
  /// For the message after its header; compressed ones need room for both forms, asked for at once (asking twice could
  /// leave two readers waiting for each other).
  [[nodiscard]] std::size_t memory_bytes() const noexcept;
  void give(std::span<std::byte> memory) noexcept;
  /// Unpacks and parses. The views point into the given memory.
  [[nodiscard]] result<message> take(batch_check batches);

  [[nodiscard]] const message_header& header() const noexcept { return header_; }
  /// The id that the next message of an exhaust stream answers to: servers continue with their reply's own id.
  [[nodiscard]] std::int32_t next_response_to() const noexcept { return header_.request_id; }

 private:
  enum class part : std::uint8_t { header, compressed_header, memory, body, done };
  [[nodiscard]] result<> part_complete();

  part part_ = part::done;
  std::int32_t response_to_ = 0;
  std::size_t filled_ = 0;  // bytes of the current part
  std::array<std::byte, message_header_bytes> small_{};
  message_header header_;
  compressor packed_with_ = compressor::none;
  bool packed_ = false;
  std::size_t unpacked_bytes_ = 0;
  std::size_t body_bytes_ = 0;  // as they come over the wire
  std::span<std::byte> memory_;
};

/// One command as bytes to send: up to three parts, gathered by the socket. Keeps its memory between commands.
class request {
 public:
  /// `command` without `$db`, which is appended. Errors (protocol): larger than a message may be.
  [[nodiscard]] result<> encode(std::int32_t id, std::string_view database, bson::document_view command,
                                bool exhaust_allowed);
  /// `array` (a BSON array's bytes, sent as they are, alive until the parts are written) becomes the last field.
  [[nodiscard]] result<> encode_with_array(std::int32_t id, std::string_view database, bson::document_view head,
                                           std::string_view array_name, bson::bytes_view array);
  /// Turns what was encoded into OP_COMPRESSED; `array` is no longer needed then.
  [[nodiscard]] result<> compress(compression& with, compressor how, int zlib_level);

  [[nodiscard]] std::span<const bson::bytes_view> parts() const noexcept { return {parts_.data(), part_count_}; }
  [[nodiscard]] std::size_t size_bytes() const noexcept;

 private:
  void begin(std::int32_t id, std::string_view database, bson::document_view command, std::uint32_t flags);
  [[nodiscard]] result<> finish_lengths(std::size_t bytes_elsewhere, std::string_view command_name);

  std::vector<std::byte> head_;
  std::vector<std::byte> packed_;
  std::array<bson::bytes_view, 3> parts_{};
  std::size_t part_count_ = 0;
};

}  // namespace sluice::wire
