// Who the server is: the answers a driver and the engine's discovery ask for.
#include <chrono>

#include "tests/loopback/commands.hpp"

namespace sluice::loopback {
namespace {

void append_topology_version(bson::builder& into, const node& server, std::int64_t counter) {
  into.open_document("topologyVersion").append("processId", server.process_id).append("counter", counter).close();
}

/// Streaming monitors ask with the version they know and wait for a newer one. Returns the present version.
std::int64_t await_topology_change(node& server, const request& asked) {
  std::unique_lock lock(server.topology_mutex);
  const auto known = asked.body.at("topologyVersion", "counter").to_int64();
  const auto patience_ms = asked.body.find("maxAwaitTimeMS").to_int64();
  if (known && patience_ms) {
    server.topology_changed.wait_for(lock, std::chrono::milliseconds(*patience_ms),
                                     [&] { return server.stopping || server.topology_version > *known; });
  }
  return server.topology_version;
}

void append_version_array(bson::builder& into, const std::string& version) {
  into.open_array("versionArray");
  std::int32_t number = 0;
  int parts = 0;
  for (const char c : version + ".") {
    if (c != '.') {
      number = number * 10 + (c - '0');
      continue;
    }
    into.push(number);
    number = 0;
    ++parts;
  }
  for (; parts < 4; ++parts) into.push(0);
  into.close();
}

}  // namespace

reply run_hello(conversation& with, const request& asked) {
  node& server = with.server;
  const std::int64_t counter = await_topology_change(server, asked);
  const bool writable = server.writable;
  const auto now = server.operation_time();
  bson::builder body;
  if (asked.command() != "hello") body.append("helloOk", true).append("ismaster", writable);
  append_topology_version(body, server, counter);
  body.open_array("hosts").push(server.me).close();
  body.append("setName", server.options.set_name).append("setVersion", 1);
  if (asked.command() == "hello") body.append("isWritablePrimary", writable);
  body.append("secondary", !writable);
  if (writable) body.append("primary", server.me);
  body.append("me", server.me);
  if (writable) body.append("electionId", server.election_id());
  body.open_document("lastWrite");
  server.append_optime(body, "opTime", now);
  body.append_date_ms("lastWriteDate", std::int64_t{now.seconds} * 1000);
  server.append_optime(body, "majorityOpTime", now);
  body.append_date_ms("majorityWriteDate", std::int64_t{now.seconds} * 1000).close();
  body.append("maxBsonObjectSize", 16 * 1024 * 1024);
  body.append("maxMessageSizeBytes", static_cast<std::int32_t>(message_bytes_max));
  body.append("maxWriteBatchSize", 100'000).append_date_ms("localTime", now_ms());
  body.append("logicalSessionTimeoutMinutes", 30).append("connectionId", with.id);
  body.append("minWireVersion", 0).append("maxWireVersion", server.wire_version_max).append("readOnly", false);
  return accepted(server, body);
}

reply run_build_info(conversation& with, const request&) {
  bson::builder body;
  body.append("version", with.server.options.version).append("gitVersion", "loopback");
  body.open_array("modules").close();
  append_version_array(body, with.server.options.version);
  body.append("bits", 64).append("debug", false).append("maxBsonObjectSize", 16 * 1024 * 1024);
  return accepted(with.server, body);
}

reply run_get_parameter(conversation& with, const request& asked) {
  const std::string& version = with.server.options.version;
  bson::builder body;
  bool found = false;
  if (asked.body.find("featureCompatibilityVersion")) {
    const std::string major = version.substr(0, version.find('.', version.find('.') + 1));
    body.open_document("featureCompatibilityVersion").append("version", major).close();
    found = true;
  }
  if (!found) return refusal(with.server, 72, "InvalidOptions", "no option found to get");
  return accepted(with.server, body);
}

reply run_set_config(conversation& with, const request&) {
  const node& server = with.server;
  bson::builder body;
  body.open_document("config").append("_id", server.options.set_name).append("version", 1);
  body.append("term", server.term.load()).open_array("members");
  body.open_document(body.next_index()).append("_id", 0).append("host", server.me).append("arbiterOnly", false);
  body.append("buildIndexes", true).append("hidden", false).append("priority", 1.0).append("votes", 1).close().close();
  body.append("protocolVersion", std::int64_t{1}).append("writeConcernMajorityJournalDefault", true);
  body.open_document("settings").append("replicaSetId", server.replica_set_id).close().close();
  return accepted(server, body);
}

reply run_set_status(conversation& with, const request&) {
  const node& server = with.server;
  const auto now = server.operation_time();
  bson::builder body;
  body.append("set", server.options.set_name).append("myState", server.writable ? 1 : 2);
  body.append("term", server.term.load()).open_document("optimes");
  server.append_optime(body, "lastCommittedOpTime", now);
  server.append_optime(body, "readConcernMajorityOpTime", now);
  server.append_optime(body, "appliedOpTime", now);
  body.close().open_array("members").open_document("0").append("_id", 0).append("name", server.me);
  body.append("health", 1.0).append("state", server.writable ? 1 : 2);
  body.append("stateStr", server.writable ? "PRIMARY" : "SECONDARY").append("self", true).close().close();
  return accepted(server, body);
}

reply run_connection_status(conversation& with, const request&) {
  bson::builder body;
  body.open_document("authInfo").open_array("authenticatedUsers").close();
  body.open_array("authenticatedUserRoles").close().open_array("authenticatedUserPrivileges").close().close();
  return accepted(with.server, body);
}

reply run_append_note(conversation& with, const request&) {
  with.server.advance_time();
  bson::builder body;
  return accepted(with.server, body);
}

reply run_nothing(conversation& with, const request&) {
  bson::builder body;
  return accepted(with.server, body);
}

}  // namespace sluice::loopback
