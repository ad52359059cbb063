// Framing: replies out of bytes, commands into bytes.
#include <cstdlib>
#include <memory>

#include <benchmark/benchmark.h>

#include "bench/documents.hpp"
#include "bench/hot_path.hpp"
#include "bench/one_lane.hpp"
#include "bench/prepared_reply.hpp"
#include "engine/wire/op_msg.hpp"

namespace sluice::bench {

namespace {

constexpr std::size_t messages_a_round = 200;
constexpr std::size_t documents_a_batch = 1000;

round read_replies(bson::document body, wire::batch_check batches) {
  struct state {
    prepared_reply reply;
    wire::reply_reader reader{};
    std::vector<std::byte> memory{};
  };
  auto kept = std::make_shared<state>(state{prepared_reply(body)});
  return [kept, batches] {
    for (std::size_t each = 0; each < messages_a_round; ++each) {
      kept->reply.start();
      wire::reply_reader& reader = kept->reader;
      reader.start(reply_id);
      while (reader.next() != wire::reply_reader::step::done) {
        if (reader.next() == wire::reply_reader::step::memory) {
          if (kept->memory.size() < reader.memory_bytes()) kept->memory.resize(reader.memory_bytes());
          reader.give(kept->memory);
          continue;
        }
        const auto into = reader.into();
        kept->reply.fill(into);
        must(reader.received(into.size()));
      }
      benchmark::DoNotOptimize(must(reader.take(batches)));
    }
    return round_work{messages_a_round, messages_a_round * kept->reply.size_bytes()};
  };
}

bson::document insert_head() {
  bson::builder head;
  head.append("insert", "docs").append("ordered", false).append("bypassDocumentValidation", true);
  head.open_document("writeConcern").append("w", 1).close();
  return head.finish();
}

round encode_insert() {
  return [request = std::make_shared<wire::request>(), head = insert_head(), array = lim_array(documents_a_batch)] {
    for (std::size_t each = 0; each < messages_a_round; ++each) {
      must(request->encode_with_array(static_cast<std::int32_t>(each), "lim", head, "documents", array.bytes()));
      benchmark::DoNotOptimize(request->parts().data());
    }
    return round_work{messages_a_round, messages_a_round * request->size_bytes()};
  };
}

round encode_command() {
  bson::builder made;
  made.append("getMore", std::int64_t{42}).append("collection", "docs").append("batchSize", 10'000);
  return [request = std::make_shared<wire::request>(), command = made.finish()] {
    for (std::size_t each = 0; each < messages_a_round; ++each) {
      must(request->encode(static_cast<std::int32_t>(each), "lim", command, true));
      benchmark::DoNotOptimize(request->parts().data());
    }
    return round_work{messages_a_round, messages_a_round * request->size_bytes()};
  };
}

}  // namespace

void add_op_msg(hot_paths& to) {
  to.push_back(
      {"op_msg/read_batch",
       [] { return read_replies(cursor_reply("nextBatch", lim_array(documents_a_batch)), wire::batch_check::frame); }});
  to.push_back(
      {"op_msg/read_command_reply", [] { return read_replies(insert_reply(10'000), wire::batch_check::documents); }});
  to.push_back({"op_msg/encode_insert", encode_insert});
  to.push_back({"op_msg/encode_get_more", encode_command});
}

}  // namespace sluice::bench
