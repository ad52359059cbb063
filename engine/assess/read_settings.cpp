#include <algorithm>
#include <utility>

#include "engine/assess/reading.hpp"
#include "engine/cluster/table_scans.hpp"
#include "engine/cluster/write_blocking.hpp"

namespace sluice::assess {

namespace {

/// One question each: of more databases nobody reads the answer.
constexpr std::size_t databases_asked_max = 32;
constexpr std::int64_t profile_everything = 2;

}  // namespace

task<side_settings> read_settings(wire::connection& node, cluster::deployment of, std::vector<std::string> databases) {
  side_settings settings;
  if (node.hello().is_mongos) {
    bson::builder command;
    command.append("balancerStatus", 1);
    const auto status = co_await ask(node, "admin", std::move(command));
    const auto mode = status ? status.value().body.find("mode") : bson::element_view{};
    if (mode) settings.balancer_on = mode.as_string() != "off";
    co_return settings;
  }
  settings.no_table_scan = co_await cluster::read_no_table_scan(node);
  bson::builder host;
  host.append("hostInfo", 1);
  const auto machine = co_await ask(node, "admin", std::move(host));
  if (machine) {
    const auto body = machine.value().body;
    const auto nested = body.at("extra", "extra", "maxOpenFiles");  // seen on 6.0.27; one level less in the manual
    const auto files = nested ? nested : body.at("extra", "maxOpenFiles");
    if (files) settings.open_files_max = number_of(files);
  }

  databases.resize(std::min(databases.size(), databases_asked_max));
  for (const std::string& database : databases) {
    bson::builder profile;
    profile.append("profile", -1);
    const auto level = co_await ask(node, database, std::move(profile));
    // Without the privilege to ask, others have to look.
    if (!level) break;
    if (number_of(level.value().body.find("was")) >= profile_everything)
      settings.profiled_databases.push_back(database);
  }
  const auto blocking = co_await cluster::read_write_blocking(node, of);
  if (blocking) {
    settings.writes_blocked = blocking.value().on;
    settings.may_bypass_block = blocking.value().may_bypass;
  }
  co_return settings;
}

}  // namespace sluice::assess
