// The table of commands, and the shapes that replies share.
#include "tests/loopback/commands.hpp"

#include <map>

#include "tests/loopback/match.hpp"

namespace sluice::loopback {
namespace {

struct known_command {
  command_function run;
  bool writes = false;  // refused while the server is no primary
};

const std::map<std::string_view, known_command>& known_commands() {
  static const std::map<std::string_view, known_command> commands{
      {"hello", {run_hello}},
      {"isMaster", {run_hello}},
      {"ismaster", {run_hello}},
      {"ping", {run_nothing}},
      {"endSessions", {run_nothing}},
      {"setUserWriteBlockMode", {run_nothing, true}},
      {"fsync", {run_nothing}},
      {"buildInfo", {run_build_info}},
      {"buildinfo", {run_build_info}},
      {"getParameter", {run_get_parameter}},
      {"replSetGetConfig", {run_set_config}},
      {"replSetGetStatus", {run_set_status}},
      {"connectionStatus", {run_connection_status}},
      {"appendOplogNote", {run_append_note, true}},
      {"listDatabases", {run_list_databases}},
      {"listCollections", {run_list_collections}},
      {"listIndexes", {run_list_indexes}},
      {"count", {run_count}},
      {"dataSize", {run_data_size}},
      {"create", {run_create, true}},
      {"createIndexes", {run_create_indexes, true}},
      {"collMod", {run_coll_mod, true}},
      {"drop", {run_drop, true}},
      {"dropDatabase", {run_drop_database, true}},
      {"renameCollection", {run_rename_collection, true}},
      {"find", {run_find}},
      {"getMore", {run_get_more}},
      {"killCursors", {run_kill_cursors}},
      {"aggregate", {run_aggregate}},
      {"insert", {run_insert, true}},
      {"update", {run_update, true}},
      {"delete", {run_delete, true}},
      {"findAndModify", {run_find_and_modify, true}},
      {"findandmodify", {run_find_and_modify, true}},
  };
  return commands;
}

}  // namespace

reply run_command(conversation& with, const request& asked) {
  const auto found = known_commands().find(asked.command());
  if (found == known_commands().end()) {
    return refusal(with.server, 59, "CommandNotFound", "no such command: '" + std::string(asked.command()) + "'");
  }
  if (found->second.writes && !with.server.writable) {
    return refusal(with.server, 10107, "NotWritablePrimary", "not primary");
  }
  try {
    return found->second.run(with, asked);
  } catch (const unsupported& refused) {
    return refusal(with.server, 2, "BadValue", refused.what());
  }
}

bson::document refusal(const node& server, std::int32_t code, std::string_view code_name, std::string_view message) {
  bson::builder body;
  body.append("ok", 0.0).append("errmsg", message).append("code", code).append("codeName", code_name);
  body.append("operationTime", server.operation_time());
  return body.finish();
}

bson::document accepted(const node& server, bson::builder& fields) {
  fields.append("ok", 1.0).append("operationTime", server.operation_time());
  return fields.finish();
}

bson::document whole_cursor(const node& server, std::string_view full_name,
                            const std::vector<bson::document>& documents) {
  bson::builder body;
  body.open_document("cursor").open_array("firstBatch");
  for (const auto& document : documents) body.push(document);
  body.close().append("id", std::int64_t{0}).append("ns", full_name).close();
  return accepted(server, body);
}

bool flag(const request& asked, std::string_view name) {
  return asked.body.find(name).to_bool().value_or(false);
}

}  // namespace sluice::loopback
