// The few bytes of RFC 1035 that an answer takes.
#include "tests/integration/dns_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::lab {
namespace {

constexpr std::size_t header_bytes = 12;

void append_number(std::string& to, unsigned number) {
  to += static_cast<char>(number >> 8 & 0xFF);
  to += static_cast<char>(number & 0xFF);
}

void append_text(std::string& to, const std::string& text) {
  to += static_cast<char>(text.size());
  to += text;
}

std::string encoded_name(const std::string& name) {
  std::string bytes;
  std::size_t at = 0;
  while (at <= name.size()) {
    const std::size_t dot = std::min(name.find('.', at), name.size());
    append_text(bytes, name.substr(at, dot - at));
    at = dot + 1;
  }
  return bytes + '\0';
}

std::string data_of(const dns_record& record) {
  std::string data;
  switch (record.what) {
    case dns_record::kind::a: {
      in_addr address{};
      ::inet_pton(AF_INET, record.value.c_str(), &address);
      data.assign(reinterpret_cast<const char*>(&address), sizeof address);
      break;
    }
    case dns_record::kind::txt:
      append_text(data, record.value);
      break;
    case dns_record::kind::srv:
      append_number(data, 0);  // priority
      append_number(data, 0);  // weight
      append_number(data, record.port);
      data += encoded_name(record.value);
      break;
  }
  return data;
}

/// The question's name as text, and what is asked for; an empty name when it is none.
std::pair<std::string, unsigned> asked(const std::string& message, std::size_t& end) {
  std::string name;
  std::size_t at = header_bytes;
  while (at < message.size() && message[at] != 0) {
    const auto length = static_cast<unsigned char>(message[at]);
    if (length > 63 || at + 1 + length >= message.size()) return {};
    name += (name.empty() ? "" : ".") + message.substr(at + 1, length);
    at += 1U + length;
  }
  end = at + 5;  // the name's end, type and class
  if (end > message.size()) return {};
  return {name, static_cast<unsigned>(static_cast<unsigned char>(message[at + 1])) << 8 |
                    static_cast<unsigned char>(message[at + 2])};
}

}  // namespace

dns_server::dns_server(const std::string& address, std::vector<dns_record> records)
    : records_(std::move(records)), socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(53);
  ::inet_pton(AF_INET, address.c_str(), &at.sin_addr);
  ready_ = ::bind(socket_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  if (ready_) thread_ = std::thread([this] { serve(); });
}

dns_server::~dns_server() {
  ::shutdown(socket_, SHUT_RDWR);  // ends the waiting recvfrom
  if (thread_.joinable()) thread_.join();
  ::close(socket_);
}

void dns_server::serve() {
  char bytes[1500];
  for (;;) {
    sockaddr_in from{};
    socklen_t length = sizeof from;
    const ssize_t got = ::recvfrom(socket_, bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (got <= 0) return;
    const std::string reply = answer(std::string(bytes, static_cast<std::size_t>(got)));
    if (reply.empty()) continue;
    ++questions_;
    ::sendto(socket_, reply.data(), reply.size(), 0, reinterpret_cast<const sockaddr*>(&from), length);
  }
}

std::string dns_server::answer(const std::string& question) const {
  if (question.size() < header_bytes) return {};
  std::size_t end = 0;
  const auto [name, type] = asked(question, end);
  if (name.empty()) return {};
  std::string answers;
  unsigned count = 0;
  bool known = false;
  for (const dns_record& record : records_) {
    if (::strcasecmp(record.name.c_str(), name.c_str()) != 0) continue;
    known = true;
    if (static_cast<unsigned>(record.what) != type) continue;
    ++count;
    append_number(answers, 0xC00C);  // the question's name
    append_number(answers, type);
    append_number(answers, 1);  // of the Internet
    append_number(answers, 0);
    append_number(answers, 60);  // seconds it may be kept
    const std::string data = data_of(record);
    append_number(answers, static_cast<unsigned>(data.size()));
    answers += data;
  }
  constexpr unsigned authoritative_answer = 0x8580;
  constexpr unsigned no_such_name = 3;
  std::string reply = question.substr(0, 2);
  append_number(reply, known ? authoritative_answer : authoritative_answer | no_such_name);
  append_number(reply, 1);
  append_number(reply, count);
  append_number(reply, 0);
  append_number(reply, 0);
  return reply + question.substr(header_bytes, end - header_bytes) + answers;
}

}  // namespace sluice::lab
