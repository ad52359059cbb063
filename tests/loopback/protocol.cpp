// Framing of requests and replies. Checks what it walks: a wrong length from the program under test ends the
// connection, never the server.
#include "tests/loopback/protocol.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "bson/validate.hpp"

namespace sluice::loopback {
namespace {

constexpr std::int32_t opcode_reply = 1;
constexpr std::int32_t opcode_query = 2004;
constexpr std::int32_t opcode_message = 2013;
constexpr std::size_t header_bytes = 16;
/// Enough to see the beginning of an insert: its own fields and the first document's length.
constexpr std::size_t peek_bytes = 4096;

template <class Integer>
Integer load(const std::byte* at) {
  Integer value{};
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <class Integer>
void store(std::vector<std::byte>& into, Integer value) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&value);
  into.insert(into.end(), bytes, bytes + sizeof value);
}

std::size_t key_bytes(bson::bytes_view bytes) {
  const void* zero = bytes.empty() ? nullptr : std::memchr(bytes.data(), 0, bytes.size());
  return zero == nullptr ? bytes.size() : static_cast<std::size_t>(static_cast<const std::byte*>(zero) - bytes.data());
}

/// The length prefix at the beginning of `bytes` if a document of that length fits in.
std::optional<std::size_t> document_bytes(bson::bytes_view bytes) {
  if (bytes.size() < 5) return std::nullopt;
  const auto length = load<std::int32_t>(bytes.data());
  if (length < 5 || static_cast<std::size_t>(length) > bytes.size()) return std::nullopt;
  return static_cast<std::size_t>(length);
}

/// How many documents of the size of the first one make an array of `array_bytes`: keys grow by a digit at 10, 100, ...
std::uint64_t documents_of_equal_size(std::size_t array_bytes, std::size_t first_bytes) {
  std::uint64_t documents = 0;
  std::size_t left = array_bytes - 5;
  std::uint64_t keys = 10;
  for (std::size_t digits = 1; left > 0; ++digits) {
    const std::size_t element = 2 + digits + first_bytes;
    const std::uint64_t taken = std::min<std::uint64_t>(keys, left / element);
    documents += taken;
    left -= taken * element;
    if (taken < keys) break;
    keys = digits == 1 ? 90 : keys * 10;
  }
  return documents;
}

/// The beginning of an insert up to its array, completed to a document; nothing if it does not look like one.
struct insert_beginning {
  std::vector<std::byte> body;
  std::size_t array_bytes = 0;
  std::size_t first_bytes = 0;
};

std::optional<insert_beginning> begin_of_insert(bson::bytes_view body) {
  std::size_t at = 4;
  bool names_database = false;
  while (at + 2 < body.size()) {
    const auto kind = static_cast<bson::type>(body[at]);
    const std::size_t key = key_bytes(body.subspan(at + 1));
    const std::size_t value = at + 2 + key;
    if (value + 32 > body.size()) return std::nullopt;
    const std::string_view name(reinterpret_cast<const char*>(body.data() + at + 1), key);
    if (at == 4 && name != "insert") return std::nullopt;
    names_database = names_database || name == "$db";
    if (kind == bson::type::array && name == "documents") {
      if (!names_database) return std::nullopt;
      insert_beginning found;
      found.array_bytes = static_cast<std::size_t>(load<std::int32_t>(body.data() + value));
      found.first_bytes = static_cast<std::size_t>(load<std::int32_t>(body.data() + value + 4 + 3));
      if (found.array_bytes < found.first_bytes + 8) return std::nullopt;
      found.body.assign(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(at));
      found.body.push_back(std::byte{0});
      const auto length = static_cast<std::int32_t>(found.body.size());
      std::memcpy(found.body.data(), &length, sizeof length);
      return found;
    }
    at = value + bson::element_view(body.data() + at).value().size();
  }
  return std::nullopt;
}

/// Body and sequences of an OP_MSG. The write command's array is not validated document by document: that would cost
/// more than everything else this server does.
bool parse_sections(bson::bytes_view bytes, request& into) {
  bool has_body = false;
  while (!bytes.empty()) {
    const auto kind = std::to_integer<std::uint8_t>(bytes.front());
    bytes = bytes.subspan(1);
    if (kind == 0) {
      const auto length = document_bytes(bytes);
      if (!length || has_body) return false;
      const auto body = bytes.first(*length);
      if (*length <= 1024 * 1024 ? bson::validate(body).has_value() : !bson::framed(body)) return false;
      into.body = bson::document_view(body.data());
      if (into.body.empty()) return false;
      has_body = true;
      bytes = bytes.subspan(*length);
    } else if (kind == 1 && bytes.size() > 4) {
      const auto length = load<std::int32_t>(bytes.data());
      if (length < 6 || static_cast<std::size_t>(length) > bytes.size()) return false;
      const auto section = bytes.first(static_cast<std::size_t>(length)).subspan(4);
      const std::size_t name = key_bytes(section);
      if (name == section.size()) return false;
      into.sequences.push_back(
          {{reinterpret_cast<const char*>(section.data()), name}, section.subspan(name + 1), false});
      bytes = bytes.subspan(static_cast<std::size_t>(length));
    } else {
      return false;
    }
  }
  return has_body;
}

bool parse_legacy_query(bson::bytes_view bytes, request& into) {
  if (bytes.size() < 4) return false;
  bytes = bytes.subspan(4);
  const std::size_t name = key_bytes(bytes);
  if (bytes.size() < name + 1 + 8) return false;
  bytes = bytes.subspan(name + 1 + 8);
  const auto length = document_bytes(bytes);
  if (!length || bson::validate(bytes.first(*length))) return false;
  into.body = bson::document_view(bytes.data());
  into.is_legacy_query = true;
  return !into.body.empty();
}

}  // namespace

