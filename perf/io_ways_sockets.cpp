// Between two sockets: messages of 16 MiB come from a process that sends one again and again, and go to a process whose
// kernel drops them. What is measured is the mover between them, alone.
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "perf/io_ways.hpp"

namespace sluice::perf {

namespace {

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// A connected pair over loopback TCP: ours, and the one of the process that is forked next.
struct tcp_pair {
  int here = -1;
  int there = -1;
};

tcp_pair connect_pair(int socket_buffer_bytes) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  const auto size = [&](int one) {
    if (socket_buffer_bytes == 0) return;
    ::setsockopt(one, SOL_SOCKET, SO_RCVBUF, &socket_buffer_bytes, sizeof socket_buffer_bytes);
    ::setsockopt(one, SOL_SOCKET, SO_SNDBUF, &socket_buffer_bytes, sizeof socket_buffer_bytes);
  };
  size(listener);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(listener, 1) != 0)
    fail("listen");
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  tcp_pair pair;
  pair.here = ::socket(AF_INET, SOCK_STREAM, 0);
  size(pair.here);
  if (::connect(pair.here, reinterpret_cast<sockaddr*>(&address), length) != 0) fail("connect");
  pair.there = ::accept(listener, nullptr, nullptr);
  ::close(listener);
  const int on = 1;
  for (const int one : {pair.here, pair.there}) ::setsockopt(one, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return pair;
}

pid_t fork_source(tcp_pair pair, std::uint64_t bytes) {
  const pid_t child = ::fork();
  if (child != 0) {
    ::close(pair.there);
    return child;
  }
  ::close(pair.here);
  const memory message(message_bytes);
  while (bytes > 0) {
    const ssize_t sent = ::send(pair.there, message.data(), message_bytes, MSG_NOSIGNAL);
    if (sent <= 0) ::_exit(1);
    bytes -= static_cast<std::uint64_t>(sent);
  }
  ::_exit(0);
}

pid_t fork_sink(tcp_pair pair, std::uint64_t bytes) {
  const pid_t child = ::fork();
  if (child != 0) {
    ::close(pair.there);
    return child;
  }
  ::close(pair.here);
  while (bytes > 0) {
    // MSG_TRUNC on a stream: the kernel drops the bytes instead of copying them.
    const ssize_t got = ::recv(pair.there, nullptr, message_bytes, MSG_TRUNC);
    if (got <= 0) ::_exit(1);
    bytes -= static_cast<std::uint64_t>(got);
  }
  ::_exit(0);
}

/// What a mover works with.
struct task {
  int from;
  int to;
  std::uint64_t messages;
  std::uint64_t calls = 0;
  std::string why_not{};
};

void expect_whole(int result, const char* what) {
  if (result == static_cast<int>(message_bytes)) return;
  errno = result < 0 ? -result : EPIPE;
  fail(what);
}

void poll_and_copy(task& it) {
  const memory buffer(message_bytes);
  const auto wait = [&](int on, short for_what) {
    pollfd one{on, for_what, 0};
    ++it.calls;
    if (::poll(&one, 1, -1) < 0) fail("poll");
  };
  for (std::uint64_t n = 0; n < it.messages; ++n) {
    for (std::size_t got = 0; got < message_bytes;) {
      ++it.calls;
      const ssize_t now = ::recv(it.from, buffer.data() + got, message_bytes - got, MSG_DONTWAIT);
      if (now < 0 && errno == EAGAIN) wait(it.from, POLLIN);
      if (now == 0 || (now < 0 && errno != EAGAIN)) fail("recv");
      if (now > 0) got += static_cast<std::size_t>(now);
    }
    for (std::size_t sent = 0; sent < message_bytes;) {
      ++it.calls;
      const ssize_t now = ::send(it.to, buffer.data() + sent, message_bytes - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (now < 0 && errno == EAGAIN) wait(it.to, POLLOUT);
      if (now < 0 && errno != EAGAIN) fail("send");
      if (now > 0) sent += static_cast<std::size_t>(now);
    }
  }
}

constexpr std::uint64_t received = 1;
constexpr std::uint64_t sent = 2;

struct ring_choice {
  unsigned flags = 0;
  bool overlap = true;  // the next message is received while the one before is sent
  bool registered_files = false;
  bool zero_copy_send = false;
  bool registered_buffers = false;
  bool huge = false;
  bool linked = false;  // receive and send submitted together, the second after the first
};

/// Two buffers: one is being received into, the other sent from.
void ring_copy(task& it, ring_choice how) {
  counting_ring ring(how.flags);
  if (ring.refused()) {
    it.why_not = ring.why();
    return;
  }
  std::array<std::unique_ptr<memory>, 2> buffers;
  std::array<iovec, 2> vectors{};
  for (std::size_t n = 0; n < 2; ++n) {
    buffers[n] = std::make_unique<memory>(message_bytes, how.huge);
    vectors[n] = {buffers[n]->data(), message_bytes};
  }
  if (how.registered_buffers && io_uring_register_buffers(ring.get(), vectors.data(), 2) != 0) {
    it.why_not = "buffers cannot be registered";
    return;
  }
  const std::array<int, 2> files{it.from, it.to};
  if (how.registered_files && io_uring_register_files(ring.get(), files.data(), 2) != 0) {
    it.why_not = "files cannot be registered";
    return;
  }
  const auto on = [&](io_uring_sqe* sqe, std::uint64_t id) {
    sqe->user_data = id;
    if (how.registered_files) io_uring_sqe_set_flags(sqe, sqe->flags | IOSQE_FIXED_FILE);
  };
  const auto receive = [&](std::size_t buffer) {
    io_uring_sqe* const sqe = ring.next();
    io_uring_prep_recv(sqe, how.registered_files ? 0 : it.from, buffers[buffer]->data(), message_bytes, MSG_WAITALL);
    if (how.linked) io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
    on(sqe, received);
  };
  const auto send = [&](std::size_t buffer) {
    io_uring_sqe* const sqe = ring.next();
    const int to = how.registered_files ? 1 : it.to;
    const int flags = MSG_WAITALL | MSG_NOSIGNAL;
    if (how.zero_copy_send && how.registered_buffers) {
      io_uring_prep_send_zc_fixed(sqe, to, buffers[buffer]->data(), message_bytes, flags, 0,
                                  static_cast<unsigned>(buffer));
    } else if (how.zero_copy_send) {
      io_uring_prep_send_zc(sqe, to, buffers[buffer]->data(), message_bytes, flags, 0);
    } else {
      io_uring_prep_send(sqe, to, buffers[buffer]->data(), message_bytes, flags);
    }
    on(sqe, sent);
  };
  /// Until one of that kind: of a zero-copy send the notification that its memory is free again.
  bool is_received = false;
  bool is_sent = false;
  const auto take_one = [&] {
    const auto done = ring.wait();
    if ((done.flags & IORING_CQE_F_NOTIF) != 0) {
      is_sent = true;
      return;
    }
    expect_whole(done.result, done.id == received ? "recv" : "send");
    if (done.id == received) is_received = true;
    if (done.id == sent && (done.flags & IORING_CQE_F_MORE) == 0) is_sent = true;
  };
  if (how.linked || !how.overlap) {
    for (std::uint64_t n = 0; n < it.messages; ++n) {
      is_received = is_sent = false;
      receive(0);
      if (how.linked) send(0);
      while (!is_received) take_one();
      if (!how.linked) send(0);
      while (!is_sent) take_one();
    }
  } else {
    receive(0);
    while (!is_received) take_one();
    for (std::uint64_t n = 0; n < it.messages; ++n) {
      const bool more = n + 1 < it.messages;
      is_received = !more;
      is_sent = false;
      send(n % 2);
      if (more) receive((n + 1) % 2);
      while (!is_received || !is_sent) take_one();
    }
  }
  it.calls = ring.calls();
}

/// The kernel chooses one of 128 buffers of 256 KiB for each arrival; each is sent on by itself.
void multishot_copy(task& it) {
  constexpr unsigned count = 128;
  constexpr std::size_t each = std::size_t{256} << 10U;
  constexpr int group = 7;
  counting_ring ring;
  if (ring.refused()) {
    it.why_not = ring.why();
    return;
  }
  const memory all(count * each);
  const memory shared_ring(count * sizeof(io_uring_buf) + 4096);
  auto* const offered = reinterpret_cast<io_uring_buf_ring*>(shared_ring.data());
  std::memset(shared_ring.data(), 0, shared_ring.size());
  io_uring_buf_reg where{};
  where.ring_addr = reinterpret_cast<std::uint64_t>(offered);
  where.ring_entries = count;
  where.bgid = group;
  if (const int refused = io_uring_register_buf_ring(ring.get(), &where, 0); refused != 0) {
    it.why_not = std::strerror(-refused);
    return;
  }
  const auto offer = [&](unsigned buffer) {
    io_uring_buf_ring_add(offered, all.data() + buffer * each, each, static_cast<unsigned short>(buffer),
                          io_uring_buf_ring_mask(count), 0);
    io_uring_buf_ring_advance(offered, 1);
  };
  for (unsigned n = 0; n < count; ++n) offer(n);
  const auto arm = [&] {
    io_uring_sqe* const sqe = ring.next();
    io_uring_prep_recv_multishot(sqe, it.from, nullptr, 0, 0);
    io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
    sqe->buf_group = group;
    sqe->user_data = received;
  };
  arm();
  bool armed = true;
  // Sends of one socket must not overtake each other: one is under way, the others wait.
  struct piece {
    unsigned buffer;
    std::size_t bytes;
  };
  std::vector<piece> waiting;
  std::size_t first = 0;
  bool sending = false;
  std::uint64_t left = it.messages * message_bytes;
  while (left > 0) {
    if (!sending && first < waiting.size()) {
      io_uring_sqe* const sqe = ring.next();
      io_uring_prep_send(sqe, it.to, all.data() + waiting[first].buffer * each, waiting[first].bytes,
                         MSG_WAITALL | MSG_NOSIGNAL);
      sqe->user_data = sent;
      sending = true;
    }
    if (!armed && waiting.size() - first < count / 2) {
      arm();
      armed = true;
    }
    const auto done = ring.wait();
    if (done.id == received) {
      if ((done.flags & IORING_CQE_F_MORE) == 0) armed = false;
      if (done.result > 0) {
        waiting.push_back({done.flags >> IORING_CQE_BUFFER_SHIFT, static_cast<std::size_t>(done.result)});
      } else if (done.result != -ENOBUFS) {
        errno = -done.result;
        fail("recv multishot");
      }
    } else {
      left -= waiting[first].bytes;
      offer(waiting[first].buffer);
      ++first;
      sending = false;
    }
  }
  it.calls = ring.calls();
}

struct named_way {
  const char* name;
  std::function<void(task&)> run;
};

const std::vector<named_way>& ways() {
  static const std::vector<named_way> all{
      {"poll, recv, send", poll_and_copy},
      {"io_uring, one buffer", [](task& it) { ring_copy(it, {.overlap = false}); }},
      {"io_uring, two buffers (the engine's way)", [](task& it) { ring_copy(it, {}); }},
      {"two buffers, registered files", [](task& it) { ring_copy(it, {.registered_files = true}); }},
      {"two buffers, huge pages", [](task& it) { ring_copy(it, {.huge = true}); }},
      {"receive and send linked", [](task& it) { ring_copy(it, {.linked = true}); }},
      {"two buffers, SEND_ZC", [](task& it) { ring_copy(it, {.zero_copy_send = true}); }},
      {"two buffers, SEND_ZC from registered buffers",
       [](task& it) { ring_copy(it, {.zero_copy_send = true, .registered_buffers = true}); }},
      {"two buffers, kernel polls the queue (SQPOLL)", [](task& it) { ring_copy(it, {.flags = IORING_SETUP_SQPOLL}); }},
      {"two buffers, DEFER_TASKRUN",
       [](task& it) { ring_copy(it, {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN}); }},
      {"multishot receive into provided buffers", multishot_copy},
  };
  return all;
}

}  // namespace

std::vector<std::string_view> socket_ways() {
  std::vector<std::string_view> names;
  for (const auto& one : ways()) names.emplace_back(one.name);
  return names;
}

way_cost move_between_sockets(std::string_view way, std::uint64_t bytes, int socket_buffer_bytes) {
  way_cost cost;
  cost.name = way;
  const auto source = connect_pair(socket_buffer_bytes);
  const auto sink = connect_pair(socket_buffer_bytes);
  const pid_t sends = fork_source(source, bytes);
  const pid_t drops = fork_sink(sink, bytes);
  task it{source.here, sink.here, bytes / message_bytes};
  const auto before = cpu_now();
  const auto begun = std::chrono::steady_clock::now();
  for (const auto& one : ways()) {
    if (way == one.name) one.run(it);
  }
  cost.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  const auto after = cpu_now();
  ::close(source.here);
  ::close(sink.here);
  ::waitpid(sends, nullptr, 0);
  ::waitpid(drops, nullptr, 0);
  cost.user_seconds = after.user_seconds - before.user_seconds;
  cost.system_seconds = after.system_seconds - before.system_seconds;
  cost.calls = it.calls;
  cost.why_not = it.why_not;
  return cost;
}

}  // namespace sluice::perf
