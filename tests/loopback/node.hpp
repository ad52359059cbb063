// The state of one loopback server: who it says it is, what it holds, which cursors are open. Everything here is shared
// by the connections' threads; knows nothing of sockets.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "bson/document.hpp"
#include "tests/loopback/catalog.hpp"
#include "tests/loopback/options.hpp"
#include "tests/loopback/store.hpp"

namespace sluice::loopback {

/// A scan of a data set's collection, or what a find in a stored one has found; what is left of it.
struct scan {
  std::string full_name;
  std::uint64_t collection = 0;
  std::uint64_t next = 0;  // index of the next document
  std::uint64_t end = 0;
  bool with_token = false;
  std::int64_t batch_documents = 0;     // of the find; 0: as many as fit
  std::vector<bson::document> found{};  // stored documents, from `next` to `end`; empty for a data set
};

/// Open cursors by id. A getMore takes its scan out and puts it back.
class cursor_table {
 public:
  [[nodiscard]] std::int64_t open(scan started);
  [[nodiscard]] std::optional<scan> take(std::int64_t id);
  void put_back(std::int64_t id, scan rest);
  bool kill(std::int64_t id);
  [[nodiscard]] bool holds(std::int64_t id) const;
  [[nodiscard]] std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::int64_t last_id_ = 4'611'686'018'427'387'904;  // as large as servers' ids are, so that 32 bits are not enough
  std::map<std::int64_t, scan> scans_;
};

struct node {
  node(server_options chosen, std::uint16_t port);

  server_options options;
  std::string me;  // "127.0.0.1:port"
  int version_major = 6;
  std::int32_t wire_version_max = 17;
  bson::object_id process_id;
  bson::object_id replica_set_id;
  std::array<std::byte, 16> initial_sync_id{};

  data_set data;
  loopback::catalog catalog;
  loopback::store store;
  cursor_table cursors;
  fault_plan faults;

  std::atomic<std::int64_t> term = 1;
  std::atomic<bool> writable = true;
  std::atomic<std::uint64_t> documents_inserted = 0;
  std::atomic<std::uint64_t> bytes_inserted = 0;

  [[nodiscard]] bool is_stored(std::string_view database) const;
  [[nodiscard]] bson::object_id election_id() const;
  /// The time of the last write, and of the next one.
  [[nodiscard]] bson::timestamp operation_time() const;
  bson::timestamp advance_time();
  void append_optime(bson::builder& into, std::string_view key, bson::timestamp at) const;

  // hello with maxAwaitTimeMS waits here for a change of role, or for the end.
  std::mutex topology_mutex;
  std::condition_variable topology_changed;
  std::int64_t topology_version = 0;  // guarded by topology_mutex
  bool stopping = false;              // guarded by topology_mutex
  void change_role(bool now_writable);

 private:
  std::atomic<std::uint64_t> clock_;  // seconds << 32 | increment
};

[[nodiscard]] std::int64_t now_ms();

}  // namespace sluice::loopback
