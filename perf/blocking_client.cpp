// sendmsg, recv, and the twenty-one bytes in front of a command.
#include "perf/blocking_client.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace sluice::perf {
namespace {

constexpr std::int32_t opcode_message = 2013;
constexpr std::uint32_t flag_more_to_come = 1U << 1;
constexpr std::uint32_t flag_exhaust_allowed = 1U << 16;

#pragma pack(push, 1)
struct envelope {
  std::int32_t length = 0;
  std::int32_t id = 0;
  std::int32_t response_to = 0;
  std::int32_t opcode = opcode_message;
  std::uint32_t flags = 0;
  std::uint8_t kind = 0;
};
#pragma pack(pop)
static_assert(sizeof(envelope) == 21);

int connect_to(const std::string& host, const std::string& port) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), port.c_str(), &wanted, &found) != 0) {
    throw connection_failure(host + ":" + port + ": unknown host");
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    const int descriptor = ::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
    if (descriptor < 0) continue;
    if (::connect(descriptor, at->ai_addr, at->ai_addrlen) == 0) {
      const int yes = 1;
      ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      return descriptor;
    }
    ::close(descriptor);
  }
  throw connection_failure(host + ":" + port + ": " + std::strerror(errno));
}

std::pair<std::string, std::string> split_host(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {std::string(text), "27017"};
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

/// Of a "mongodb://host:port,.../" string.
std::vector<std::string> hosts_of(std::string_view uri) {
  constexpr std::string_view scheme = "mongodb://";
  if (!uri.starts_with(scheme)) throw connection_failure("not a mongodb:// string");
  uri.remove_prefix(scheme.size());
  if (uri.find('@') != std::string_view::npos) throw connection_failure("a measuring client does not authenticate");
  uri = uri.substr(0, uri.find('/'));
  std::vector<std::string> hosts;
  while (!uri.empty()) {
    const std::size_t comma = uri.find(',');
    hosts.emplace_back(uri.substr(0, comma));
    uri = comma == std::string_view::npos ? std::string_view() : uri.substr(comma + 1);
  }
  return hosts;
}

bson::document with_database(const bson::document& command, std::string_view database) {
  bson::builder whole;
  whole.append_all(command).append("$db", database);
  return whole.finish();
}

void check(const bson::document_view& reply, std::string_view command) {
  const auto text = [&](std::string_view key) { return std::string(reply.find(key).as_string().value_or("")); };
  const auto code = static_cast<std::int32_t>(reply.find("code").to_int64().value_or(0));
  if (!reply.find("ok").to_bool().value_or(false))
    throw server_failure(std::string(command) + ": " + text("errmsg"), code);
  const auto refused = reply.find("writeErrors").as_array();
  if (!refused || refused->empty()) return;
  const auto first = (*refused->begin()).as_document().value_or(bson::document_view());
  throw server_failure(std::string(command) + ": " + std::string(first.find("errmsg").as_string().value_or("refused")),
                       static_cast<std::int32_t>(first.find("code").to_int64().value_or(0)));
}

}  // namespace

blocking_client::blocking_client(const std::string& host, const std::string& port)
    : descriptor_(connect_to(host, port)) {}

blocking_client::blocking_client(blocking_client&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), last_id_(other.last_id_) {}

blocking_client::~blocking_client() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

blocking_client blocking_client::connect_to_primary(std::string_view uri) {
  std::string primary;
  for (const std::string& seed : hosts_of(uri)) {
    blocking_client asked = connect(seed);
    const message reply = asked.hello();
    if (reply.body.find("isWritablePrimary").to_bool().value_or(false)) return asked;
    primary = reply.body.find("primary").as_string().value_or("");
    if (!primary.empty()) return connect(primary);
  }
  throw connection_failure("no host knows a primary");
}

blocking_client blocking_client::connect_to_secondary(std::string_view uri) {
  for (const std::string& seed : hosts_of(uri)) {
    const message reply = connect(seed).hello();
    for (const auto host : reply.body.find("hosts").as_array().value_or(bson::document_view())) {
      blocking_client asked = connect(host.as_string().value_or(""));
      if (asked.hello().body.find("secondary").to_bool().value_or(false)) return asked;
    }
  }
  throw connection_failure("no host knows a secondary");
}

blocking_client blocking_client::connect(std::string_view host_and_port) {
  const auto [host, port] = split_host(host_and_port);
  return {host, port};
}

message blocking_client::hello() {
  bson::builder command;
  return run("admin", command.append("hello", 1).finish());
}

void blocking_client::read(std::byte* into, std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t got = ::recv(descriptor_, into, bytes, MSG_WAITALL);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw connection_failure("the server closed the connection");
    into += got;
    bytes -= static_cast<std::size_t>(got);
  }
}

