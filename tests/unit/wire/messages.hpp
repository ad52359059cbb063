// Messages as a server would send them, made by hand: the tests' own idea of the format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "bson/document.hpp"

namespace sluice::wire::test {

using bytes = std::vector<std::byte>;

inline void put_int32(bytes& to, std::int32_t value) {
  std::byte raw[4];
  std::memcpy(raw, &value, sizeof raw);
  to.insert(to.end(), raw, raw + 4);
}

inline void put(bytes& to, bson::bytes_view what) {
  to.insert(to.end(), what.begin(), what.end());
}
inline void put(bytes& to, std::string_view what) {
  put(to, std::as_bytes(std::span(what)));
}

/// Section kind 0.
inline bytes body_section(bson::document_view body) {
  bytes section{std::byte{0}};
  put(section, body.bytes());
  return section;
}

/// Flag bits and sections, without a header.
inline bytes op_msg(std::uint32_t flags, const bytes& sections) {
  bytes message;
  put_int32(message, static_cast<std::int32_t>(flags));
  put(message, sections);
  return message;
}

inline bytes with_header(std::int32_t id, std::int32_t response_to, std::int32_t opcode, const bytes& rest) {
  bytes message;
  put_int32(message, static_cast<std::int32_t>(rest.size() + 16));
  put_int32(message, id);
  put_int32(message, response_to);
  put_int32(message, opcode);
  put(message, rest);
  return message;
}

/// A whole reply with one body.
inline bytes reply_message(std::int32_t id, std::int32_t response_to, bson::document_view body,
                           std::uint32_t flags = 0) {
  return with_header(id, response_to, 2013, op_msg(flags, body_section(body)));
}

/// {cursor: {nextBatch: [documents...], id: 7, ns: "db.c"}, ok: 1}
inline bson::document cursor_reply(int documents, std::string_view batch_name = "nextBatch") {
  bson::builder reply;
  reply.open_document("cursor").open_array(batch_name);
  for (int i = 0; i < documents; ++i) {
    bson::builder document;
    document.append("_id", i).append("text", std::string(static_cast<std::size_t>(i % 40), 'x'));
    const bson::document whole = document.finish();
    reply.push(whole.view());
  }
  reply.close().append("id", std::int64_t{7}).append("ns", "db.c").close().append("ok", 1.0);
  return reply.finish();
}

inline bson::document ok_reply() {
  bson::builder reply;
  reply.append("n", 3).append("ok", 1.0);
  return reply.finish();
}

}  // namespace sluice::wire::test
