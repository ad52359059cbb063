// OP_MSG (and the OP_QUERY in which drivers still send their first hello) as the loopback server needs it: requests in,
// replies out. Written apart from engine/wire, so that a mistake there is not repeated here. Knows no command.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bson/document.hpp"
#include "tests/loopback/socket.hpp"

namespace sluice::loopback {

inline constexpr std::size_t message_bytes_max = 48'000'000;
inline constexpr std::size_t batch_bytes_max = std::size_t{16} * 1024 * 1024;

enum message_flag : std::uint32_t {
  checksum_present = 1U << 0,
  more_to_come = 1U << 1,
  exhaust_allowed = 1U << 16,
};

/// The documents of a write command, whether they came as an array in the body or as a document sequence.
struct document_sequence {
  std::string_view name;   // "documents", "updates", "deletes"
  bson::bytes_view bytes;  // array: elements without frame; sequence: documents back to back
  bool is_array = false;

  /// Calls `visit` for each; false if lengths run past the end.
  bool for_each(const std::function<void(bson::document_view)>& visit) const;
};

/// What was left unseen on the stream in trusting mode.
struct skipped_documents {
  std::uint64_t documents = 0;
  std::uint64_t bytes = 0;
};

/// Valid until the reader reads the next one.
struct request {
  std::int32_t id = 0;
  std::uint32_t flags = 0;
  bool is_legacy_query = false;
  bson::document_view body;  // without the write command's array when that was skipped
  std::vector<document_sequence> sequences;
  std::optional<skipped_documents> skipped;
  std::size_t bytes = 0;

  [[nodiscard]] std::string_view command() const { return (*body.begin()).key(); }
  [[nodiscard]] std::string_view database() const;
  /// "database.collection" when the command's value is a string, else "database".
  [[nodiscard]] std::string target() const;
  /// The named documents, from wherever they are; empty if there are none.
  [[nodiscard]] document_sequence documents(std::string_view name) const;
};

/// Reads requests of one connection into one buffer that it reuses.
class request_reader {
 public:
  /// `trust_sizes`: of a large insert only the beginning is read; the rest is dropped in the kernel, and its documents
  /// are counted as if all had the size of the first.
  explicit request_reader(bool trust_sizes) : trust_sizes_(trust_sizes) {}
  /// Nothing at the end of the stream, and for bytes that are no request.
  [[nodiscard]] std::optional<request> read(stream_socket& socket);

 private:
  void reserve(std::size_t bytes);

  bool trust_sizes_;
  std::unique_ptr<std::byte[]> memory_;  // not a vector: growing must not zero 48 MB
  std::size_t capacity_bytes_ = 0;
  std::vector<std::byte> short_body_;
};

/// A reply's document in three parts, so that a prepared batch is sent from where it lies.
struct reply {
  std::vector<std::byte> head;
  bson::bytes_view middle;
  std::vector<std::byte> tail;
  bool more_to_come = false;

  reply() = default;
  reply(const bson::document& whole);  // NOLINT: a document is a reply
  [[nodiscard]] std::size_t size_bytes() const { return head.size() + middle.size() + tail.size(); }
};

/// Envelope and body of one reply, as they go out. Faults tamper with `envelope` and with the number of bytes sent.
struct framed_reply {
  std::vector<std::byte> envelope;  // message header, flags, section kind (or OP_REPLY's fields)
  reply body;
  [[nodiscard]] std::size_t size_bytes() const { return envelope.size() + body.size_bytes(); }
  void overwrite_length(std::int32_t bytes);
  /// At most `bytes_max` bytes of it.
  [[nodiscard]] bool send(stream_socket& socket, std::size_t bytes_max = SIZE_MAX);
};

[[nodiscard]] framed_reply frame(reply body, std::int32_t id, std::int32_t response_to, bool as_legacy_reply);

}  // namespace sluice::loopback
