#include <chrono>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <thread>

#include <sys/resource.h>

#include "perf/ceiling.hpp"

namespace sluice::perf {

usage usage_now() {
  rusage now{};
  ::getrusage(RUSAGE_SELF, &now);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return {seconds(now.ru_utime), seconds(now.ru_stime)};
}

usage operator-(const usage& after, const usage& before) {
  return {after.user_seconds - before.user_seconds, after.system_seconds - before.system_seconds};
}

measured time_on_connections(const ceiling_arguments& chosen, const std::function<void(blocking_client&)>& work) {
  std::vector<blocking_client> clients;
  for (unsigned i = 0; i < chosen.connections; ++i) {
    clients.push_back(blocking_client::connect_to_primary(chosen.destination));
    clients.back().set_socket_buffers(chosen.socket_buffer_kib * 1024);
  }
  std::vector<std::exception_ptr> failures(clients.size());
  const usage before = usage_now();
  const auto begin = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < clients.size(); ++i) {
      threads.emplace_back([&, i] {
        try {
          work(clients[i]);
        } catch (...) {
          failures[i] = std::current_exception();  // thrown again below, on the main thread
        }
      });
    }
  }
  measured result{.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(),
                  .cpu = {}};
  result.cpu = usage_now() - before;
  for (const auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  return result;
}

void create(blocking_client& destination, const std::string& database, const std::string& collection) {
  bson::builder command;
  command.append("create", collection);
  destination.run(database, command.finish());
}

void write_json(const std::string& file, const std::string& json) {
  std::printf("%s\n", json.c_str());
  if (file.empty()) return;
  std::ofstream out(file);
  out << json << '\n';
  if (!out.flush()) throw std::runtime_error("cannot write " + file);
}

}  // namespace sluice::perf
