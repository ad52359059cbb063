// sluice-loopback: the loopback server as a program. Prints its URI, serves until SIGINT or SIGTERM (or its parent's
// end), then prints what happened as one line of JSON.
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>

#include <CLI/CLI.hpp>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/loopback/server.hpp"

namespace {

using namespace sluice::loopback;

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

void print_summary(const server& served) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "{\"commands\": %llu, \"getMore\": %llu, \"insert\": %llu, \"documents_inserted\": %llu, \"bytes_inserted\": "
      "%llu, "
      "\"user_seconds\": %.3f, \"system_seconds\": %.3f}\n",
      static_cast<unsigned long long>(served.commands("*")),
      static_cast<unsigned long long>(served.commands("getMore")),
      static_cast<unsigned long long>(served.commands("insert")),
      static_cast<unsigned long long>(served.documents_inserted()),
      static_cast<unsigned long long>(served.bytes_inserted()), seconds(usage.ru_utime), seconds(usage.ru_stime));
}

int run(int argument_count, char** arguments) {
  server_options options;
  std::vector<std::string> faults;
  std::string uri_file;
  CLI::App app("Stands in for a MongoDB primary: delivers generated documents, swallows inserts, fails on demand");
  app.add_option("--host", options.host, "IPv4 address to listen on")->capture_default_str();
  app.add_option("--port", options.port, "port; 0 takes a free one")->capture_default_str();
  app.add_option("--set-name", options.set_name, "name of the replica set")->capture_default_str();
  app.add_option("--version", options.version, "server version to report")->capture_default_str();
  app.add_option("--database", options.data.database, "database of the data set")->capture_default_str();
  app.add_option("--collections", options.data.collections, "collections to deliver: docs, docs_1, ...")
      ->capture_default_str();
  app.add_option("--documents", options.data.documents, "documents per collection")->capture_default_str();
  app.add_option("--document-bytes", options.data.document_bytes, "size of each document")->capture_default_str();
  app.add_option("--seed", options.data.seed, "seed of the data set")->capture_default_str();
  const std::map<std::string, id_type> id_types{{"objectId", id_type::object_id}, {"int", id_type::int64}};
  app.add_option("--ids", options.data.ids, "type of _id")->transform(CLI::CheckedTransformer(id_types));
  app.add_flag("--endless", options.data.endless, "scans never end");
  app.add_flag("--same-ids", options.data.same_ids, "every batch the same bytes: cheapest, _ids repeat");
  app.add_flag("--trust", options.trust_sizes,
               "do not look into inserts: count by the first document's size, drop the rest");
  app.add_option("--stored-database", options.stored_databases, "databases whose documents are kept")
      ->capture_default_str();
  app.add_option(
      "--fault", faults,
      "command:n:kind[:argument], e.g. getMore:17:cut, insert:*:delay:20, insert:3:error:10107:NotWritablePrimary; "
      "kinds: delay cut drop truncate lie garbage error stall");
  app.add_option("--uri-file", uri_file, "write the URI there when ready");
  CLI11_PARSE(app, argument_count, arguments);
  for (const auto& text : faults) options.faults.push_back(fault::parse(text));

  // Blocked before the first thread starts, so that only sigwait below takes them.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const pid_t parent = ::getppid();
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) return 1;

  const server served(options);
  if (!uri_file.empty()) {
    std::ofstream(uri_file + ".part") << served.uri() << '\n';
    std::filesystem::rename(uri_file + ".part", uri_file);
  }
  std::printf("%s\n", served.uri().c_str());
  std::fflush(stdout);
  int received = 0;
  while (sigwait(&signals, &received) != 0) {
  }
  print_summary(served);
  return 0;
}

}  // namespace

int main(int argument_count, char** arguments) {
  try {
    return run(argument_count, arguments);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "sluice-loopback: %s\n", failure.what());
    return 1;
  }
}
