// What the works of sluice-ceiling share: the command line, connections that are timed together, the account at the
// end.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "perf/held_batches.hpp"

namespace sluice::perf {

struct ceiling_arguments {
  std::string source;
  std::string destination;
  std::string namespace_name = "lim.docs";
  std::int32_t batch_documents = 10'000;
  unsigned connections = 2;
  unsigned in_flight = 1;
  bool unacknowledged = false;
  bool read = false;
  bool no_exhaust = false;
  bool secondary = false;
  int socket_buffer_kib = 0;
  std::uint64_t creates = 0;
  std::uint64_t databases = 1;
  std::uint64_t documents_each = 0;
  bool empty = false;
  bool count_inserts = false;
  std::vector<std::string> keep;
  std::string json_file;

  [[nodiscard]] std::string database() const { return namespace_name.substr(0, namespace_name.find('.')); }
  [[nodiscard]] std::string collection() const { return namespace_name.substr(namespace_name.find('.') + 1); }
  [[nodiscard]] what_to_read from_source() const { return {database(), collection(), batch_documents, !no_exhaust}; }
};

/// CPU seconds of this process.
struct usage {
  double user_seconds = 0;
  double system_seconds = 0;
};
[[nodiscard]] usage usage_now();
[[nodiscard]] usage operator-(const usage& after, const usage& before);

struct measured {
  double wall_seconds = 0;
  usage cpu;
};

/// Runs `work` once per connection to the destination, on a thread each, and takes the time from the first to the last.
[[nodiscard]] measured time_on_connections(const ceiling_arguments& chosen,
                                           const std::function<void(blocking_client&)>& work);

void create(blocking_client& destination, const std::string& database, const std::string& collection);

/// Prints it, and writes it to `file` if that has a name.
void write_json(const std::string& file, const std::string& json);

template <class... Values>
std::string format(const char* pattern, Values... values) {
  std::string text(512, '\0');
  const int length = std::snprintf(text.data(), text.size(), pattern, values...);
  text.resize(static_cast<std::size_t>(length));
  return text;
}

// --- the works ---
/// The source's batches into memory, then into the destination as fast as it takes them.
void replay(const ceiling_arguments& chosen);
/// Every batch of the source received and forgotten.
void drain(const ceiling_arguments& chosen);
/// Empty or tiny collections c00000, c00001, ... spread evenly over databases.
void time_creates(const ceiling_arguments& chosen);
/// Every database but the server's own and those to keep goes; then one checkpoint, so that the next measurement finds
/// the server at rest.
void empty_destination(const ceiling_arguments& chosen);
/// How many documents the destination was ever sent in inserts, duplicates included.
void count_inserts(const ceiling_arguments& chosen);

}  // namespace sluice::perf
