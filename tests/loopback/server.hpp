// The loopback server: enough of a replica set's primary to stand in for a source that delivers prepared documents and
// for a destination that swallows them, at next to no cost of its own, with faults on demand. One thread per
// connection, blocking sockets. It never parses a document on the data path, and shares no code with the engine.
//
//   loopback::server source({.data = {.collections = 1, .documents = 100'000}});
//   loopback::server destination({.faults = {loopback::fault::parse("insert:3:cut")}});
//   copy(source.uri(), destination.uri());
//   EXPECT_EQ(destination.documents("load.docs"), 100'000);
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bson/document.hpp"
#include "tests/loopback/options.hpp"

namespace sluice::loopback {

class server {
 public:
  /// Listens when it returns. Throws std::system_error (address) or std::invalid_argument (options).
  explicit server(server_options options);
  /// Ends every connection and waits for the threads.
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  /// "mongodb://127.0.0.1:port/?replicaSet=loopback"
  [[nodiscard]] std::string uri() const;

  // All of these may be called from any thread while clients are served.
  void inject(fault planned);
  void clear_faults();
  /// From now on hello says secondary, and writes are refused with NotWritablePrimary.
  void step_down();
  /// Primary again, in a new term with another electionId.
  void step_up();
  void close_all_connections();

  /// How often a command came (exhaust replies count one by one); "*" for all.
  [[nodiscard]] std::uint64_t commands(std::string_view name) const;
  /// Documents in a namespace: delivered, swallowed or stored.
  [[nodiscard]] std::uint64_t documents(std::string_view full_name) const;
  [[nodiscard]] std::uint64_t documents_inserted() const;
  [[nodiscard]] std::uint64_t bytes_inserted() const;
  [[nodiscard]] std::size_t open_cursors() const;
  [[nodiscard]] std::vector<std::string> namespaces() const;
  /// What is stored in a stored database's collection, by `_id`.
  [[nodiscard]] std::vector<bson::document> stored(std::string_view full_name) const;
  [[nodiscard]] const data_set& data() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace sluice::loopback
