#include "bench/oplog_entries.hpp"

#include <memory>
#include <string>

#include "bench/documents.hpp"
#include "bson/bytes.hpp"
#include "engine/capture/chunk_builder.hpp"

namespace sluice::bench {

namespace {

bson::timestamp time_of(std::uint64_t n) noexcept {
  return {first_second, static_cast<std::uint32_t>(n + 1)};
}

bson::document entry_of(std::uint64_t n, const char* op, bson::document_view o, bson::document_view o2) {
  const std::size_t collection = scrambled(n + 3) % collections_written;
  const auto uuid = uuid_of(collection);
  bson::builder entry;
  entry.append("op", op).append("ns", "shop.orders" + std::to_string(collection));
  entry.append("ui", bson::binary_view{4, uuid}).append("o", o);
  if (!o2.empty()) entry.append("o2", o2);
  entry.append("ts", time_of(n)).append("t", std::int64_t{1}).append("v", std::int64_t{2});
  entry.append_date_ms("wall", std::int64_t{first_second} * 1000 + static_cast<std::int64_t>(n));
  return entry.finish();
}

}  // namespace

std::array<std::byte, 16> uuid_of(std::size_t collection) noexcept {
  std::array<std::byte, 16> uuid{};
  bson::store(uuid.data(), scrambled(collection + 1));
  bson::store(uuid.data() + 8, scrambled(collection + 1'000'001));
  return uuid;
}

bson::document object_id_document(std::uint64_t n) {
  bson::object_id id;
  bson::store(id.bytes, scrambled(n));
  bson::builder made;
  made.append("_id", id);
  return made.finish();
}

bson::document mixed_entry(std::uint64_t n) {
  const std::uint64_t kind = scrambled(n) % 100;
  const std::uint64_t some = scrambled(n + 7) % (n + 1);
  bson::builder o;
  if (kind < 40) {
    o.append_all(object_id_document(n)).append("customer", static_cast<std::int64_t>(n));
    o.append("text", std::string(180, 'x'));
    return entry_of(n, "i", o.finish(), object_id_document(n));
  }
  if (kind < 85) {
    o.append("$v", 2).open_document("diff").open_document("u").append("count", static_cast<std::int32_t>(n));
    o.append("state", "on its way").close().close();
    return entry_of(n, "u", o.finish(), object_id_document(some));
  }
  if (kind < 93) {
    o.append("$v", 2).open_document("diff").open_document("sitems").append("a", true).append("u7", "an item");
    o.close().close();
    return entry_of(n, "u", o.finish(), object_id_document(some));
  }
  return entry_of(n, "d", object_id_document(some), {});
}

capture::shared_chunk mixed_chunk(std::uint32_t count) {
  capture::chunk_builder builder;
  for (std::uint32_t n = 0; n < count; ++n) {
    const bson::document entry = mixed_entry(n);
    builder.add(entry.bytes(), {time_of(n), 1});
  }
  builder.seen(time_of(count - 1));
  return std::make_shared<const capture::change_chunk>(builder.take({}));
}

}  // namespace sluice::bench
