#include "engine/measure/server.hpp"

#include <sys/resource.h>

#include "engine/measure/verdict.hpp"

namespace sluice::measure {

namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::optional<double> number(bson::element_view element) {
  if (!element) return {};
  if (const auto real = element.as_double()) return real;
  if (const auto whole = element.to_int64()) return static_cast<double>(*whole);
  return {};
}

bson::document command_of(std::string_view name) {
  bson::builder command;
  command.append(name, 1);
  return command.finish();
}

task<std::optional<wire::reply>> ask(wire::connection& node, bson::document command) {
  auto answer = co_await node.run("admin", std::move(command));
  if (answer.has_error()) co_return std::nullopt;
  co_return std::move(answer).value();
}

}  // namespace

task<server_facts> read_server_facts(wire::connection& node) {
  server_facts facts;
  auto host = co_await ask(node, command_of("hostInfo"));
  if (host) {
    facts.cores = static_cast<std::int32_t>(host->body.at("system", "numCores").to_int64().value_or(0));
    facts.host = host->body.at("system", "hostname").as_string().value_or("");
  }
  auto status = co_await ask(node, command_of("serverStatus"));
  if (status) {
    const auto cache = status->body.at("wiredTiger", "cache", "maximum bytes configured");
    facts.cache_bytes = static_cast<std::int64_t>(number(cache).value_or(0));
  }
  auto stats = co_await ask(node, command_of("dbStats"));
  if (stats) {
    const auto total = number(stats->body.find("fsTotalSize"));
    const auto used = number(stats->body.find("fsUsedSize"));
    if (total && used) facts.free_disk_bytes = *total - *used;
  }
  co_return facts;
}

task<std::optional<double>> read_server_cpu(wire::connection& node) {
  bson::builder command;
  command.append("serverStatus", 1);
  for (const char* unwanted : {"repl", "metrics", "locks", "wiredTiger", "tcmalloc", "opLatencies", "transactions"}) {
    command.append(unwanted, 0);
  }
  bson::document asked = command.finish();
  auto status = co_await ask(node, std::move(asked));
  if (!status) co_return std::nullopt;
  const auto user = number(status->body.at("extra_info", "user_time_us"));
  const auto system = number(status->body.at("extra_info", "system_time_us"));
  if (!user || !system) co_return std::nullopt;
  co_return (*user + *system) / 1e6;
}

task<cpu_reading> read_cpu(wire::connection* source, wire::connection* destination) {
  cpu_reading taken;
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  taken.engine_user = seconds_of(used.ru_utime);
  taken.engine_system = seconds_of(used.ru_stime);
  if (source != nullptr && source->is_open()) taken.source = co_await read_server_cpu(*source);
  if (destination != nullptr && destination->is_open()) taken.destination = co_await read_server_cpu(*destination);
  co_return taken;
}

cpu_seconds difference(const cpu_reading& before, const cpu_reading& after) {
  cpu_seconds spent;
  spent.engine_user = after.engine_user - before.engine_user;
  spent.engine_system = after.engine_system - before.engine_system;
  if (before.source && after.source) spent.source = *after.source - *before.source;
  if (before.destination && after.destination) spent.destination = *after.destination - *before.destination;
  return spent;
}

result<> check_disk(const server_facts& facts, double needed_bytes, const std::string& whose) {
  if (!facts.free_disk_bytes || needed_bytes <= *facts.free_disk_bytes) return ok();
  return failure(error_kind::refused, "not enough disk: " + whose + " has " + size_text(*facts.free_disk_bytes) +
                                          " free and the bench may need " + size_text(needed_bytes) +
                                          " there; choose fewer --documents or a smaller --size");
}

}  // namespace sluice::measure