bool document_sequence::for_each(const std::function<void(bson::document_view)>& visit) const {
  bson::bytes_view rest = bytes;
  while (!rest.empty()) {
    if (is_array) {
      if (static_cast<bson::type>(rest.front()) != bson::type::document) return false;
      const std::size_t key = key_bytes(rest.subspan(1));
      if (key + 2 >= rest.size()) return false;
      rest = rest.subspan(key + 2);
    }
    const auto length = document_bytes(rest);
    if (!length) return false;
    visit(bson::document_view(rest.data()));
    rest = rest.subspan(*length);
  }
  return true;
}

std::string_view request::database() const {
  const auto name = body.find("$db");
  return name ? name.as_string().value_or("admin") : "admin";
}

std::string request::target() const {
  std::string name(database());
  if (const auto collection = (*body.begin()).as_string()) name.append(".").append(*collection);
  return name;
}

document_sequence request::documents(std::string_view name) const {
  for (const auto& sequence : sequences) {
    if (sequence.name == name) return sequence;
  }
  const auto field = body.find(name);
  const auto array = field ? field.as_array() : std::nullopt;
  if (!array) return {name, {}, true};
  const auto framed = array->bytes();
  return {name, framed.subspan(4, framed.size() - 5), true};
}

void request_reader::reserve(std::size_t bytes) {
  if (bytes <= capacity_bytes_) return;
  const std::size_t wanted = std::max<std::size_t>(bytes, std::size_t{64} * 1024);
  auto larger = std::make_unique_for_overwrite<std::byte[]>(wanted);
  if (memory_) std::memcpy(larger.get(), memory_.get(), capacity_bytes_);
  memory_ = std::move(larger);
  capacity_bytes_ = wanted;
}

std::optional<request> request_reader::read(stream_socket& socket) {
  std::array<std::byte, header_bytes> header{};
  if (!socket.read(header)) return std::nullopt;
  const auto length = load<std::int32_t>(header.data());
  const auto opcode = load<std::int32_t>(header.data() + 12);
  if (length < static_cast<std::int32_t>(header_bytes + 5) || static_cast<std::size_t>(length) > message_bytes_max) {
    return std::nullopt;
  }
  request read;
  read.id = load<std::int32_t>(header.data() + 4);
  read.bytes = static_cast<std::size_t>(length);
  const std::size_t payload = read.bytes - header_bytes;

  std::size_t have = trust_sizes_ ? std::min(payload, peek_bytes) : payload;
  reserve(have);
  if (!socket.read({memory_.get(), have})) return std::nullopt;
  if (have < payload) {
    const auto insert = opcode == opcode_message && memory_[4] == std::byte{0}
                            ? begin_of_insert({memory_.get() + 5, have - 5})
                            : std::nullopt;
    if (insert && insert->array_bytes <= payload) {
      if (!socket.discard(payload - have)) return std::nullopt;
      read.flags = load<std::uint32_t>(memory_.get());
      short_body_ = insert->body;
      if (bson::validate(short_body_)) return std::nullopt;
      read.body = bson::document_view(short_body_.data());
      read.skipped = {documents_of_equal_size(insert->array_bytes, insert->first_bytes), insert->array_bytes};
      return read;
    }
    reserve(payload);
    if (!socket.read({memory_.get() + have, payload - have})) return std::nullopt;
    have = payload;
  }

  if (opcode == opcode_query)
    return parse_legacy_query({memory_.get(), have}, read) ? std::optional(read) : std::nullopt;
  if (opcode != opcode_message) return std::nullopt;
  read.flags = load<std::uint32_t>(memory_.get());
  const std::size_t trailer = (read.flags & checksum_present) != 0 ? 4 : 0;
  if (have < 4 + trailer || !parse_sections({memory_.get() + 4, have - 4 - trailer}, read)) return std::nullopt;
  return read;
}

reply::reply(const bson::document& whole) : head(whole.bytes().begin(), whole.bytes().end()) {}

framed_reply frame(reply body, std::int32_t id, std::int32_t response_to, bool as_legacy_reply) {
  framed_reply framed;
  auto& envelope = framed.envelope;
  const std::size_t fixed = header_bytes + (as_legacy_reply ? 20 : 5);
  envelope.reserve(fixed);
  store(envelope, static_cast<std::int32_t>(fixed + body.size_bytes()));
  store(envelope, id);
  store(envelope, response_to);
  store(envelope, as_legacy_reply ? opcode_reply : opcode_message);
  if (as_legacy_reply) {
    store(envelope, std::int32_t{8});  // AwaitCapable, as every server sets it
    store(envelope, std::int64_t{0});
    store(envelope, std::int32_t{0});
    store(envelope, std::int32_t{1});
  } else {
    store(envelope, body.more_to_come ? std::uint32_t{more_to_come} : std::uint32_t{0});
    envelope.push_back(std::byte{0});
  }
  framed.body = std::move(body);
  return framed;
}

void framed_reply::overwrite_length(std::int32_t bytes) {
  std::memcpy(envelope.data(), &bytes, sizeof bytes);
}

bool framed_reply::send(stream_socket& socket, std::size_t bytes_max) {
  const std::array<bson::bytes_view, 4> views{envelope, body.head, body.middle, body.tail};
  std::array<iovec, 4> parts{};
  std::size_t used = 0;
  for (const auto view : views) {
    const std::size_t bytes = std::min(view.size(), bytes_max);
    bytes_max -= bytes;
    if (bytes > 0) parts[used++] = {const_cast<std::byte*>(view.data()), bytes};
  }
  return socket.write(std::span(parts).first(used));
}

}  // namespace sluice::loopback
