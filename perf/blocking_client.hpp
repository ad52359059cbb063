// The least that can talk to a MongoDB server: OP_MSG over one blocking TCP socket, without TLS or authentication. For
// measuring and for tests only; it must stay so small that what is measured with it is the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <sys/uio.h>

#include "bson/document.hpp"

namespace sluice::perf {

/// Connection lost, or bytes that are no reply.
struct connection_failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// ok: 0, or write errors.
struct server_failure : std::runtime_error {
  server_failure(const std::string& message, std::int32_t server_code)
      : std::runtime_error(message), code(server_code) {}
  std::int32_t code;
};

/// One reply and its memory.
struct message {
  std::unique_ptr<std::byte[]> memory;
  bson::document_view body;
  std::int32_t id = 0;
  std::int32_t response_to = 0;
  bool more_to_come = false;
};

class blocking_client {
 public:
  /// Connects; throws connection_failure naming the address.
  blocking_client(const std::string& host, const std::string& port);
  /// The primary of a replica set, found through the hosts of a "mongodb://host:port,.../" string.
  [[nodiscard]] static blocking_client connect_to_primary(std::string_view uri);
  /// One of its secondaries, any.
  [[nodiscard]] static blocking_client connect_to_secondary(std::string_view uri);
  ~blocking_client();
  blocking_client(blocking_client&& other) noexcept;
  blocking_client& operator=(blocking_client&&) = delete;

  /// Throws server_failure for ok: 0.
  message run(std::string_view database, const bson::document& command);
  /// Sends without waiting; replies come through receive().
  void send(std::string_view database, const bson::document& command, bool exhaust_allowed = false);
  [[nodiscard]] message receive();

  /// Of both directions, instead of what the kernel finds right by itself; 0 leaves that.
  void set_socket_buffers(int bytes);

  /// insert with the array's bytes as they are: three pieces of memory, one system call. `w: 1`, unordered. Throws
  /// server_failure if a single document is refused.
  void insert(std::string_view database, std::string_view collection, bson::bytes_view array);
  /// The same in two steps, so that several can be under way. One that is not acknowledged (`w: 0`) has no answer.
  void send_insert(std::string_view database, std::string_view collection, bson::bytes_view array, bool acknowledged);
  void receive_inserted();

 private:
  explicit blocking_client(int descriptor) : descriptor_(descriptor) {}
  [[nodiscard]] static blocking_client connect(std::string_view host_and_port);
  [[nodiscard]] message hello();
  void read(std::byte* into, std::size_t bytes);
  void write(iovec* parts, std::size_t count);

  int descriptor_ = -1;
  std::int32_t last_id_ = 0;
};

}  // namespace sluice::perf
