// sluice-ceiling: how fast a destination takes documents when the client costs nothing. Reads a collection into memory
// once, then replays its batches as raw inserts over a few connections. Everything a copy spends beyond this wall time
// is the copy's own. Must never do per-document work while it is timed.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <sys/resource.h>

#include "perf/blocking_client.hpp"

namespace {

using namespace sluice;
using perf::blocking_client;
using steady = std::chrono::steady_clock;

struct arguments {
  std::string source;
  std::string destination;
  std::string namespace_name = "lim.docs";
  std::int32_t batch_documents = 10'000;
  unsigned connections = 2;
  std::uint64_t creates = 0;
  std::uint64_t databases = 1;
  std::uint64_t documents_each = 0;
  bool empty = false;
  bool count_inserts = false;
  std::vector<std::string> keep;
  std::string json_file;

  [[nodiscard]] std::string database() const { return namespace_name.substr(0, namespace_name.find('.')); }
  [[nodiscard]] std::string collection() const { return namespace_name.substr(namespace_name.find('.') + 1); }
};

struct usage {
  double user_seconds = 0;
  double system_seconds = 0;
};

usage usage_now() {
  rusage now{};
  ::getrusage(RUSAGE_SELF, &now);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return {seconds(now.ru_utime), seconds(now.ru_stime)};
}

struct measured {
  double wall_seconds = 0;
  usage cpu;
};

/// Runs `work` once per connection, on a thread each, and takes the time from the first to the last.
measured time_on_connections(const arguments& chosen, const std::function<void(blocking_client&)>& work) {
  std::vector<blocking_client> clients;
  for (unsigned i = 0; i < chosen.connections; ++i) {
    clients.push_back(blocking_client::connect_to_primary(chosen.destination));
  }
  std::vector<std::exception_ptr> failures(clients.size());
  const usage before = usage_now();
  const auto begin = steady::now();
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < clients.size(); ++i) {
      threads.emplace_back([&, i] {
        try {
          work(clients[i]);
        } catch (...) {
          failures[i] = std::current_exception();  // thrown again below, on the main thread
        }
      });
    }
  }
  measured result{.wall_seconds = std::chrono::duration<double>(steady::now() - begin).count(), .cpu = {}};
  const usage after = usage_now();
  result.cpu = {after.user_seconds - before.user_seconds, after.system_seconds - before.system_seconds};
  for (const auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  return result;
}

struct held_batch {
  perf::message reply;  // owns the memory
  bson::bytes_view array;
};

struct amount {
  std::uint64_t documents = 0;
  std::uint64_t bytes = 0;  // of BSON documents, without the arrays' keys
};

amount amount_of(const std::vector<held_batch>& batches) {
  amount sum;
  for (const auto& batch : batches) {
    for (const auto element : bson::document_view(batch.array.data())) {
      ++sum.documents;
      sum.bytes += element.value().size();
    }
  }
  return sum;
}

void hold(std::vector<held_batch>& into, perf::message reply, std::string_view array_name) {
  const auto array = reply.body.at("cursor", array_name).as_array();
  if (!array || array->empty()) return;
  into.push_back({std::move(reply), array->bytes()});
}

std::vector<held_batch> read_all(const arguments& chosen) {
  blocking_client source = blocking_client::connect_to_primary(chosen.source);
  bson::builder find;
  find.append("find", chosen.collection()).append("batchSize", 0).append("noCursorTimeout", true);
  find.open_document("hint").append("$natural", 1).close();
  const perf::message opened = source.run(chosen.database(), find.finish());
  const std::int64_t cursor = opened.body.at("cursor", "id").to_int64().value_or(0);
  std::vector<held_batch> batches;
  if (cursor == 0) return batches;
  bson::builder get_more;
  get_more.append("getMore", cursor).append("collection", chosen.collection());
  get_more.append("batchSize", chosen.batch_documents);
  source.send(chosen.database(), get_more.finish(), true);
  while (true) {
    perf::message reply = source.receive();
    if (!reply.body.find("ok").to_bool().value_or(false)) throw perf::server_failure("getMore failed", 0);
    const bool more = reply.more_to_come;
    hold(batches, std::move(reply), "nextBatch");
    if (!more) return batches;
  }
}

/// Secondary indexes of the source, as createIndexes takes them; nothing when there are none.
std::vector<bson::document> secondary_indexes(const arguments& chosen) {
  blocking_client source = blocking_client::connect_to_primary(chosen.source);
  bson::builder list;
  list.append("listIndexes", chosen.collection());
  const perf::message reply = source.run(chosen.database(), list.finish());
  std::vector<bson::document> indexes;
  for (const auto element : reply.body.at("cursor", "firstBatch").as_array().value_or(bson::document_view())) {
    const auto index = element.as_document();
    if (index && index->find("name").as_string() != "_id_") indexes.emplace_back(*index);
  }
  return indexes;
}

void drop_target(const arguments& chosen) {
  blocking_client destination = blocking_client::connect_to_primary(chosen.destination);
  bson::builder drop;
  drop.append("drop", chosen.collection());
  try {
    destination.run(chosen.database(), drop.finish());
  } catch (const perf::server_failure& refused) {
    constexpr std::int32_t namespace_not_found = 26;
    if (refused.code != namespace_not_found) throw;
  }
}

