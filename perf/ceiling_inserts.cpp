// Documents out of the source and into the destination, by a client that never looks at one while it is timed.
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "perf/ceiling.hpp"

namespace sluice::perf {
namespace {

using steady = std::chrono::steady_clock;

/// Secondary indexes of the source, as createIndexes takes them; nothing when there are none.
std::vector<bson::document> secondary_indexes(const ceiling_arguments& chosen) {
  blocking_client source = blocking_client::connect_to_primary(chosen.source);
  bson::builder list;
  list.append("listIndexes", chosen.collection());
  const message reply = source.run(chosen.database(), list.finish());
  std::vector<bson::document> indexes;
  for (const auto element : reply.body.at("cursor", "firstBatch").as_array().value_or(bson::document_view())) {
    const auto index = element.as_document();
    if (index && index->find("name").as_string() != "_id_") indexes.emplace_back(*index);
  }
  return indexes;
}

void drop_target(const ceiling_arguments& chosen) {
  blocking_client destination = blocking_client::connect_to_primary(chosen.destination);
  bson::builder drop;
  drop.append("drop", chosen.collection());
  try {
    destination.run(chosen.database(), drop.finish());
  } catch (const server_failure& refused) {
    constexpr std::int32_t namespace_not_found = 26;
    if (refused.code != namespace_not_found) throw;
  }
}

/// Whoever wants no acknowledgement is not told what was refused either.
void check_all_there(blocking_client& destination, const ceiling_arguments& chosen, std::uint64_t documents) {
  bson::builder count;
  const message reply = destination.run(chosen.database(), count.append("count", chosen.collection()).finish());
  const auto there = static_cast<std::uint64_t>(reply.body.find("n").to_int64().value_or(0));
  if (there == documents) return;
  throw std::runtime_error("of " + std::to_string(documents) + " documents " + std::to_string(there) + " are there");
}

/// Batches from `next` on until there are none, as many under way as may be; ends when the server has done them all.
void insert_batches(blocking_client& client, const ceiling_arguments& chosen, const std::vector<held_batch>& batches,
                    std::atomic<std::size_t>& next) {
  unsigned under_way = 0;
  for (std::size_t i = next++; i < batches.size(); i = next++) {
    client.send_insert(chosen.database(), chosen.collection(), batches[i].array, !chosen.unacknowledged);
    if (chosen.unacknowledged) continue;
    if (++under_way < chosen.in_flight) continue;
    client.receive_inserted();
    --under_way;
  }
  while (under_way-- > 0) client.receive_inserted();
  if (!chosen.unacknowledged) return;
  bson::builder fence;  // a server takes one connection's commands in their order
  client.run("admin", fence.append("ping", 1).finish());
}

std::string told_of(const amount& moved, const usage& cpu) {
  return format("\"documents\": %llu, \"bytes\": %llu, \"user_seconds\": %.4f, \"system_seconds\": %.4f",
                static_cast<unsigned long long>(moved.documents), static_cast<unsigned long long>(moved.bytes),
                cpu.user_seconds, cpu.system_seconds);
}

blocking_client connect_to_source(const ceiling_arguments& chosen) {
  blocking_client source = chosen.secondary ? blocking_client::connect_to_secondary(chosen.source)
                                            : blocking_client::connect_to_primary(chosen.source);
  source.set_socket_buffers(chosen.socket_buffer_kib * 1024);
  return source;
}

}  // namespace

void drain(const ceiling_arguments& chosen) {
  blocking_client source = connect_to_source(chosen);
  amount received;
  const usage before = usage_now();
  const auto begin = steady::now();
  read_batches(source, chosen.from_source(), [&](const held_batch& batch) {
    received.bytes += batch.array.size();  // not looked into: that would be timed
    ++received.batches;
  });
  const double wall_seconds = std::chrono::duration<double>(steady::now() - begin).count();
  write_json(chosen.json_file, format("{\"wall_seconds\": %.4f, \"batches\": %llu, ", wall_seconds,
                                      static_cast<unsigned long long>(received.batches)) +
                                   told_of(received, usage_now() - before) + "}");
}

void replay(const ceiling_arguments& chosen) {
  const auto begin_read = steady::now();
  blocking_client source = connect_to_source(chosen);
  std::vector<held_batch> batches;
  read_batches(source, chosen.from_source(), [&batches](held_batch batch) { batches.push_back(std::move(batch)); });
  const double read_seconds = std::chrono::duration<double>(steady::now() - begin_read).count();
  const std::vector<bson::document> indexes = secondary_indexes(chosen);
  const amount held = amount_of(batches);
  drop_target(chosen);

  blocking_client control = blocking_client::connect_to_primary(chosen.destination);
  const auto begin_create = steady::now();
  create(control, chosen.database(), chosen.collection());
  const double create_seconds = std::chrono::duration<double>(steady::now() - begin_create).count();
  std::atomic<std::size_t> next = 0;
  const measured inserts =
      time_on_connections(chosen, [&](blocking_client& client) { insert_batches(client, chosen, batches, next); });
  if (chosen.unacknowledged) check_all_there(control, chosen, held.documents);

  const auto begin_indexes = steady::now();
  if (!indexes.empty()) {
    bson::builder command;
    command.append("createIndexes", chosen.collection()).open_array("indexes");
    for (const auto& index : indexes) command.push(index);
    command.close();
    control.run(chosen.database(), command.finish());
  }
  const double index_seconds = std::chrono::duration<double>(steady::now() - begin_indexes).count();
  const double wall_seconds = create_seconds + inserts.wall_seconds + index_seconds;
  write_json(
      chosen.json_file,
      format("{\"wall_seconds\": %.4f, \"create_seconds\": %.4f, \"insert_seconds\": %.4f, \"index_seconds\": %.4f, "
             "\"read_seconds\": %.4f, \"batches\": %zu, \"connections\": %u, ",
             wall_seconds, create_seconds, inserts.wall_seconds, index_seconds, read_seconds, batches.size(),
             chosen.connections) +
          told_of(held, inserts.cpu) + "}");
}

}  // namespace sluice::perf
