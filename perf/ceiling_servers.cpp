// What is not about documents: collections without any, and a destination brought back to its beginning.
#include <algorithm>
#include <atomic>
#include <cstdio>

#include "perf/ceiling.hpp"

namespace sluice::perf {
namespace {

bson::document few_documents(std::uint64_t count) {
  bson::builder array;
  for (std::uint64_t i = 0; i < count; ++i) {
    array.open_document(std::to_string(i)).append("_id", static_cast<std::int64_t>(i)).append("text", "tiny").close();
  }
  return array.finish();
}

}  // namespace

void empty_destination(const ceiling_arguments& chosen) {
  blocking_client destination = blocking_client::connect_to_primary(chosen.destination);
  bson::builder list;
  const message reply = destination.run("admin", list.append("listDatabases", 1).append("nameOnly", true).finish());
  const auto databases = reply.body.find("databases").as_array().value_or(bson::document_view());
  for (const auto element : databases) {
    const auto entry = element.as_document().value_or(bson::document_view());
    const std::string name(entry.find("name").as_string().value_or("admin"));
    const bool of_the_server = name == "admin" || name == "config" || name == "local";
    if (of_the_server || std::ranges::find(chosen.keep, name) != chosen.keep.end()) continue;
    bson::builder drop;
    drop.append("dropDatabase", 1).open_document("writeConcern").append("w", "majority").close();
    destination.run(name, drop.finish());
  }
  bson::builder checkpoint;
  destination.run("admin", checkpoint.append("fsync", 1).finish());
}

void count_inserts(const ceiling_arguments& chosen) {
  blocking_client destination = blocking_client::connect_to_primary(chosen.destination);
  bson::builder status;
  const message reply = destination.run("admin", status.append("serverStatus", 1).finish());
  std::printf("%lld\n", static_cast<long long>(reply.body.at("opcounters", "insert").to_int64().value_or(0)));
}

void time_creates(const ceiling_arguments& chosen) {
  std::atomic<std::uint64_t> next = 0;
  const bson::document few = few_documents(chosen.documents_each);
  const measured made = time_on_connections(chosen, [&](blocking_client& client) {
    for (std::uint64_t i = next++; i < chosen.creates; i = next++) {
      const std::string database =
          chosen.database() + (chosen.databases == 1 ? "" : std::to_string(i % chosen.databases));
      const std::string name = format("c%05llu", static_cast<unsigned long long>(i));
      create(client, database, name);
      if (chosen.documents_each > 0) client.insert(database, name, few.bytes());
    }
  });
  write_json(chosen.json_file,
             format("{\"wall_seconds\": %.4f, \"creates\": %llu, \"connections\": %u, \"user_seconds\": %.4f, "
                    "\"system_seconds\": %.4f}",
                    made.wall_seconds, static_cast<unsigned long long>(chosen.creates), chosen.connections,
                    made.cpu.user_seconds, made.cpu.system_seconds));
}

}  // namespace sluice::perf
