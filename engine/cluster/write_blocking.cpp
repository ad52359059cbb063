#include "engine/cluster/write_blocking.hpp"

#include <string>
#include <utility>

#include "engine/cluster/held_privileges.hpp"
#include "engine/cluster/privileges.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::cluster {

namespace {

/// A server of 6.0 whose data still serves an older one has the command and refuses it.
bool is_supported(const deployment& of) {
  const auto fcv = parse_server_version(of.fcv);
  return of.can.user_write_block && (!fcv || fcv->major >= 6);
}

task<result<std::optional<bool>>> read_mode(wire::connection& node) {
  if (node.hello().is_mongos) co_return std::optional<bool>();
  bson::builder command;
  // Everything else that serverStatus tells is some 100 KB and takes locks.
  command.append("serverStatus", 1).append("repl", 1);
  for (const auto* section : {"metrics", "wiredTiger", "tcmalloc", "locks", "transactions", "mirroredReads"})
    command.append(section, 0);
  bson::document server_status = command.finish();
  const auto answer = co_await node.run("admin", std::move(server_status));
  if (!answer && answer.error().server_code == wire::unauthorized) co_return std::optional<bool>();
  if (!answer) co_return answer.error();
  const auto mode = answer.value().body.at("repl", "userWriteBlockMode");
  const auto value = mode ? mode.to_int64() : std::nullopt;
  constexpr std::int64_t enabled = 2;  // 0: not known yet, 1: disabled
  if (!value || *value == 0) co_return std::optional<bool>();
  co_return std::optional<bool>(*value == enabled);
}

}  // namespace

task<result<write_blocking_status>> read_write_blocking(wire::connection& node, const deployment of) {
  write_blocking_status status;
  if (!is_supported(of)) co_return status;
  status.support = write_blocking_support::available;
  SLUICE_CO_TRY(status.on, co_await read_mode(node));
  SLUICE_CO_TRY(const auto privileges, co_await read_held_privileges(node));
  // Without authentication anybody may turn it, and nobody writes past it (measured on 6.0.27).
  status.has_users = privileges.has_value();
  status.may_set = !status.has_users || grants_on_cluster(*privileges, "setUserWriteBlockMode");
  status.may_bypass = status.has_users && grants_on_cluster(*privileges, "bypassWriteBlockingMode");
  co_return status;
}

result<> check_write_blocking(const write_blocking_status& status, const deployment& of, bool writes_go_on) {
  const std::string who(to_string(of.as));
  const std::string whose = who + " " + of.name() + ": ";
  if (status.support == write_blocking_support::unsupported) {
    return failure(error_kind::refused, whose + "writes of users cannot be blocked before version 6.0 (it is " +
                                            of.version.to_string() + ", feature compatibility " + of.fcv +
                                            "): stop the applications that write instead");
  }
  if (writes_go_on && !status.has_users) {
    return failure(error_kind::refused, whose +
                                            "without authentication blocking writes would refuse our own as well: "
                                            "go on without it, or turn authentication on");
  }
  std::string lacks;
  if (!status.may_set) lacks = "setUserWriteBlockMode on the cluster (role restore)";
  if (writes_go_on && !status.may_bypass) {
    if (!lacks.empty()) lacks += "; ";
    lacks += "bypassWriteBlockingMode on the cluster (role restore)";
  }
  if (lacks.empty()) return ok();
  return failure(error_kind::refused,
                 whose + "to block the writes of users, the user \"" + of.uri.user() + "\" lacks " + lacks);
}

task<result<>> set_write_blocking(wire::connection& primary, const deployment of, bool on) {
  if (!is_supported(of)) {
    if (!on) co_return ok();
    const write_blocking_status unsupported;
    co_return check_write_blocking(unsupported, of, false);
  }
  bson::builder command;
  // It takes no write concern, and answers when a majority has it.
  command.append("setUserWriteBlockMode", 1).append("global", on);
  bson::document set_it = command.finish();
  SLUICE_CO_TRY(const auto answer, co_await primary.run("admin", std::move(set_it)));
  if (auto concern = wire::write_concern_error_of_reply(answer.body, primary.host().to_string()))
    co_return std::move(*concern);
  co_return ok();
}

}  // namespace sluice::cluster
