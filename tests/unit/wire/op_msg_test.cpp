// Framing without sockets: every split, every truncation, every lie in a length, and random damage.
#include "engine/wire/op_msg.hpp"

#include <algorithm>
#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "bson/bytes.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/wire/reply_body.hpp"
#include "tests/unit/wire/messages.hpp"

namespace sluice::wire {
namespace {

using test::bytes;

constexpr std::int32_t request_id = 41;

/// What a reader made of a stream: an error, or the message in its memory.
struct outcome_of_reading {
  bytes memory;
  result<message> said = failure(error_kind::network, "stream ended early");
  std::size_t consumed = 0;
};

/// Feeds `stream` to a reader in pieces of `piece` bytes.
outcome_of_reading read_stream(const bytes& stream, std::size_t piece, std::int32_t response_to = request_id) {
  outcome_of_reading outcome;
  reply_reader reader;
  reader.start(response_to);
  while (reader.next() != reply_reader::step::done) {
    if (reader.next() == reply_reader::step::memory) {
      outcome.memory.resize(reader.memory_bytes());
      reader.give(outcome.memory);
      continue;
    }
    auto into = reader.into();
    const std::size_t bytes_now = std::min({into.size(), piece, stream.size() - outcome.consumed});
    if (bytes_now == 0) return outcome;
    std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(outcome.consumed), bytes_now, into.begin());
    outcome.consumed += bytes_now;
    if (auto accepted = reader.received(bytes_now); !accepted) {
      outcome.said = accepted.error();
      return outcome;
    }
  }
  outcome.said = reader.take(batch_check::frame);
  return outcome;
}

void expect_refused(const bytes& stream, std::string_view part_of_message) {
  const auto outcome = read_stream(stream, stream.size());
  ASSERT_FALSE(outcome.said) << part_of_message;
  EXPECT_EQ(outcome.said.error().kind, error_kind::protocol) << outcome.said.error().message;
  EXPECT_NE(outcome.said.error().message.find(part_of_message), std::string::npos) << outcome.said.error().message;
}

bytes with_length(bytes message, std::int32_t length) {
  std::memcpy(message.data(), &length, sizeof length);
  return message;
}

TEST(op_msg, every_split_gives_the_same_reply) {
  const auto body = test::cursor_reply(50);
  const auto stream = test::reply_message(9, request_id, body);
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    const auto outcome = read_stream(stream, piece);
    ASSERT_TRUE(outcome.said) << outcome.said.error().message;
    EXPECT_TRUE(std::ranges::equal(outcome.said.value().body.bytes(), body.bytes()));
    EXPECT_EQ(outcome.consumed, stream.size());
  }
}

TEST(op_msg, every_compressor_is_unpacked_at_every_split) {
  const auto body = test::cursor_reply(20);
  for (const auto how : {compressor::none, compressor::snappy, compressor::zlib, compressor::zstd}) {
    compression pack;
    const auto plain = test::op_msg(2, test::body_section(body));
    bytes rest;
    test::put_int32(rest, 2013);
    test::put_int32(rest, static_cast<std::int32_t>(plain.size()));
    rest.push_back(static_cast<std::byte>(how));
    const bson::bytes_view parts[] = {plain};
    ASSERT_TRUE(pack.compress(how, -1, parts, rest));
    const auto stream = test::with_header(9, request_id, 2012, rest);
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
      const auto outcome = read_stream(stream, piece);
      ASSERT_TRUE(outcome.said) << outcome.said.error().message;
      EXPECT_TRUE(std::ranges::equal(outcome.said.value().body.bytes(), body.bytes()));
      EXPECT_TRUE(outcome.said.value().more_to_come);
    }
  }
}

TEST(op_msg, a_truncated_stream_is_never_a_reply) {
  const auto stream = test::reply_message(9, request_id, test::cursor_reply(5));
  for (std::size_t size = 0; size < stream.size(); ++size) {
    const auto outcome = read_stream(bytes(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(size)), 7);
    ASSERT_FALSE(outcome.said);
    EXPECT_EQ(outcome.said.error().message, "stream ended early");
  }
}

TEST(op_msg, a_message_cut_short_inside_its_length_is_refused) {
  const auto body = test::cursor_reply(5);
  const auto whole = test::op_msg(0, test::body_section(body));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto parsed = parse_message(bson::bytes_view(whole).first(size), batch_check::frame);
    ASSERT_FALSE(parsed) << size;
    EXPECT_EQ(parsed.error().kind, error_kind::protocol);
  }
}

