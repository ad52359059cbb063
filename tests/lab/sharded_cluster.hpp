// A real sharded cluster of version 5.0: config servers, shards and a mongos. Only where a mongos was found.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/lab/replica_set.hpp"

namespace sluice::lab {

struct sharded_cluster_options {
  std::size_t shards = 2;
  std::size_t nodes = 1;                 // of each shard
  std::size_t routers = 1;               // mongos
  std::optional<credentials> root = {};  // enforces SCRAM; the user is made with role root
  std::string version = "5.0.4";         // of the mongods; the mongos that tools/bootstrap unpacks is 5.0 too
};

class sharded_cluster {
 public:
  /// Throws where there is no mongos: ask find_mongos() first, and count the test as not run.
  explicit sharded_cluster(const sharded_cluster_options& options = {});
  ~sharded_cluster();
  sharded_cluster(const sharded_cluster&) = delete;
  sharded_cluster& operator=(const sharded_cluster&) = delete;

  /// Of every mongos, as root where there is one.
  [[nodiscard]] std::string uri() const { return uri_as(root_); }
  [[nodiscard]] std::string uri_as(const std::optional<credentials>& who) const;
  /// Of one.
  [[nodiscard]] client connect_to(std::size_t router) const;
  [[nodiscard]] client connect() const { return client(uri()); }
  [[nodiscard]] replica_set& shard(std::size_t index) { return *shards_.at(index); }
  [[nodiscard]] replica_set& config_servers() { return *config_; }

  /// In `admin`; `roles` as extended JSON.
  void add_user(const credentials& who, const std::string& roles);
  /// Shards a collection; `key` as extended JSON, for example {"_id": "hashed"}.
  void shard_collection(const std::string& database, const std::string& collection, const std::string& key);

 private:
  void start_mongos(std::size_t number);

  std::filesystem::path directory_;
  std::optional<credentials> root_;
  std::unique_ptr<replica_set> config_;
  std::vector<std::unique_ptr<replica_set>> shards_;
  struct running_mongos {
    std::uint16_t port = 0;
    std::unique_ptr<child_process> mongos;
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port); }
  };
  std::vector<running_mongos> routers_;
};

}  // namespace sluice::lab
