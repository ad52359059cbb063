#include "engine/wire/op_msg.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <optional>

#include "bson/bytes.hpp"
#include "engine/runtime/limits.hpp"

namespace sluice::wire {

namespace {

using bson::bytes_view;

constexpr std::uint32_t checksum_present = 1U << 0;
constexpr std::uint32_t more_to_come = 1U << 1;
constexpr std::uint32_t exhaust_allowed_flag = 1U << 16;
/// Bits 0 to 15 must be understood by whoever receives them, the others may be ignored (OP_MSG specification).
constexpr std::uint32_t required_flags = 0xFFFF;

constexpr std::size_t flags_bytes = 4;
constexpr std::size_t checksum_bytes = 4;
/// Header, flag bits, kind byte, empty document.
constexpr std::size_t shortest_message_bytes = message_header_bytes + flags_bytes + 1 + 5;

error no_message(std::string text) {
  return failure(error_kind::protocol, std::move(text));
}

/// A kind 1 section after its kind byte: size (its own four bytes included), identifier, documents.
/// Returns its size, or nothing when it is broken.
std::optional<std::size_t> sequence_bytes(bytes_view from) {
  if (from.size() < 5) return {};
  const std::size_t size = bson::load_length(from.data());
  if (size < 5 || size > from.size()) return {};
  const std::byte* const end = from.data() + size;
  const std::byte* at = std::find(from.data() + 4, end, std::byte{0});
  if (at == end) return {};
  for (++at; at < end;) {
    if (end - at < 5) return {};
    const std::size_t length = bson::load_length(at);
    if (length < 5 || length > static_cast<std::size_t>(end - at) || at[length - 1] != std::byte{0}) return {};
    at += length;
  }
  return size;
}

}  // namespace

result<message_header> parse_message_header(std::span<const std::byte, message_header_bytes> bytes) {
  const auto length = bson::load<std::int32_t>(bytes.data());
  const auto operation = bson::load<std::int32_t>(bytes.data() + 12);
  if (operation != static_cast<std::int32_t>(opcode::message) &&
      operation != static_cast<std::int32_t>(opcode::compressed)) {
    return no_message("message with opcode " + std::to_string(operation) +
                      " (2013 or 2012 expected): no MongoDB server 4.4 or newer");
  }
  if (length < static_cast<std::int32_t>(shortest_message_bytes) ||
      length > static_cast<std::int32_t>(limits::message_bytes_max)) {
    return no_message("message with an impossible length of " + std::to_string(length) + " bytes");
  }
  return message_header{.length = static_cast<std::uint32_t>(length),
                        .request_id = bson::load<std::int32_t>(bytes.data() + 4),
                        .response_to = bson::load<std::int32_t>(bytes.data() + 8),
                        .operation = static_cast<opcode>(operation)};
}

result<message> parse_message(bytes_view after_header, batch_check batches) {
  if (after_header.size() < flags_bytes) return no_message("message cut off in its flag bits");
  const auto flags = bson::load<std::uint32_t>(after_header.data());
  if ((flags & required_flags & ~(checksum_present | more_to_come)) != 0) {
    return no_message("message with unknown required flag bits (" + std::to_string(flags & required_flags) + ")");
  }
  bytes_view sections = after_header.subspan(flags_bytes);
  if ((flags & checksum_present) != 0) {
    if (sections.size() < checksum_bytes) return no_message("message cut off in its checksum");
    sections = sections.first(sections.size() - checksum_bytes);
  }

  bytes_view body;
  while (!sections.empty()) {
    const auto kind = std::to_integer<int>(sections[0]);
    sections = sections.subspan(1);
    if (kind == 1) {
      const auto size = sequence_bytes(sections);
      if (!size) return no_message("message with a broken document sequence");
      sections = sections.subspan(*size);
      continue;
    }
    if (kind != 0) return no_message("message with a section of unknown kind " + std::to_string(kind));
    if (!body.empty()) return no_message("message with two bodies");
    if (sections.size() < 5) return no_message("message cut off in its body");
    const std::size_t length = bson::load_length(sections.data());
    if (length < 5 || length > sections.size()) return no_message("message whose body does not fit into it");
    body = sections.first(length);
    sections = sections.subspan(length);
  }
  if (body.empty()) return no_message("message without a body");
  SLUICE_TRYV(check_reply_body(body, batches));
  return message{.body = bson::document_view(body.data()),
                 .more_to_come = (flags & more_to_come) != 0,
                 .exhaust_allowed = (flags & exhaust_allowed_flag) != 0};
}

void reply_reader::start(std::int32_t response_to) noexcept {
  response_to_ = response_to;
  part_ = part::header;
  filled_ = 0;
  packed_ = false;
  memory_ = {};
}

reply_reader::step reply_reader::next() const noexcept {
  if (part_ == part::memory) return step::memory;
  return part_ == part::done ? step::done : step::read;
}

std::span<std::byte> reply_reader::into() noexcept {
  switch (part_) {
    case part::header:
      return std::span(small_).subspan(filled_);
    case part::compressed_header:
      return std::span(small_).first(compressed_header_bytes).subspan(filled_);
    case part::body:
      // Compressed bytes go behind the room for what they unpack to.
      return memory_.subspan((packed_ ? unpacked_bytes_ : 0) + filled_, body_bytes_ - filled_);
    default:
      return {};
  }
}

result<> reply_reader::received(std::size_t bytes) {
  assert(bytes <= into().size());
  filled_ += bytes;
  return into().empty() ? part_complete() : ok();
}

result<> reply_reader::part_complete() {
  filled_ = 0;
  if (part_ == part::header) {
    SLUICE_TRY(header_, parse_message_header(small_));
    if (header_.response_to != response_to_) {
      return no_message("message that answers " + std::to_string(header_.response_to) + " where the answer to " +
                        std::to_string(response_to_) + " was due");
    }
    body_bytes_ = header_.length - message_header_bytes;
    packed_ = header_.operation == opcode::compressed;
    part_ = packed_ ? part::compressed_header : part::memory;
    return ok();
  }
  if (part_ == part::compressed_header) {
    const auto original = bson::load<std::int32_t>(small_.data());
    const auto unpacked = bson::load<std::int32_t>(small_.data() + 4);
    const auto method = std::to_integer<std::uint8_t>(small_[8]);
    if (original != static_cast<std::int32_t>(opcode::message)) {
      return no_message("compressed message of opcode " + std::to_string(original) + " (2013 expected)");
    }
    if (unpacked < static_cast<std::int32_t>(shortest_message_bytes - message_header_bytes) ||
        unpacked > static_cast<std::int32_t>(limits::message_bytes_max - message_header_bytes)) {
      return no_message("compressed message that announces an impossible size of " + std::to_string(unpacked) +
                        " bytes");
    }
    if (method > static_cast<std::uint8_t>(compressor::zstd)) {
      return no_message("message compressed with unknown method " + std::to_string(method));
    }
    packed_with_ = static_cast<compressor>(method);
    unpacked_bytes_ = static_cast<std::size_t>(unpacked);
    body_bytes_ -= compressed_header_bytes;
    part_ = part::memory;
    return ok();
  }
  part_ = part::done;
  return ok();
}

std::size_t reply_reader::memory_bytes() const noexcept {
  return body_bytes_ + (packed_ ? unpacked_bytes_ : 0);
}

void reply_reader::give(std::span<std::byte> memory) noexcept {
  assert(part_ == part::memory && memory.size() >= memory_bytes());
  memory_ = memory;
  part_ = part::body;
}

result<message> reply_reader::take(batch_check batches) {
  assert(part_ == part::done);
  if (!packed_) return parse_message(memory_.first(body_bytes_), batches);
  const auto unpacked = memory_.first(unpacked_bytes_);
  SLUICE_TRYV(decompress(packed_with_, memory_.subspan(unpacked_bytes_, body_bytes_), unpacked));
  return parse_message(unpacked, batches);
}

void request::begin(std::int32_t id, std::string_view database, bson::document_view command, std::uint32_t flags) {
  constexpr std::string_view database_key{"\x02$db\0", 5};
  const auto append = [this](const void* data, std::size_t bytes) {
    const auto* from = static_cast<const std::byte*>(data);
    head_.insert(head_.end(), from, from + bytes);
  };
  const auto append_int32 = [&append](std::int32_t value) { append(&value, sizeof value); };
  head_.clear();
  append_int32(0);  // the length, known at the end
  append_int32(id);
  append_int32(0);
  append_int32(static_cast<std::int32_t>(opcode::message));
  append(&flags, sizeof flags);
  head_.push_back(std::byte{0});  // section kind 0
  const auto bytes = command.bytes();
  append(bytes.data(), bytes.size() - 1);  // its length is patched at the end, its last zero comes later
  append(database_key.data(), database_key.size());
  append_int32(static_cast<std::int32_t>(database.size() + 1));
  append(database.data(), database.size());
  head_.push_back(std::byte{0});
}

result<> request::finish_lengths(std::size_t bytes_elsewhere, std::string_view command_name) {
  const std::size_t total = head_.size() + bytes_elsewhere;
  if (total > limits::message_bytes_max) {
    part_count_ = 0;
    return no_message("command \"" + std::string(command_name) + "\" of " + std::to_string(total) +
                      " bytes is larger than the " + std::to_string(limits::message_bytes_max) + " that servers take");
  }
  constexpr std::size_t document_at = message_header_bytes + flags_bytes + 1;
  bson::store(head_.data(), static_cast<std::uint32_t>(total));
  bson::store(head_.data() + document_at, static_cast<std::uint32_t>(total - document_at));
  return ok();
}

result<> request::encode(std::int32_t id, std::string_view database, bson::document_view command,
                         bool exhaust_allowed) {
  assert(!command.empty());
  begin(id, database, command, exhaust_allowed ? exhaust_allowed_flag : 0);
  head_.push_back(std::byte{0});
  SLUICE_TRYV(finish_lengths(0, (*command.begin()).key()));
  parts_[0] = head_;
  part_count_ = 1;
  return ok();
}

result<> request::encode_with_array(std::int32_t id, std::string_view database, bson::document_view head,
                                    std::string_view array_name, bytes_view array) {
  assert(!head.empty() && bson::framed(array));
  static constexpr std::byte end_of_document{0};
  begin(id, database, head, 0);
  head_.push_back(static_cast<std::byte>(bson::type::array));
  const auto* name = reinterpret_cast<const std::byte*>(array_name.data());
  head_.insert(head_.end(), name, name + array_name.size());
  head_.push_back(std::byte{0});
  SLUICE_TRYV(finish_lengths(array.size() + 1, (*head.begin()).key()));
  parts_ = {bytes_view(head_), array, bytes_view(&end_of_document, 1)};
  part_count_ = 3;
  return ok();
}

result<> request::compress(compression& with, compressor how, int zlib_level) {
  assert(part_count_ > 0);
  const std::size_t unpacked_bytes = size_bytes() - message_header_bytes;
  packed_.resize(message_header_bytes + compressed_header_bytes);
  std::memcpy(packed_.data(), head_.data(), message_header_bytes);
  bson::store(packed_.data() + 12, static_cast<std::int32_t>(opcode::compressed));
  bson::store(packed_.data() + 16, static_cast<std::int32_t>(opcode::message));
  bson::store(packed_.data() + 20, static_cast<std::uint32_t>(unpacked_bytes));
  packed_[24] = static_cast<std::byte>(how);
  auto from = parts_;
  from[0] = from[0].subspan(message_header_bytes);
  SLUICE_TRYV(with.compress(how, zlib_level, {from.data(), part_count_}, packed_));
  bson::store(packed_.data(), static_cast<std::uint32_t>(packed_.size()));
  parts_[0] = packed_;
  part_count_ = 1;
  return ok();
}

std::size_t request::size_bytes() const noexcept {
  std::size_t total = 0;
  for (const auto& part : parts()) total += part.size();
  return total;
}

}  // namespace sluice::wire
