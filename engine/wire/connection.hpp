// One authenticated connection to one server, and the only way the engine talks to any: commands in, replies out.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "bson/document.hpp"
#include "engine/runtime/buffer.hpp"
#include "engine/runtime/buffer_pool.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection_string.hpp"

namespace sluice::wire {

/// One reply: its memory and the validated body in it. run() and run_with_array() validate all of it; receive() leaves
/// out the documents of a cursor batch, which is framed only: walk it with bson::raw_array_walk.
struct reply {
  runtime::buffer memory;
  bson::document_view body;   // points into memory
  bool more_to_come = false;  // exhaust: the next reply follows without a request
};

/// What a connection's first exchange told (`hello`).
struct server_hello {
  std::int32_t wire_version_max = 0;
  std::string set_name;    // empty: not a replica set member
  bool is_mongos = false;  // msg == "isdbgrid"
  bool is_writable_primary = false;
  std::string primary;  // "host:port", empty when unknown
  std::string me;
  std::vector<std::string> hosts;
  std::int32_t batch_documents_max = 100'000;  // maxWriteBatchSize
};

/// Lives on the lane whose executor opened it; every member is called there. One command at a time (asserted), exhaust
/// streams included. After a network, timeout or protocol error the connection is closed for good.
class connection {
 public:
  /// Connects (name resolution, TCP or Unix socket, TLS, authentication through libmongoc, hello) within the URI's
  /// connect timeout. Errors: network, timeout, authentication, configuration (TLS files); each names `host`.
  /// Cancelled by `scope`, which must outlive the connection and closes it whenever cancelled.
  [[nodiscard]] static task<result<std::unique_ptr<connection>>> open(connection_string uri, host_port host,
                                                                      runtime::cancel_scope& scope);
  virtual ~connection() = default;

  /// Runs one command; `command` without `$db`, which is added. The reply's memory is the heap's.
  /// ok: 0 becomes an error of kind server with code and name (see server_error.hpp); write errors inside an ok reply
  /// do not. `time_limit` of zero waits as long as the server takes.
  [[nodiscard]] virtual task<result<reply>> run(std::string_view database, bson::document command,
                                                std::chrono::milliseconds time_limit = {}) = 0;

  /// Sends a command whose last field is an array that lies elsewhere: `head` is the command up to there (built as a
  /// whole document; `$db` is added), `array_name` the field's name, `array` the BSON array's bytes, sent as they are.
  /// Three iovecs, no copy (with compression: one). For insert, update and delete.
  [[nodiscard]] virtual task<result<reply>> run_with_array(std::string_view database, bson::document head,
                                                           std::string_view array_name, bson::bytes_view array) = 0;

  /// Sends a command, with exhaustAllowed when asked, without waiting for the reply.
  [[nodiscard]] virtual task<result<>> send(std::string_view database, bson::document command,
                                            bool exhaust_allowed) = 0;
  /// Receives the next reply into memory of `pool`, which is asked once the reply's length is known (backpressure:
  /// while it waits, the server is not read). ok: 0 is an error as in run(). `time_limit` is the server's alone:
  /// waiting for memory does not count. Zero waits as long as the server takes.
  [[nodiscard]] virtual task<result<reply>> receive(runtime::buffer_pool& pool,
                                                    std::chrono::milliseconds time_limit = {}) = 0;

  virtual void close() noexcept = 0;
  [[nodiscard]] virtual bool is_open() const noexcept = 0;
  [[nodiscard]] virtual const host_port& host() const noexcept = 0;
  [[nodiscard]] virtual const server_hello& hello() const noexcept = 0;
  [[nodiscard]] virtual const connection_string& uri() const noexcept = 0;

  struct traffic {
    std::uint64_t sent_bytes = 0;
    std::uint64_t received_bytes = 0;
  };
  [[nodiscard]] virtual traffic transferred() const noexcept = 0;

 protected:
  connection() = default;
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
};

}  // namespace sluice::wire
