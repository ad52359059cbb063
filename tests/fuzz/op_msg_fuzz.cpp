// Any bytes as what comes from a server, cut into reads of any size: what the reader accepts can be walked to its end,
// and it never asks for more memory than two messages.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "bson/raw_array.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/wire/op_msg.hpp"

namespace bson = sluice::bson;
namespace wire = sluice::wire;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void walk(bson::document_view body) {
  std::size_t bytes = 5;
  for (const auto field : body) bytes += field.whole().size();
  require(bytes == body.size_bytes());
  const auto cursor = body.find("cursor").as_document();
  if (!cursor) return;
  for (const auto field : *cursor) {
    const auto batch = field.as_array();
    if (!batch) continue;
    bson::raw_array_walk documents(batch->bytes());
    while (documents.next()) {
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = data[0] + std::size_t{1};
  const auto batches = data[1] % 2 == 0 ? wire::batch_check::frame : wire::batch_check::documents;
  bson::bytes_view stream(reinterpret_cast<const std::byte*>(data) + 2, size - 2);

  wire::reply_reader reader;
  std::vector<std::byte> memory;
  std::int32_t awaited = 0;
  for (;;) {
    reader.start(awaited);
    while (reader.next() != wire::reply_reader::step::done) {
      if (reader.next() == wire::reply_reader::step::memory) {
        require(reader.memory_bytes() <= 2 * sluice::limits::message_bytes_max);
        // A length is only worth memory here when the input could fill it: the fuzzer would learn nothing else.
        if (reader.memory_bytes() > 64 * size + 4096) return 0;
        memory.resize(reader.memory_bytes());
        reader.give(memory);
        continue;
      }
      const auto into = reader.into();
      const std::size_t bytes = std::min({into.size(), piece, stream.size()});
      if (bytes == 0) return 0;
      std::copy_n(stream.begin(), bytes, into.begin());
      stream = stream.subspan(bytes);
      if (!reader.received(bytes)) return 0;
    }
    const auto said = reader.take(batches);
    if (!said) return 0;
    walk(said.value().body);
    awaited = reader.next_response_to();
  }
}
