// sluice-lab: replica sets, data and comparisons from the command line, for the demo and for trying things by hand.
// Uses libmongoc alone, so that it can judge Sluice.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>

#include <CLI/CLI.hpp>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/lab/backlog.hpp"
#include "tests/lab/dataset.hpp"
#include "tests/lab/lag.hpp"
#include "tests/lab/oracle.hpp"
#include "tests/lab/replica_set.hpp"
#include "tests/lab/storm.hpp"
#include "tests/lab/writer.hpp"

namespace sluice::lab {
namespace {

struct run_set_arguments {
  std::string directory;
  std::string name = "rs0";
  std::size_t nodes = 1;
  std::uint16_t port = 0;
  std::string version;
  double cache_gb = 0.5;
  std::string auth;
  std::string uri_file;
  std::vector<std::string> arguments;
};

// The signals are blocked everywhere and taken here, so that none is lost between a check and a wait.
int wait_for_end(const sigset_t& signals) {
  int received = 0;
  while (sigwait(&signals, &received) != 0) {
  }
  return received;
}

int run_set(const run_set_arguments& arguments) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    sigaddset(&signals, number);
  }
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const pid_t parent = ::getppid();
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) {
    return 1;
  }

  replica_set_options options{.name = arguments.name, .nodes = arguments.nodes};
  options.server.directory = arguments.directory;
  options.server.port = arguments.port;
  options.server.version = arguments.version;
  options.server.cache_gb = arguments.cache_gb;
  options.server.arguments = arguments.arguments;
  if (!arguments.auth.empty()) {
    const auto colon = arguments.auth.find(':');
    if (colon == std::string::npos) {
      throw failure("--auth wants user:password");
    }
    options.server.root = credentials{arguments.auth.substr(0, colon), arguments.auth.substr(colon + 1)};
  }
  replica_set set(options);
  if (!arguments.uri_file.empty()) {
    // Written beside and renamed: whoever waits for the file never reads half of it.
    const std::string part = arguments.uri_file + ".part";
    std::ofstream(part) << set.uri() << '\n';
    std::filesystem::rename(part, arguments.uri_file);
  }
  std::cout << set.uri() << std::endl;
  wait_for_end(signals);
  set.stop();
  return 0;
}

struct load_arguments {
  std::string uri;
  std::string dataset = "lim";
  std::uint64_t documents = 0;
  std::uint64_t seed = 1;
};