TEST(op_msg, impossible_lengths) {
  const auto good = test::reply_message(9, request_id, test::ok_reply());
  for (const std::int32_t length : {-1, -2147483647, 0, 1, 15, 16, 25, 48'000'001, 2147483647}) {
    expect_refused(with_length(good, length), "impossible length");
  }
}

TEST(op_msg, other_opcodes_and_other_requests) {
  const auto rest = test::op_msg(0, test::body_section(test::ok_reply()));
  for (const std::int32_t opcode : {0, 1, 2004, 2010, 2011, 2014, -2013}) {
    expect_refused(test::with_header(9, request_id, opcode, rest), "opcode");
  }
  expect_refused(test::with_header(9, request_id + 1, 2013, rest), "the answer to 41 was due");
  expect_refused(test::with_header(9, 0, 2013, rest), "the answer to 41 was due");
}

TEST(op_msg, flag_bits) {
  const auto section = test::body_section(test::ok_reply());
  for (std::uint32_t bit = 2; bit < 16; ++bit) {
    expect_refused(test::with_header(9, request_id, 2013, test::op_msg(1U << bit, section)), "flag bits");
  }
  for (std::uint32_t bit = 16; bit < 32; ++bit) {  // optional ones are ignored
    EXPECT_TRUE(parse_message(test::op_msg(1U << bit, section), batch_check::frame)) << bit;
  }
  EXPECT_TRUE(parse_message(test::op_msg(2, section), batch_check::frame).value().more_to_come);
  EXPECT_FALSE(parse_message(test::op_msg(0, section), batch_check::frame).value().more_to_come);
  EXPECT_TRUE(parse_message(test::op_msg(1U << 16, section), batch_check::frame).value().exhaust_allowed);
}

TEST(op_msg, a_checksum_is_taken_off) {
  auto message = test::op_msg(1, test::body_section(test::ok_reply()));
  EXPECT_FALSE(parse_message(message, batch_check::frame));  // announced and missing: the body's end is eaten
  test::put_int32(message, 0x1234);
  EXPECT_TRUE(parse_message(message, batch_check::frame));
  auto unannounced = test::op_msg(0, test::body_section(test::ok_reply()));
  test::put_int32(unannounced, 0x1234);
  EXPECT_FALSE(parse_message(unannounced, batch_check::frame));
}

bytes sequence(std::string_view name, int documents) {
  bytes content;
  test::put(content, name);
  content.push_back(std::byte{0});
  const auto document = test::ok_reply();
  for (int i = 0; i < documents; ++i) test::put(content, document.bytes());
  bytes section{std::byte{1}};
  test::put_int32(section, static_cast<std::int32_t>(content.size() + 4));
  test::put(section, content);
  return section;
}

TEST(op_msg, sections) {
  const auto body = test::body_section(test::ok_reply());
  const auto join = [](std::initializer_list<bytes> parts) {
    bytes all;
    for (const auto& part : parts) test::put(all, part);
    return test::op_msg(0, all);
  };
  const auto refused_with = [](const bytes& message) {
    return parse_message(message, batch_check::frame).error().message;
  };
  EXPECT_TRUE(parse_message(join({sequence("docs", 2), body}), batch_check::frame));
  EXPECT_TRUE(parse_message(join({body, sequence("docs", 0)}), batch_check::frame));
  EXPECT_EQ(refused_with(join({body, body})), "message with two bodies");
  EXPECT_EQ(refused_with(join({})), "message without a body");
  EXPECT_EQ(refused_with(join({sequence("docs", 1)})), "message without a body");
  EXPECT_NE(refused_with(join({body, {std::byte{2}}})).find("unknown kind"), std::string::npos);
  EXPECT_NE(refused_with(join({body, {std::byte{0xAA}}})).find("unknown kind"), std::string::npos);  // trailing bytes
  auto broken = sequence("docs", 2);
  broken.pop_back();
  EXPECT_FALSE(parse_message(join({broken, body}), batch_check::frame));
  auto unnamed = sequence("", 0);
  unnamed.back() = std::byte{'x'};  // a name without an end
  EXPECT_EQ(refused_with(join({body, unnamed})), "message with a broken document sequence");
}

