// Threads, sockets and faults: accepts connections and carries requests to commands.cpp and back.
#include "tests/loopback/server.hpp"

#include <atomic>
#include <chrono>
#include <list>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "tests/loopback/commands.hpp"
#include "tests/loopback/socket.hpp"

namespace sluice::loopback {
namespace {

/// Runs one request and sends its replies. False when the connection is to be closed.
class responder {
 public:
  responder(node& server, stream_socket& socket, std::int32_t connection_id)
      : server_(server), socket_(socket), with_{.server = server, .scratch = {}, .id = connection_id} {}

  bool answer(const request& asked) {
    std::int32_t response_to = asked.id;
    while (true) {
      const auto planned = server_.faults.next(asked.command());
      if (planned && planned->kind == fault_kind::drop) return false;
      reply made = planned && planned->kind == fault_kind::error
                       ? reply(refusal(server_, planned->code, planned->code_name, "a planned fault"))
                       : run_command(with_, asked);
      const bool again = made.more_to_come;
      if ((asked.flags & more_to_come) != 0) return true;  // fire and forget
      framed_reply framed = frame(std::move(made), ++last_reply_id_, response_to, asked.is_legacy_query);
      response_to = last_reply_id_;
      if (!send(framed, planned)) return false;
      if (!again) return true;
    }
  }

 private:
  bool send(framed_reply& framed, const std::optional<fault>& planned) {
    if (!planned) return framed.send(socket_);
    switch (planned->kind) {
      case fault_kind::delay:
        wait_ms(planned->delay_ms);
        return framed.send(socket_);
      case fault_kind::cut:
      case fault_kind::drop:
        return false;
      case fault_kind::truncate:
        static_cast<void>(framed.send(socket_, framed.size_bytes() / 2));
        return false;
      case fault_kind::lie:
        framed.overwrite_length(planned->lie_bytes);
        static_cast<void>(framed.send(socket_));
        socket_.wait_for_hang_up();
        return false;
      case fault_kind::garbage:
        return send_garbage(framed);
      case fault_kind::error:
        return framed.send(socket_);
      case fault_kind::stall:
        socket_.wait_for_hang_up();
        return false;
    }
    return false;
  }

  bool send_garbage(framed_reply& framed) {
    std::vector<std::byte> noise(framed.body.size_bytes());
    std::mt19937 random(framed.envelope.empty() ? 0 : static_cast<unsigned>(noise.size()));
    for (auto& byte : noise) byte = std::byte(random() & 0xFFU);
    framed.body = reply();
    framed.body.head = std::move(noise);
    return framed.send(socket_);
  }

  /// Ends early with the server.
  void wait_ms(std::uint32_t ms) {
    std::unique_lock lock(server_.topology_mutex);
    server_.topology_changed.wait_for(lock, std::chrono::milliseconds(ms), [&] { return server_.stopping; });
  }

  node& server_;
  stream_socket& socket_;
  conversation with_;
  std::int32_t last_reply_id_ = 0;
};

struct session {
  explicit session(int descriptor) : socket(descriptor) {}
  stream_socket socket;
  std::atomic<bool> done = false;
  std::jthread thread;  // last: joined before the socket goes
};

}  // namespace

struct server::state {
  explicit state(server_options options)
      : listener(options.host, options.port), shared(std::move(options), listener.port()) {}

  void serve(session& client, std::int32_t connection_id) {
    request_reader reader(shared.options.trust_sizes);
    responder to(shared, client.socket, connection_id);
    while (const auto asked = reader.read(client.socket)) {
      if (!to.answer(*asked)) break;
    }
    client.socket.shut_down();
    client.done = true;
  }

  void accept_all() {
    std::int32_t connection_id = 0;
    while (true) {
      const int descriptor = listener.accept();
      if (descriptor < 0) return;
      const std::lock_guard lock(sessions_mutex);
      std::erase_if(sessions, [](const auto& one) { return one->done.load(); });
      session& added = *sessions.emplace_back(std::make_unique<session>(descriptor));
      ++connection_id;
      added.thread = std::jthread([this, &added, connection_id] { serve(added, connection_id); });
    }
  }

  void close_sessions() {
    const std::lock_guard lock(sessions_mutex);
    for (const auto& one : sessions) one->socket.shut_down();
  }

  listening_socket listener;
  node shared;
  std::mutex sessions_mutex;
  std::list<std::unique_ptr<session>> sessions;
  std::jthread accepting;
};

server::server(server_options options) : state_(std::make_unique<state>(std::move(options))) {
  state_->accepting = std::jthread([this] { state_->accept_all(); });
}

server::~server() {
  {
    const std::lock_guard lock(state_->shared.topology_mutex);
    state_->shared.stopping = true;
    state_->shared.topology_changed.notify_all();
  }
  state_->listener.shut_down();
  state_->accepting.join();
  state_->close_sessions();
}

std::uint16_t server::port() const {
  return state_->listener.port();
}

std::string server::uri() const {
  return "mongodb://" + state_->shared.me + "/?replicaSet=" + state_->shared.options.set_name;
}

void server::inject(fault planned) {
  state_->shared.faults.add(std::move(planned));
}
void server::clear_faults() {
  state_->shared.faults.clear();
}
void server::step_down() {
  state_->shared.change_role(false);
}
void server::step_up() {
  state_->shared.change_role(true);
}
void server::close_all_connections() {
  state_->close_sessions();
}

std::uint64_t server::commands(std::string_view name) const {
  return state_->shared.faults.seen(name);
}

std::uint64_t server::documents(std::string_view full_name) const {
  const auto& shared = state_->shared;
  if (shared.is_stored(full_name.substr(0, full_name.find('.')))) return stored(full_name).size();
  const auto found = shared.catalog.find(full_name);
  if (!found) return 0;
  return found->documents + (found->data_set_number ? shared.options.data.documents : 0);
}

std::uint64_t server::documents_inserted() const {
  return state_->shared.documents_inserted;
}
std::uint64_t server::bytes_inserted() const {
  return state_->shared.bytes_inserted;
}
std::size_t server::open_cursors() const {
  return state_->shared.cursors.size();
}

std::vector<std::string> server::namespaces() const {
  std::vector<std::string> names;
  for (const auto& [name, one] : state_->shared.catalog.list()) names.push_back(name);
  return names;
}

std::vector<bson::document> server::stored(std::string_view full_name) const {
  return state_->shared.store.find(full_name, bson::document());
}

const data_set& server::data() const {
  return state_->shared.data;
}

}  // namespace sluice::loopback
