// Onto a disk: segments written one megabyte at a time, as the spool does, with one fdatasync at the end.
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include <fcntl.h>
#include <unistd.h>

#include "perf/io_ways.hpp"

namespace sluice::perf {

namespace {

constexpr std::size_t write_bytes = std::size_t{1} << 20U;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

struct file_choice {
  bool ring = true;
  bool registered_buffers = false;
  bool past_the_cache = false;  // O_DIRECT
  unsigned under_way = 1;
};

void write_all(int file, std::uint64_t bytes, file_choice how, way_cost& cost) {
  const memory from(write_bytes * how.under_way);
  if (!how.ring) {
    for (std::uint64_t at = 0; at < bytes; at += write_bytes) {
      ++cost.calls;
      if (::pwrite(file, from.data(), write_bytes, static_cast<off_t>(at)) != static_cast<ssize_t>(write_bytes))
        fail("pwrite");
    }
    return;
  }
  counting_ring ring;
  if (ring.refused()) {
    cost.why_not = ring.why();
    return;
  }
  const iovec all{from.data(), from.size()};
  if (how.registered_buffers && io_uring_register_buffers(ring.get(), &all, 1) != 0) {
    cost.why_not = "buffers cannot be registered";
    return;
  }
  std::uint64_t next = 0;
  unsigned under_way = 0;
  const auto start = [&](std::uint64_t slot) {
    io_uring_sqe* const sqe = ring.next();
    std::byte* const data = from.data() + slot * write_bytes;
    if (how.registered_buffers) {
      io_uring_prep_write_fixed(sqe, file, data, write_bytes, next, 0);
    } else {
      io_uring_prep_write(sqe, file, data, write_bytes, next);
    }
    sqe->user_data = slot;
    next += write_bytes;
    ++under_way;
  };
  for (unsigned slot = 0; slot < how.under_way && next < bytes; ++slot) start(slot);
  while (under_way > 0) {
    const auto done = ring.wait();
    if (done.result != static_cast<int>(write_bytes)) {
      errno = done.result < 0 ? -done.result : EIO;
      fail("write");
    }
    --under_way;
    if (next < bytes) start(done.id);
  }
  cost.calls = ring.calls();
}

struct named_way {
  const char* name;
  file_choice how;
};

constexpr std::array<named_way, 7> ways{{
    {"pwrite", {.ring = false}},
    {"io_uring (the engine's way)", {}},
    {"io_uring, registered buffer", {.registered_buffers = true}},
    {"io_uring, four under way", {.under_way = 4}},
    {"io_uring, O_DIRECT", {.past_the_cache = true}},
    {"io_uring, O_DIRECT, registered buffer", {.registered_buffers = true, .past_the_cache = true}},
    {"io_uring, O_DIRECT, registered buffers, four under way",
     {.registered_buffers = true, .past_the_cache = true, .under_way = 4}},
}};

}  // namespace

std::vector<std::string_view> file_ways() {
  std::vector<std::string_view> names;
  for (const auto& one : ways) names.emplace_back(one.name);
  return names;
}

way_cost write_to_file(std::string_view way, std::uint64_t bytes, const std::string& folder) {
  way_cost cost;
  cost.name = way;
  for (const auto& one : ways) {
    if (way != one.name) continue;
    const std::string path = folder + "/sluice-io-ways." + std::to_string(::getpid());
    const int file =
        ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | (one.how.past_the_cache ? O_DIRECT : 0), 0600);
    if (file < 0 && errno == EINVAL) {
      ::unlink(path.c_str());
      cost.why_not = "this file system has no O_DIRECT";
      return cost;
    }
    if (file < 0) fail(path.c_str());
    ::unlink(path.c_str());
    const auto before = cpu_now();
    const auto begun = std::chrono::steady_clock::now();
    write_all(file, bytes, one.how, cost);
    if (::fdatasync(file) != 0) fail("fdatasync");
    ++cost.calls;
    cost.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    const auto after = cpu_now();
    ::close(file);
    cost.user_seconds = after.user_seconds - before.user_seconds;
    cost.system_seconds = after.system_seconds - before.system_seconds;
  }
  return cost;
}

}  // namespace sluice::perf