TEST(op_msg, compressed_headers_that_lie) {
  const auto make = [](std::int32_t original, std::int32_t size, int method) {
    bytes rest;
    test::put_int32(rest, original);
    test::put_int32(rest, size);
    rest.push_back(static_cast<std::byte>(method));
    rest.resize(rest.size() + 30);
    return test::with_header(9, request_id, 2012, rest);
  };
  expect_refused(make(2012, 100, 1), "compressed message of opcode 2012");
  expect_refused(make(2013, -1, 1), "impossible size");
  expect_refused(make(2013, 9, 1), "impossible size");
  expect_refused(make(2013, 48'000'000, 1), "impossible size");
  expect_refused(make(2013, 100, 4), "unknown method 4");
  expect_refused(make(2013, 100, 255), "unknown method 255");
  expect_refused(make(2013, 100, 3), "damaged");
}

TEST(op_msg, memory_for_both_forms_is_asked_for_at_once) {
  bytes rest;
  test::put_int32(rest, 2013);
  test::put_int32(rest, 1000);
  rest.push_back(std::byte{3});
  rest.resize(rest.size() + 50);
  const auto stream = test::with_header(9, request_id, 2012, rest);
  reply_reader reader;
  reader.start(request_id);
  std::copy_n(stream.begin(), 16, reader.into().begin());
  ASSERT_TRUE(reader.received(16));
  std::copy_n(stream.begin() + 16, 9, reader.into().begin());
  ASSERT_TRUE(reader.received(9));
  EXPECT_EQ(reader.next(), reply_reader::step::memory);
  EXPECT_EQ(reader.memory_bytes(), 1050U);
}

TEST(op_msg, an_exhaust_stream_answers_the_reply_before) {
  const auto stream = test::reply_message(77, request_id, test::cursor_reply(1), 2);
  reply_reader reader;
  reader.start(request_id);
  std::copy_n(stream.begin(), 16, reader.into().begin());
  ASSERT_TRUE(reader.received(16));
  EXPECT_EQ(reader.next_response_to(), 77);
}

TEST(op_msg, random_damage_never_passes_unnoticed_into_the_views) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto good = test::reply_message(9, request_id, test::cursor_reply(30, "firstBatch"));
  for (int round = 0; round < 20'000; ++round) {
    auto damaged = good;
    for (auto hits = random() % 3 + 1; hits > 0; --hits) {
      damaged[random() % damaged.size()] = static_cast<std::byte>(random() % 256);
    }
    const auto outcome = read_stream(damaged, damaged.size());
    if (!outcome.said) continue;
    // Whatever was accepted can be walked to the end of every part that is not a batch's document.
    std::size_t walked = 0;
    for (const auto field : outcome.said.value().body) {
      walked += field.whole().size();
      if (const auto cursor = field.as_document()) {
        for (const auto inner : *cursor) walked += inner.whole().size();
      }
    }
    EXPECT_LE(walked, 2 * good.size());
  }
}

TEST(reply_body, the_frame_of_a_batch_is_checked) {
  const auto reply = test::cursor_reply(3);
  const auto array = reply.view().at("cursor", "nextBatch").as_array()->bytes();
  const auto array_at = static_cast<std::size_t>(array.data() - reply.bytes().data());
  bytes damaged(reply.bytes().begin(), reply.bytes().end());
  const auto original = bson::load<std::int32_t>(damaged.data() + array_at);
  for (const std::int32_t length : {-1, 0, 4, original - 1, original + 1, 1'000'000}) {
    bson::store(damaged.data() + array_at, length);
    EXPECT_FALSE(check_reply_body(damaged, batch_check::frame)) << length;
  }
  bson::store(damaged.data() + array_at, original);
  EXPECT_TRUE(check_reply_body(damaged, batch_check::frame));
}

TEST(reply_body, documents_of_a_batch_are_not_looked_into) {
  const auto reply = test::cursor_reply(3);
  const auto array = reply.view().at("cursor", "nextBatch").as_array()->bytes();
  const auto array_at = static_cast<std::size_t>(array.data() - reply.bytes().data());
  bytes odd(reply.bytes().begin(), reply.bytes().end());
  odd[array_at + 4 + 3 + 4] = std::byte{0x77};  // the type of the first document's _id
  EXPECT_TRUE(check_reply_body(odd, batch_check::frame));
  EXPECT_FALSE(check_reply_body(odd, batch_check::documents)) << "replies of commands are validated in full";
}

