// sluice-io-ways: prints what each way of moving bytes costs here, in turns, so that the machine's drift meets all
// alike.
#include "perf/io_ways.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

#include <CLI/CLI.hpp>
#include <sys/mman.h>
#include <sys/resource.h>

namespace sluice::perf {

memory::memory(std::size_t bytes, bool huge) : data_(nullptr), bytes_(bytes) {
  constexpr std::size_t huge_page_bytes = std::size_t{2} << 20U;
  void* const mapped =
      ::mmap(nullptr, bytes + huge_page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) {
    std::perror("mmap");
    std::exit(1);
  }
  const std::size_t beyond = reinterpret_cast<std::uintptr_t>(mapped) % huge_page_bytes;
  data_ = static_cast<std::byte*>(mapped) + (beyond == 0 ? 0 : huge_page_bytes - beyond);
  (void)::madvise(data_, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  std::memset(data_, 'x', bytes);
}

counting_ring::counting_ring(unsigned flags) {
  io_uring_params how{};
  how.flags = flags;
  how.sq_thread_idle = 1000;
  refused_ = io_uring_queue_init_params(256, &ring_, &how);
}

counting_ring::~counting_ring() {
  if (refused_ == 0) io_uring_queue_exit(&ring_);
}

std::string counting_ring::why() const {
  return std::strerror(-refused_);
}

io_uring_sqe* counting_ring::next() {
  return io_uring_get_sqe(&ring_);
}

counting_ring::completion counting_ring::wait() {
  io_uring_cqe* done = nullptr;
  if (io_uring_sq_ready(&ring_) > 0 || io_uring_peek_cqe(&ring_, &done) != 0) {
    ++calls_;
    if (const int submitted = io_uring_submit_and_wait(&ring_, 1); submitted < 0) {
      std::fprintf(stderr, "io_uring_enter: %s\n", std::strerror(-submitted));
      std::exit(1);
    }
    if (io_uring_wait_cqe(&ring_, &done) != 0) std::exit(1);
  }
  const completion told{done->user_data, done->res, done->flags};
  io_uring_cqe_seen(&ring_, done);
  return told;
}

process_cpu cpu_now() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return {seconds(used.ru_utime), seconds(used.ru_stime)};
}

}  // namespace sluice::perf

namespace {

using namespace sluice::perf;

double median(std::vector<double> of) {
  std::ranges::sort(of);
  return of[of.size() / 2];
}

void print_rows(const std::vector<std::vector<way_cost>>& by_way, double gigabytes) {
  std::printf("| way | GB/s | CPU s/GB | of it user | calls/MB |\n| --- | --- | --- | --- | --- |\n");
  for (const auto& runs : by_way) {
    if (!runs.front().why_not.empty()) {
      std::printf("| %s | %s | | | |\n", runs.front().name.c_str(), runs.front().why_not.c_str());
      continue;
    }
    std::vector<double> wall, cpu, user;
    for (const auto& one : runs) {
      wall.push_back(one.wall_seconds);
      cpu.push_back(one.user_seconds + one.system_seconds);
      user.push_back(one.user_seconds);
    }
    std::printf("| %s | %.2f | %.3f | %.3f | %.2f |\n", runs.front().name.c_str(), gigabytes / median(wall),
                median(cpu) / gigabytes, median(user) / gigabytes,
                static_cast<double>(runs.front().calls) / (gigabytes * 1000));
  }
}

void measure_in_turns(const std::vector<std::string_view>& ways, unsigned rounds, double gigabytes,
                      const std::function<way_cost(std::string_view)>& run) {
  std::vector<std::vector<way_cost>> by_way(ways.size());
  for (unsigned round = 0; round < rounds; ++round) {
    for (std::size_t n = 0; n < ways.size(); ++n) by_way[n].push_back(run(ways[n]));
  }
  print_rows(by_way, gigabytes);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"What each way of moving bytes costs on this machine"};
  double gigabytes = 4;
  unsigned rounds = 5;
  int socket_buffer_kib = 0;
  std::string folder;
  app.add_option("--gigabytes", gigabytes, "Moved by each way in each round (default 4)")
      ->check(CLI::Range(0.1, 1000.0));
  app.add_option("--rounds", rounds, "The medians are of so many (default 5)")->check(CLI::Range(1U, 100U));
  app.add_option("--socket-buffer-kib", socket_buffer_kib, "SO_RCVBUF and SO_SNDBUF; 0: the system's")
      ->check(CLI::Range(0, 1 << 20));
  app.add_option("--file-in", folder, "Measure ways onto a file in this directory instead of ways between sockets");
  CLI11_PARSE(app, argc, argv);
  const auto bytes = static_cast<std::uint64_t>(gigabytes * 1e9) / message_bytes * message_bytes;
  const double moved = static_cast<double>(bytes) / 1e9;
  if (folder.empty()) {
    measure_in_turns(socket_ways(), rounds, moved,
                     [&](std::string_view way) { return move_between_sockets(way, bytes, socket_buffer_kib * 1024); });
  } else {
    measure_in_turns(file_ways(), rounds, moved,
                     [&](std::string_view way) { return write_to_file(way, bytes, folder); });
  }
  return 0;
}