void create(blocking_client& destination, const std::string& database, const std::string& collection) {
  bson::builder command;
  command.append("create", collection);
  destination.run(database, command.finish());
}

void write_json(const std::string& file, const std::string& json) {
  std::printf("%s\n", json.c_str());
  if (file.empty()) return;
  std::ofstream out(file);
  out << json << '\n';
  if (!out.flush()) throw std::runtime_error("cannot write " + file);
}

template <class... Values>
std::string format(const char* pattern, Values... values) {
  std::string text(512, '\0');
  const int length = std::snprintf(text.data(), text.size(), pattern, values...);
  text.resize(static_cast<std::size_t>(length));
  return text;
}

void replay(const arguments& chosen) {
  const auto begin_read = steady::now();
  const std::vector<held_batch> batches = read_all(chosen);
  const double read_seconds = std::chrono::duration<double>(steady::now() - begin_read).count();
  const std::vector<bson::document> indexes = secondary_indexes(chosen);
  const amount held = amount_of(batches);
  drop_target(chosen);

  blocking_client control = blocking_client::connect_to_primary(chosen.destination);
  const auto begin_create = steady::now();
  create(control, chosen.database(), chosen.collection());
  const double create_seconds = std::chrono::duration<double>(steady::now() - begin_create).count();
  std::atomic<std::size_t> next = 0;
  const measured inserts = time_on_connections(chosen, [&](blocking_client& client) {
    for (std::size_t i = next++; i < batches.size(); i = next++) {
      client.insert(chosen.database(), chosen.collection(), batches[i].array);
    }
  });

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
             "\"read_seconds\": %.4f, \"batches\": %zu, \"documents\": %llu, \"bytes\": %llu, \"connections\": %u, "
             "\"user_seconds\": %.4f, \"system_seconds\": %.4f}",
             wall_seconds, create_seconds, inserts.wall_seconds, index_seconds, read_seconds, batches.size(),
             static_cast<unsigned long long>(held.documents), static_cast<unsigned long long>(held.bytes),
             chosen.connections, inserts.cpu.user_seconds, inserts.cpu.system_seconds));
}

/// Every database but the server's own and those to keep goes; then one checkpoint, so that the next measurement finds
/// the server at rest.
void empty_destination(const arguments& chosen) {
  blocking_client destination = blocking_client::connect_to_primary(chosen.destination);
  bson::builder list;
  const perf::message reply =
      destination.run("admin", list.append("listDatabases", 1).append("nameOnly", true).finish());
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

/// How many documents the destination was ever sent in inserts, duplicates included.
void count_inserts(const arguments& chosen) {
  blocking_client destination = blocking_client::connect_to_primary(chosen.destination);
  bson::builder status;
  const perf::message reply = destination.run("admin", status.append("serverStatus", 1).finish());
  std::printf("%lld\n", static_cast<long long>(reply.body.at("opcounters", "insert").to_int64().value_or(0)));
}

bson::document few_documents(std::uint64_t count) {
  bson::builder array;
  for (std::uint64_t i = 0; i < count; ++i) {
    array.open_document(std::to_string(i)).append("_id", static_cast<std::int64_t>(i)).append("text", "tiny").close();
  }
  return array.finish();
}

/// Empty or tiny collections c00000, c00001, ... spread evenly over databases.
void time_creates(const arguments& chosen) {
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

int run(int argument_count, char** argument_values) {
  arguments chosen;
  CLI::App app(
      "The destination's ceiling: batches replayed from memory, or empty collections created, as fast as it takes "
      "them");
  app.add_option("--source", chosen.source, "URI of the set to read the batches from");
  app.add_option("--destination", chosen.destination,
                 "URI of the set to measure; the collection there is dropped first")
      ->required();
  app.add_option("--namespace", chosen.namespace_name, "database.collection")->capture_default_str();
  app.add_option("--batch-documents", chosen.batch_documents, "documents in a batch, at most")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--connections", chosen.connections, "writing connections, a thread each")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--creates", chosen.creates, "instead of inserting, create this many empty collections");
  app.add_option("--databases", chosen.databases, "with --creates: spread over NAME0, NAME1, ...")
      ->check(CLI::Range(1, 1000));
  app.add_option("--documents-each", chosen.documents_each, "with --creates: tiny documents put into each collection");
  app.add_flag("--empty", chosen.empty,
               "instead of inserting, drop every database but admin, config and local, and write a checkpoint");
  app.add_option("--keep", chosen.keep, "with --empty: not this database (repeatable)")->allow_extra_args(false);
  app.add_flag("--count-inserts", chosen.count_inserts,
               "instead of inserting, print how many documents the destination was ever sent in inserts");
  app.add_option("--json", chosen.json_file, "write the result there as well");
  CLI11_PARSE(app, argument_count, argument_values);
  if (chosen.empty) {
    empty_destination(chosen);
    return 0;
  }
  if (chosen.count_inserts) {
    count_inserts(chosen);
    return 0;
  }
  if (chosen.creates > 0) {
    time_creates(chosen);
    return 0;
  }
  if (chosen.source.empty()) throw std::invalid_argument("--source is needed, or --creates");
  replay(chosen);
  return 0;
}

}  // namespace

int main(int argument_count, char** argument_values) {
  try {
    return run(argument_count, argument_values);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "sluice-ceiling: %s\n", failure.what());
    return 1;
  }
}
