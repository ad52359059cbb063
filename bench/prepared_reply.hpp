// A server's reply that is there already: read by the engine's own reader, without a socket.
#pragma once

#include <cstring>
#include <vector>

#include "bson/document.hpp"
#include "engine/wire/op_msg.hpp"
#include "tests/unit/wire/messages.hpp"

namespace sluice::bench {

/// An exhaust cursor's replies answer each other, so one that answers itself can be read over and over.
inline constexpr std::int32_t reply_id = 7;
inline constexpr std::uint32_t more_to_come = 2;

class prepared_reply {
 public:
  explicit prepared_reply(bson::document_view body, std::uint32_t flags = 0)
      : bytes_(wire::test::reply_message(reply_id, reply_id, body, flags)) {}

  [[nodiscard]] std::size_t size_bytes() const noexcept { return bytes_.size(); }
  void start() noexcept { sent_ = 0; }
  /// What a socket would do. The kernel's copy of a large part is left out where that memory has it from before.
  void fill(std::span<std::byte> into) {
    constexpr std::size_t small = 4096;
    if (into.size() <= small || into.data() != filled_) std::memcpy(into.data(), bytes_.data() + sent_, into.size());
    if (into.size() > small) filled_ = into.data();
    sent_ += into.size();
  }

 private:
  wire::test::bytes bytes_;
  std::size_t sent_ = 0;
  const std::byte* filled_ = nullptr;
};

/// {cursor: {nextBatch: [...], id, ns}, ok: 1, ...} as a server's getMore answers.
[[nodiscard]] inline bson::document cursor_reply(std::string_view array_name, bson::document_view documents) {
  bson::builder body;
  body.open_document("cursor").append_array(array_name, documents);
  body.append("id", std::int64_t{42}).append("ns", "lim.docs").close();
  body.append("ok", 1.0).append("operationTime", bson::timestamp{1'700'000'000, 1});
  return body.finish();
}

/// {n: ..., electionId, opTime, ok: 1}: an insert that went well.
[[nodiscard]] inline bson::document insert_reply(std::int32_t documents) {
  bson::builder body;
  body.append("n", documents).append("electionId", bson::object_id{});
  body.open_document("opTime").append("ts", bson::timestamp{1'700'000'000, 1}).append("t", std::int64_t{1}).close();
  body.append("ok", 1.0).append("operationTime", bson::timestamp{1'700'000'000, 1});
  return body.finish();
}

}  // namespace sluice::bench
