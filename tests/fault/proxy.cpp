#include "tests/fault/proxy.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <system_error>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::fault {

namespace {

constexpr std::size_t piece_bytes = 64 * 1024;
constexpr int socket_buffer_bytes = 256 * 1024;  // what lies in the kernel is small beside what tests measure

sockaddr_in local(std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

int new_socket() {
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0) throw std::system_error(errno, std::generic_category(), "proxy: socket");
  for (const int option : {SO_RCVBUF, SO_SNDBUF}) {
    ::setsockopt(made, SOL_SOCKET, option, &socket_buffer_bytes, sizeof socket_buffer_bytes);
  }
  return made;
}

void no_delay(int on) {
  const int yes = 1;
  ::setsockopt(on, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

}  // namespace

/// Descriptors are closed when both pumps have let go of the link; before that they are only shut down.
struct proxy::link {
  int client = -1;
  int server = -1;
  std::atomic<bool> over = false;

  ~link() {
    ::close(client);
    ::close(server);
  }
  void end(cut_kind how) {
    over = true;
    for (const int end : {client, server}) {
      if (how == cut_kind::reset) {
        // Closing with unsent data and no lingering is what sends RST; disconnecting does so while others still read.
        const linger none{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(end, SOL_SOCKET, SO_LINGER, &none, sizeof none);
        sockaddr unspecified{};
        unspecified.sa_family = AF_UNSPEC;
        static_cast<void>(::connect(end, &unspecified, sizeof unspecified));
      }
      ::shutdown(end, SHUT_RDWR);
    }
  }
};

proxy::proxy(std::uint16_t target_port) : target_port_(target_port), listener_(new_socket()) {
  sockaddr_in at = local(0);
  socklen_t size = sizeof at;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
    const int cause = errno;
    ::close(listener_);
    throw std::system_error(cause, std::generic_category(), "proxy: listen");
  }
  port_ = ntohs(at.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

proxy::~proxy() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
    for (const auto& each : links_) each->end(cut_kind::fin);
  }
  changed_.notify_all();
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& each : pumps_) each.join();
  ::close(listener_);
}

void proxy::accept_all() {
  for (;;) {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return;
    }
    auto made = std::make_shared<link>();
    made->client = client;
    made->server = new_socket();
    const sockaddr_in at = local(target_port_);
    // A server that is down looks through the proxy as it does without: the connection ends at once.
    if (::connect(made->server, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
      made->end(cut_kind::reset);
      continue;
    }
    no_delay(made->client);
    no_delay(made->server);
    const std::scoped_lock lock(mutex_);
    if (ending_) return;
    if (is_cut_) {
      ++turned_away_;
      made->end(cut_kind::reset);
      continue;
    }
    ++connections_;
    std::erase_if(links_, [](const auto& each) { return each->over.load(); });
    links_.push_back(made);
    for (const direction where : {direction::to_server, direction::to_client}) {
      pumps_.emplace_back([this, made, where] { pump(made, where); });
    }
  }
}

void proxy::pump(const std::shared_ptr<link>& on, direction where) {
  const int from = where == direction::to_server ? on->client : on->server;
  const int to = where == direction::to_server ? on->server : on->client;
  std::vector<char> piece(piece_bytes);
  for (;;) {
    const ssize_t got = ::recv(from, piece.data(), piece.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      // An end of file passes on in its direction alone, as it would without the proxy.
      if (got == 0 && !on->over) ::shutdown(to, SHUT_WR);
      if (got < 0) on->end(cut_kind::reset);
      return;
    }
    std::size_t sent = 0;
    while (sent < static_cast<std::size_t>(got)) {
      const grant now = pass(*on, where, static_cast<std::size_t>(got) - sent);
      std::size_t left = now.bytes;
      while (left > 0) {
        const ssize_t written = ::send(to, piece.data() + sent, left, MSG_NOSIGNAL);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
          on->end(cut_kind::reset);
          return;
        }
        sent += static_cast<std::size_t>(written);
        left -= static_cast<std::size_t>(written);
      }
      if (now.cut && now.how == cut_kind::half_close) {
        ::shutdown(to, SHUT_WR);
        return;
      }
      if (now.cut) on->end(now.how);
      if (on->over) return;
    }
  }
}

proxy::grant proxy::pass(link& on, direction where, std::size_t wanted) {
  std::unique_lock lock(mutex_);
  lane& mine = lanes_[static_cast<std::size_t>(where)];
  changed_.wait(lock, [&] { return !mine.stalled || ending_ || on.over; });
  if (on.over) return {};
  grant given{.bytes = wanted};
  if (mine.planned.times > 0) {
    if (wanted >= mine.until_cut) {
      given = {.bytes = static_cast<std::size_t>(mine.until_cut), .cut = true, .how = mine.planned.how};
      ++cut_count_;
      --mine.planned.times;
      draw(where);
    } else {
      mine.until_cut -= wanted;
    }
  }
  mine.passed += given.bytes;
  if (mine.bytes_per_second > 0) {
    const std::chrono::duration<double> takes(static_cast<double>(given.bytes) /
                                              static_cast<double>(mine.bytes_per_second));
    changed_.wait_for(lock, takes, [&] { return ending_ || on.over || mine.bytes_per_second == 0; });
  }
  return given;
}

void proxy::draw(direction where) {
  lane& mine = lanes_[static_cast<std::size_t>(where)];
  mine.until_cut = mine.planned.least + random_() % (mine.planned.most - mine.planned.least + 1);
}

void proxy::plan(const cuts& planned) {
  const std::scoped_lock lock(mutex_);
  random_.seed(planned.seed);
  lanes_[static_cast<std::size_t>(planned.where)].planned = planned;
  draw(planned.where);
}

void proxy::throttle(direction where, std::uint64_t bytes_per_second) {
  {
    const std::scoped_lock lock(mutex_);
    lanes_[static_cast<std::size_t>(where)].bytes_per_second = bytes_per_second;
  }
  changed_.notify_all();
}

void proxy::stall(direction where) {
  const std::scoped_lock lock(mutex_);
  lanes_[static_cast<std::size_t>(where)].stalled = true;
}

void proxy::resume() {
  {
    const std::scoped_lock lock(mutex_);
    is_cut_ = false;
    for (lane& each : lanes_) each.stalled = false;
  }
  changed_.notify_all();
}

void proxy::reset_all() {
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& each : links_) each->end(cut_kind::reset);
    links_.clear();
  }
  changed_.notify_all();
}

void proxy::cut() {
  {
    const std::scoped_lock lock(mutex_);
    is_cut_ = true;
  }
  reset_all();
}

std::uint64_t proxy::turned_away() const {
  const std::scoped_lock lock(mutex_);
  return turned_away_;
}

std::uint32_t proxy::cut_count() const {
  const std::scoped_lock lock(mutex_);
  return cut_count_;
}

std::uint64_t proxy::passed(direction where) const {
  const std::scoped_lock lock(mutex_);
  return lanes_[static_cast<std::size_t>(where)].passed;
}

std::uint64_t proxy::connections() const {
  const std::scoped_lock lock(mutex_);
  return connections_;
}

}  // namespace sluice::fault