int load(const load_arguments& arguments) {
  loaded total;
  const auto documents = [&](std::uint64_t usual) { return arguments.documents == 0 ? usual : arguments.documents; };
  if (arguments.dataset == "lim") {
    total = load_lim(arguments.uri, {.documents = documents(1'000'000), .seed = arguments.seed});
  } else if (arguments.dataset == "zoo") {
    total = load_zoo(arguments.uri, {.seed = arguments.seed, .tiny_documents = documents(250'000)});
  } else if (arguments.dataset == "many") {
    total = load_many(arguments.uri, {.collections = documents(10'000) / 10, .seed = arguments.seed});
  } else {
    total = load_demo(arguments.uri, documents(1'000'000), arguments.seed);
  }
  std::printf("loaded %llu documents, %.1f MB of BSON, into %llu collections\n",
              static_cast<unsigned long long>(total.documents), static_cast<double>(total.bytes) / 1e6,
              static_cast<unsigned long long>(total.collections));
  return 0;
}

int compare_and_print(const compare_options& options, bool brief) {
  const comparison verdict = compare(options);
  if (!brief) {
    std::printf("%-44s %-11s %12s %12s %10s %8s  %s\n", "namespace", "kind", "source", "destination", "MB", "indexes",
                "verdict");
    for (const auto& one : verdict.namespaces) {
      std::printf("%-44.44s %-11s %12llu %12llu %10.2f %8llu  %s\n", one.name.c_str(), one.kind.c_str(),
                  static_cast<unsigned long long>(one.source_documents),
                  static_cast<unsigned long long>(one.destination_documents), static_cast<double>(one.bytes) / 1e6,
                  static_cast<unsigned long long>(one.indexes),
                  one.differences == 0 ? "equal" : (std::to_string(one.differences) + " differences").c_str());
    }
  }
  std::fputs(verdict.text().c_str(), stdout);
  std::printf("%s: %llu collections and views, %llu indexes, %llu documents, %.1f MB compared byte by byte\n",
              verdict.equal() ? "EQUAL" : "DIFFERENT", static_cast<unsigned long long>(verdict.collections),
              static_cast<unsigned long long>(verdict.indexes), static_cast<unsigned long long>(verdict.documents),
              static_cast<double>(verdict.bytes) / 1e6);
  return verdict.equal() ? 0 : 1;
}

std::atomic<bool> told_to_stop = false;

struct write_arguments {
  std::string uri;
  std::uint32_t seconds = 10;
  std::uint64_t seed = 1;
  bool everything = false;
};

int write(const write_arguments& arguments) {
  // Told to stop it ends between two commands and says what it did.
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    std::signal(number, [](int) { told_to_stop = true; });
  }
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  const std::chrono::seconds duration{arguments.seconds};
  if (arguments.everything) {
    const storm_done done =
        storm_for(arguments.uri, {.duration = duration, .seed = arguments.seed, .stop = &told_to_stop});
    std::printf("%llu commands (%llu refused), %llu transactions, %llu catalog changes\n",
                static_cast<unsigned long long>(done.commands), static_cast<unsigned long long>(done.refused),
                static_cast<unsigned long long>(done.transactions),
                static_cast<unsigned long long>(done.catalog_changes));
    return 0;
  }
  const written done = write_for(arguments.uri, {.duration = duration, .seed = arguments.seed, .stop = &told_to_stop});
  std::printf("%llu inserts, %llu updates, %llu replaces, %llu deletes\n",
              static_cast<unsigned long long>(done.inserts), static_cast<unsigned long long>(done.updates),
              static_cast<unsigned long long>(done.replaces), static_cast<unsigned long long>(done.deletes));
  return 0;
}

struct backlog_arguments {
  std::string uri;
  backlog_options what;
  bool prepare = false;
  double rate = 0;
  double seconds = 10;
};

int backlog(const backlog_arguments& arguments) {
  if (arguments.prepare) {
    prepare_backlog(arguments.uri, arguments.what);
    return 0;
  }
  const std::uint64_t done = arguments.rate > 0
                                 ? write_at_rate(arguments.uri, arguments.what, arguments.rate, arguments.seconds)
                                 : make_backlog(arguments.uri, arguments.what);
  // The time behind which all of it lies.
  client connection(arguments.uri);
  const document reply = connection.run("admin", R"({"appendOplogNote": 1, "data": {"backlog": "end"}})");
  bson_iter_t at;
  std::uint32_t seconds = 0;
  std::uint32_t increment = 0;
  if (bson_iter_init_find(&at, reply.get(), "operationTime")) bson_iter_timestamp(&at, &seconds, &increment);
  std::printf("{\"changes\": %llu, \"T\": %u, \"I\": %u}\n", static_cast<unsigned long long>(done), seconds, increment);
  return 0;
}

int lag(const std::string& source, const std::string& destination, const lag_options& options) {
  const measured_lag found = measure_lag(source, destination, options);
  std::printf(R"({"changes": %llu, "probes": %llu, "p50_ms": %.2f, "p90_ms": %.2f, "p99_ms": %.2f, "max_ms": %.2f})"
              "\n",
              static_cast<unsigned long long>(found.changes), static_cast<unsigned long long>(found.probes),
              found.p50_ms, found.p90_ms, found.p99_ms, found.max_ms);
  return 0;
}

int drop(const std::string& uri) {
  client connection(uri);
  drop_user_data(connection);
  return 0;
}

int run(int argument_count, char** argument_values) {
  CLI::App app("Real MongoDB deployments, data and an independent comparison");
  app.require_subcommand(1);
  int exit_code = 0;

  run_set_arguments set;
  auto* run_set_command = app.add_subcommand("run-set", "start a replica set; it ends with this program");
  run_set_command->add_option("--dir", set.directory, "folder for its data and logs")->required();
  run_set_command->add_option("--name", set.name, "name of the set");
  run_set_command->add_option("--nodes", set.nodes, "number of nodes")->check(CLI::Range(1, 7));
  run_set_command->add_option("--port", set.port, "port of the first node (default: a free one)");
  run_set_command->add_option("--version", set.version, "of the mongod, as tools/bootstrap fetches them");
  run_set_command->add_option("--wt-cache-gb", set.cache_gb, "WiredTiger cache of each node");
  run_set_command->add_option("--auth", set.auth, "user:password of a root user; enforces SCRAM");
  run_set_command->add_option("--uri-file", set.uri_file, "written when the set is ready");
  run_set_command
      ->add_option("--argument", set.arguments, "one more for each mongod, as --argument=--quiet (repeatable)")
      ->allow_extra_args(false);
  run_set_command->callback([&] { exit_code = run_set(set); });

  load_arguments data;
  auto* load_command = app.add_subcommand("load", "fill a deployment with generated data");
  load_command->add_option("--uri", data.uri, "connection string")->required();
  load_command->add_option("--dataset", data.dataset, "which data")
      ->check(CLI::IsMember({"lim", "zoo", "many", "demo"}));
  load_command->add_option("--documents", data.documents, "about how many (zoo: of its tiny ones)");
  load_command->add_option("--seed", data.seed, "the same seed makes the same documents");
  load_command->callback([&] { exit_code = load(data); });

  write_arguments changes;
  auto* write_command = app.add_subcommand("write", "keep changing data, as an application would");
  write_command->add_option("--uri", changes.uri, "connection string")->required();
  write_command->add_option("--seconds", changes.seconds, "for how long");
  write_command->add_option("--seed", changes.seed, "the same seed makes the same sequence");
  write_command->add_flag("--everything", changes.everything,
                          "every update operator, transactions and changes of the catalog, not only plain writes");
  write_command->callback([&] { exit_code = write(changes); });

  backlog_arguments behind;
  auto* backlog_command = app.add_subcommand("backlog", "make a known number of changes, to measure catching up");
  backlog_command->add_option("--uri", behind.uri, "connection string")->required();
  backlog_command->add_option("--kind", behind.what.kind, "of changes")
      ->check(CLI::IsMember({"mixed", "hot", "namespace", "deletes", "ttl", "transaction"}));
  backlog_command->add_option("--changes", behind.what.changes, "how many");
  backlog_command->add_option("--seed", behind.what.seed, "the same seed makes the same sequence");
  backlog_command->add_option("--rate", behind.rate, "so many changes a second instead, for --seconds");
  backlog_command->add_option("--seconds", behind.seconds, "for how long");
  backlog_command->add_flag("--prepare", behind.prepare, "only the documents that the changes are about");
  backlog_command->callback([&] { exit_code = backlog(behind); });

  std::string lag_source;
  std::string lag_destination;
  lag_options steady;
  auto* lag_command = app.add_subcommand("lag", "write at an even rate, and measure when the destination has it");
  lag_command->add_option("--source", lag_source, "connection string")->required();
  lag_command->add_option("--destination", lag_destination, "connection string")->required();
  lag_command->add_option("--rate", steady.changes_per_second, "changes a second");
  lag_command->add_option("--seconds", steady.seconds, "for how long");
  lag_command->callback([&] { exit_code = lag(lag_source, lag_destination, steady); });

  compare_options sides;
  bool brief = false;
  auto* compare_command = app.add_subcommand("compare", "compare two deployments; exit 0 only when they are equal");
  compare_command->add_option("--source", sides.source_uri, "connection string")->required();
  compare_command->add_option("--destination", sides.destination_uri, "connection string")->required();
  compare_command->add_option("--include", sides.include, "only this database or database.collection (repeatable)");
  compare_command->add_option("--exclude", sides.exclude, "not this database or database.collection (repeatable)");
  compare_command->add_flag("--brief", brief, "no table");
  compare_command->callback([&] { exit_code = compare_and_print(sides, brief); });

  std::string drop_uri;
  auto* drop_command = app.add_subcommand("drop", "drop every database with user data");
  drop_command->add_option("--uri", drop_uri, "connection string")->required();
  drop_command->callback([&] { exit_code = drop(drop_uri); });

  try {
    app.parse(argument_count, argument_values);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  return exit_code;
}

}  // namespace
}  // namespace sluice::lab

int main(int argument_count, char** argument_values) {
  try {
    return sluice::lab::run(argument_count, argument_values);
  } catch (const std::exception& error) {
    std::cerr << "sluice-lab: " << error.what() << '\n';
    return 2;
  }
}
