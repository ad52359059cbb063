// A real replica set of one or more nodes, initiated and with a primary: what tests copy from and to.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "tests/lab/mongod_process.hpp"

namespace sluice::lab {

struct replica_set_options {
  std::string name = "rs0";
  std::size_t nodes = 1;
  bool config_server = false;  // with the argument --configsvr: the set's configuration says so too
  server_options server = {};  // of each node; a given directory or port is the first one's, others follow it
};

class replica_set {
 public:
  /// Starts all nodes, initiates the set, waits for a primary and makes the root user when one is asked for.
  explicit replica_set(replica_set_options options = {});

  [[nodiscard]] const std::string& name() const noexcept { return options_.name; }
  /// "mongodb://[user:password@]host:port,…/?replicaSet=…", with what TLS needs.
  [[nodiscard]] std::string uri() const { return uri_as(options_.server.root); }
  /// The same for another user, or for none.
  [[nodiscard]] std::string uri_as(const std::optional<credentials>& who,
                                   const std::string& more_parameters = {}) const;
  [[nodiscard]] client connect() const { return client(uri()); }

  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
  [[nodiscard]] mongod_process& node(std::size_t index) { return *nodes_.at(index); }
  /// The node that takes writes; waits for an election if need be.
  [[nodiscard]] mongod_process& primary();
  /// A node that is a secondary now; throws when there is none.
  [[nodiscard]] mongod_process& secondary();
  /// The primary gives up its role; returns when a primary (another one, where there is more than one node) is there.
  void step_down();
  /// `roles` as extended JSON, for example R"(["backup", {"role": "readWrite", "db": "shop"}])".
  void add_user(const credentials& who, const std::string& roles);

  void stop();     // every node, cleanly
  void restart();  // every node, and waits for a primary
  [[nodiscard]] double cpu_seconds() const;

 private:
  void initiate();
  void make_root();
  /// Index of a node that says it is primary, or size().
  [[nodiscard]] std::size_t find_primary();

  replica_set_options options_;
  std::vector<std::unique_ptr<mongod_process>> nodes_;
};

}  // namespace sluice::lab
