#include "engine/measure/reading.hpp"

#include <optional>

#include <boost/asio/this_coro.hpp>

#include "bson/raw_array.hpp"
#include "engine/copy/partition_reader.hpp"
#include "engine/runtime/task_group.hpp"

namespace sluice::measure {

task<result<bool>> read_batches(copy::worker& w, const plan::partition& what, const on_batch& each) {
  const auto lane = co_await boost::asio::this_coro::executor;
  runtime::bounded_stream<copy::positioned_batch> batches(lane, 1, w.scope);
  std::optional<result<copy::read_end>> read;
  result<> taken = ok();
  bool more = true;
  // Neither side cancels the other's scope, as in copy/partition_copy.
  runtime::cancel_scope pair;
  runtime::task_group group(lane, pair);
  auto reading = [&]() -> task<result<>> {
    read = co_await copy::read_partition(w, what, std::nullopt, batches);
    co_return ok();
  };
  auto taking = [&]() -> task<result<>> {
    while (more) {
      auto next = co_await batches.pop();
      if (!next) co_return ok();
      if (next->data.empty()) continue;
      auto wanted = co_await each(next->data.documents);
      if (wanted.has_error()) taken = wanted.error();
      more = wanted.has_value() && wanted.value();
    }
    batches.abandon();
    // The reader may be waiting for a server that streams; nothing else ends that wait.
    if (w.from) w.from->close();
    co_return ok();
  };
  group.spawn(reading());
  group.spawn(taking());
  SLUICE_CO_TRYV(co_await group.join());
  if (taken.has_error()) co_return taken.error();
  if (w.scope.cancelled()) co_return failure(error_kind::cancelled, "cancelled while reading " + what.ns.to_string());
  if (!more) co_return false;
  if (read->has_error()) co_return read->error();
  if (read->value() != copy::read_end::whole) {
    co_return failure(error_kind::refused, what.ns.to_string() + " changed while it was read: measure a quiet one");
  }
  co_return true;
}

std::size_t walk_offset(std::span<const std::byte> array, std::int64_t count) {
  bson::raw_array_walk walk(array);
  for (std::int64_t i = 0; i < count; ++i) static_cast<void>(walk.next());
  return walk.offset();
}

}  // namespace sluice::measure
