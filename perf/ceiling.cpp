// sluice-ceiling: how fast a destination takes documents when the client costs nothing. Reads a collection into memory
// once, then replays its batches as raw inserts over a few connections. Everything a copy spends beyond this wall time
// is the copy's own. Must never do per-document work while it is timed.
#include "perf/ceiling.hpp"

#include <cstdio>
#include <exception>
#include <stdexcept>

#include <CLI/CLI.hpp>

namespace {

using namespace sluice::perf;

int run(int argument_count, char** argument_values) {
  ceiling_arguments chosen;
  CLI::App app(
      "The destination's ceiling: batches replayed from memory, or empty collections created, as fast as it takes "
      "them");
  app.add_option("--source", chosen.source, "URI of the set to read the batches from");
  app.add_option("--destination", chosen.destination,
                 "URI of the set to measure; the collection there is dropped first");
  app.add_option("--namespace", chosen.namespace_name, "database.collection")->capture_default_str();
  app.add_option("--batch-documents", chosen.batch_documents, "documents in a batch, at most")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--connections", chosen.connections, "writing connections, a thread each")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--in-flight", chosen.in_flight, "batches under way on each connection, at most")
      ->check(CLI::Range(1, 16))
      ->capture_default_str();
  app.add_flag("--unacknowledged", chosen.unacknowledged, "write with w: 0, and fence the end");
  app.add_option("--socket-buffer-kib", chosen.socket_buffer_kib, "of both directions; 0: as the kernel sees fit")
      ->check(CLI::Range(0, 65'536));
  app.add_flag("--read", chosen.read, "instead of inserting, only read the source");
  app.add_flag("--no-exhaust", chosen.no_exhaust, "ask the source for each batch instead of having them streamed");
  app.add_flag("--secondary", chosen.secondary, "read from a secondary");
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
  if (chosen.read) {
    if (chosen.source.empty()) throw std::invalid_argument("--source is needed to --read");
    drain(chosen);
    return 0;
  }
  if (chosen.destination.empty()) throw std::invalid_argument("--destination is needed");
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
