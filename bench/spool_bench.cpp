// What the spool costs: MB/s and CPU seconds a GB for chunks that are written and read again, from memory (the applier
// keeps up) and from disk (it does not). Run it on the disk that is meant: spool_bench <folder> [GB].
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <sys/resource.h>

#include "engine/capture/spool.hpp"

namespace {

using namespace sluice;

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

struct stretch {
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  double cpu = cpu_seconds();
  void tell(const char* what, std::size_t chunk_bytes, double bytes) const {
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - began;
    std::printf("%-28s %8zu B a chunk  %7.0f MB/s  %5.2f CPU s/GB\n", what, chunk_bytes, bytes / 1e6 / wall.count(),
                (cpu_seconds() - cpu) / (bytes / 1e9));
  }
};

capture::change_chunk chunk_of(std::uint32_t number, std::size_t bytes) {
  capture::change_chunk chunk;
  chunk.entries.assign(bytes, static_cast<std::byte>(number));
  chunk.count = 1;
  chunk.first = chunk.last = {{1, number}, 1};
  chunk.seen_until = chunk.last.at;
  return chunk;
}

void must(const result<>& outcome) {
  if (outcome.has_value()) return;
  std::fprintf(stderr, "%s\n", outcome.error().message.c_str());
  std::exit(1);
}

task<void> measure(boost::asio::any_io_executor lane, std::filesystem::path folder, std::size_t chunk_bytes,
                   double bytes) {
  runtime::cancel_scope scope;
  capture::spool_options options;
  options.folder = std::move(folder);
  options.run = "bench";
  auto opened = co_await capture::spool::open(lane, options, scope);
  if (opened.has_error()) must(std::move(opened).error());
  auto& spool = *opened.value();
  const bson::timestamp origin{1, 0};
  must(co_await spool.seek(origin));
  const auto chunks = static_cast<std::uint32_t>(bytes / static_cast<double>(chunk_bytes));
  {
    const stretch making;
    for (std::uint32_t number = 1; number <= chunks; ++number) {
      const auto chunk = chunk_of(number, chunk_bytes);
      if (chunk.count == 0) std::exit(1);
    }
    making.tell("(making chunks, in each)", chunk_bytes, bytes);
  }
  const stretch writing;
  for (std::uint32_t number = 1; number <= chunks; ++number) {
    auto chunk = chunk_of(number, chunk_bytes);
    must(co_await spool.push(std::move(chunk)));
  }
  must(co_await spool.flush());
  writing.tell("push to disk", chunk_bytes, bytes);
  const stretch reading;
  for (std::uint32_t number = 1; number <= chunks; ++number) {
    const auto found = co_await spool.next();
    if (found.has_error() || found.value()->last.at.increment != number) std::exit(1);
  }
  reading.tell("next from disk", chunk_bytes, bytes);
  spool.release({1, chunks});
  const stretch both;
  for (std::uint32_t number = chunks + 1; number <= 2 * chunks; ++number) {
    auto chunk = chunk_of(number, chunk_bytes);
    must(co_await spool.push(std::move(chunk)));
    const auto found = co_await spool.next();
    if (found.has_error() || found.value()->last.at.increment != number) std::exit(1);
    if (number % 64 == 0) spool.release({1, number});
  }
  both.tell("push to disk, next at once", chunk_bytes, bytes);
  spool.release({1, 2 * chunks});
  spool.keep_on_disk(false);
  const stretch memory;
  for (std::uint32_t number = 2 * chunks + 1; number <= 3 * chunks; ++number) {
    auto chunk = chunk_of(number, chunk_bytes);
    must(co_await spool.push(std::move(chunk)));
    const auto found = co_await spool.next();
    if (found.has_error() || found.value()->last.at.increment != number) std::exit(1);
  }
  memory.tell("memory only", chunk_bytes, bytes);
  must(co_await spool.remove());
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: spool_bench <folder> [GB]\n");
    return 2;
  }
  const auto folder = std::filesystem::path(arguments[1]) / "spool-bench";
  const auto bytes = (count > 2 ? std::atof(arguments[2]) : 1.0) * 1e9;
  for (const std::size_t chunk_bytes : {4'000U, 64'000U, 1'000'000U, 4'000'000U}) {
    boost::asio::io_context context{1};
    boost::asio::co_spawn(context, measure(context.get_executor(), folder, chunk_bytes, bytes),
                          [](std::exception_ptr thrown) {
                            if (thrown) std::rethrow_exception(thrown);
                          });
    context.run();
  }
  return 0;
}