void blocking_client::write(iovec* parts, std::size_t count) {
  while (count > 0) {
    msghdr sending{};
    sending.msg_iov = parts;
    sending.msg_iovlen = count;
    const ssize_t sent = ::sendmsg(descriptor_, &sending, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) throw connection_failure(std::string("cannot send: ") + std::strerror(errno));
    auto left = static_cast<std::size_t>(sent);
    while (count > 0 && left >= parts->iov_len) {
      left -= parts->iov_len;
      ++parts;
      --count;
    }
    if (left == 0) continue;
    parts->iov_base = static_cast<std::byte*>(parts->iov_base) + left;
    parts->iov_len -= left;
  }
}

void blocking_client::send(std::string_view database, const bson::document& command, bool exhaust_allowed) {
  const bson::document whole = with_database(command, database);
  envelope front;
  front.length = static_cast<std::int32_t>(sizeof front + whole.bytes().size());
  front.id = ++last_id_;
  front.flags = exhaust_allowed ? flag_exhaust_allowed : 0;
  std::array<iovec, 2> parts{
      {{&front, sizeof front}, {const_cast<std::byte*>(whole.bytes().data()), whole.bytes().size()}}};
  write(parts.data(), parts.size());
}

message blocking_client::receive() {
  envelope front;
  read(reinterpret_cast<std::byte*>(&front), sizeof front);
  if (front.length < static_cast<std::int32_t>(sizeof front + 5) || front.length > 48'000'000 ||
      front.opcode != opcode_message || front.kind != 0) {
    throw connection_failure("the reply is no OP_MSG");
  }
  const std::size_t body_bytes = static_cast<std::size_t>(front.length) - sizeof front;
  message received;
  received.memory = std::make_unique_for_overwrite<std::byte[]>(body_bytes);
  read(received.memory.get(), body_bytes);
  if (!bson::framed({received.memory.get(), body_bytes})) throw connection_failure("the reply is no BSON");
  received.body = bson::document_view(received.memory.get());
  received.id = front.id;
  received.response_to = front.response_to;
  received.more_to_come = (front.flags & flag_more_to_come) != 0;
  return received;
}

message blocking_client::run(std::string_view database, const bson::document& command) {
  send(database, command);
  message reply = receive();
  check(reply.body, (*command.view().begin()).key());
  return reply;
}

void blocking_client::set_socket_buffers(int bytes) {
  if (bytes == 0) return;
  for (const int which : {SO_SNDBUF, SO_RCVBUF}) {
    if (::setsockopt(descriptor_, SOL_SOCKET, which, &bytes, sizeof bytes) != 0) {
      throw connection_failure(std::string("cannot set the socket's buffers: ") + std::strerror(errno));
    }
  }
}

void blocking_client::insert(std::string_view database, std::string_view collection, bson::bytes_view array) {
  send_insert(database, collection, array, true);
  receive_inserted();
}

void blocking_client::send_insert(std::string_view database, std::string_view collection, bson::bytes_view array,
                                  bool acknowledged) {
  bson::builder fields;
  fields.append("insert", collection).append("ordered", false).append("bypassDocumentValidation", true);
  fields.open_document("writeConcern").append("w", acknowledged ? 1 : 0).close().append("$db", database);
  const bson::document head = fields.finish();
  // The head reopened: its final zero gives way to the array, and its length counts both.
  static constexpr char array_key[] =
      "\x04"
      "documents";
  std::vector<std::byte> front(sizeof(envelope));
  front.insert(front.end(), head.bytes().begin(), head.bytes().end() - 1);
  const auto key = std::as_bytes(std::span(array_key));  // with its zero
  front.insert(front.end(), key.begin(), key.end());
  const std::size_t body_bytes = front.size() - sizeof(envelope) + array.size() + 1;
  envelope outer;
  outer.length = static_cast<std::int32_t>(sizeof outer + body_bytes);
  outer.id = ++last_id_;
  outer.flags = acknowledged ? 0 : flag_more_to_come;
  const auto body_length = static_cast<std::int32_t>(body_bytes);
  std::memcpy(front.data(), &outer, sizeof outer);
  std::memcpy(front.data() + sizeof outer, &body_length, sizeof body_length);
  std::byte end{0};
  std::array<iovec, 3> parts{
      {{front.data(), front.size()}, {const_cast<std::byte*>(array.data()), array.size()}, {&end, 1}}};
  write(parts.data(), parts.size());
}

void blocking_client::receive_inserted() {
  const message reply = receive();
  check(reply.body, "insert");
}

}  // namespace sluice::perf