TEST(reply_body, everything_around_the_batch_is_validated) {
  const auto reply = test::cursor_reply(3);
  const auto array = reply.view().at("cursor", "nextBatch").as_array()->bytes();
  const auto begin = static_cast<std::size_t>(array.data() - reply.bytes().data());
  const auto end = begin + array.size();
  for (std::size_t at = 0; at < reply.bytes().size(); ++at) {
    if (at == begin) at = end;
    bytes damaged(reply.bytes().begin(), reply.bytes().end());
    damaged[at] ^= std::byte{0x80};
    const auto checked = check_reply_body(damaged, batch_check::frame);
    if (!checked) {
      EXPECT_EQ(checked.error().kind, error_kind::protocol);
    }
    // Only payload bytes (keys, the id, ok's double) may change without a trace; types and lengths may not.
    const auto field_lengths_begin = end;
    if (at < begin || at == field_lengths_begin || at == reply.bytes().size() - 1) {
      const bool in_a_key = (at > 4 && at < 11) || (at > 16 && at < 26);
      if (!in_a_key) {
        EXPECT_FALSE(checked) << at;
      }
    }
  }
}

TEST(reply_body, other_shapes_are_validated_in_full) {
  bson::builder reply;
  reply.append("ok", 1.0).open_document("cursor").append("id", std::int64_t{0}).open_array("firstBatch");
  reply.push(test::ok_reply().view()).close().close();
  const bson::document whole = reply.finish();
  EXPECT_TRUE(check_reply_body(whole.bytes(), batch_check::frame));
  bytes damaged(whole.bytes().begin(), whole.bytes().end());
  const auto inner = whole.view().at("cursor", "firstBatch", "0").as_document()->bytes();
  damaged[static_cast<std::size_t>(inner.data() - whole.bytes().data()) + 4] = std::byte{0x77};
  EXPECT_FALSE(check_reply_body(damaged, batch_check::frame));
}

bytes joined(const request& from) {
  bytes all;
  for (const auto part : from.parts()) test::put(all, part);
  return all;
}

bson::document find_command() {
  bson::builder command;
  command.append("find", "c").append("limit", 1);
  return command.finish();
}

TEST(request, one_command) {
  request out;
  ASSERT_TRUE(out.encode(5, "shop", find_command(), true));
  bson::builder expected;
  expected.append("find", "c").append("limit", 1).append("$db", "shop");
  const bson::document body = expected.finish();
  EXPECT_EQ(joined(out), test::with_header(5, 0, 2013, test::op_msg(1U << 16, test::body_section(body))));
  EXPECT_EQ(out.size_bytes(), joined(out).size());
}

TEST(request, an_array_from_elsewhere_goes_out_as_it_is) {
  const auto reply = test::cursor_reply(12);
  const auto array = reply.view().at("cursor", "nextBatch").as_array()->bytes();
  bson::builder head;
  head.append("insert", "c").append("ordered", false);
  const bson::document command = head.finish();
  request out;
  ASSERT_TRUE(out.encode_with_array(6, "shop", command, "documents", array));
  ASSERT_EQ(out.parts().size(), 3U);
  EXPECT_EQ(out.parts()[1].data(), array.data()) << "the array was copied";
  bson::builder expected;
  expected.append("insert", "c").append("ordered", false).append("$db", "shop");
  expected.append_array("documents", bson::document_view(array.data()));
  const bson::document body = expected.finish();
  EXPECT_EQ(joined(out), test::with_header(6, 0, 2013, test::op_msg(0, test::body_section(body))));
}

TEST(request, compressed_it_unpacks_to_the_same) {
  const auto reply = test::cursor_reply(500);
  const auto array = reply.view().at("cursor", "nextBatch").as_array()->bytes();
  bson::builder head;
  head.append("insert", "c");
  const bson::document command = head.finish();
  compression pack;
  request out;
  for (const auto how : {compressor::snappy, compressor::zlib, compressor::zstd, compressor::none}) {
    ASSERT_TRUE(out.encode_with_array(request_id, "shop", command, "documents", array));
    auto plain = joined(out);
    ASSERT_TRUE(out.compress(pack, how, -1));
    ASSERT_EQ(out.parts().size(), 1U);
    auto packed = joined(out);
    if (how != compressor::none) {
      EXPECT_LT(packed.size(), plain.size() / 2);
    }
    bson::store(packed.data() + 8, request_id);  // as if it were an answer
    const auto outcome = read_stream(packed, packed.size());
    ASSERT_TRUE(outcome.said) << outcome.said.error().message;
    EXPECT_TRUE(std::ranges::equal(outcome.said.value().body.bytes(), bson::bytes_view(plain).subspan(21)));
  }
}

TEST(request, too_large_for_a_message) {
  bson::builder builder;
  builder.append("insert", "c");
  const bson::document head = builder.finish();
  bytes array(limits::message_bytes_max);
  bson::store(array.data(), static_cast<std::int32_t>(array.size()));
  request out;
  const auto refused = out.encode_with_array(1, "db", head, "documents", array);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("\"insert\""), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace sluice::wire
