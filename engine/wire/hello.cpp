#include "engine/wire/hello.hpp"

#include <algorithm>

#include "engine/wire/compression.hpp"

namespace sluice::wire {

bson::document hello_command(std::string_view name, const connection_string& uri, bool with_metadata) {
  bson::builder command;
  command.append(name, 1);
  if (with_metadata) {
    const std::string& application = uri.application_name();
    command.open_document("client");
    command.open_document("application").append("name", application.empty() ? "sluice" : application).close();
    command.open_document("driver").append("name", "sluice").append("version", "0.1.0").close();
    command.open_document("os").append("type", "Linux").close();
    command.close();
  }
  if (!uri.compressors().empty()) {
    command.open_array("compression");
    for (const auto offered : uri.compressors()) command.push(to_string(offered));
    command.close();
  }
  return command.finish();
}

server_hello read_hello(bson::document_view reply) {
  server_hello said;
  const auto text = [&reply](std::string_view key) {
    const auto field = reply.find(key);
    return std::string(field ? field.as_string().value_or("") : "");
  };
  const auto number = [&reply](std::string_view key, std::int32_t otherwise) {
    const auto field = reply.find(key);
    return field ? static_cast<std::int32_t>(field.to_int64().value_or(otherwise)) : otherwise;
  };
  const auto is_true = [&reply](std::string_view key) {
    const auto field = reply.find(key);
    return field && field.to_bool().value_or(false);
  };
  said.wire_version_max = number("maxWireVersion", 0);
  said.batch_documents_max = number("maxWriteBatchSize", said.batch_documents_max);
  said.set_name = text("setName");
  said.is_mongos = text("msg") == "isdbgrid";
  said.is_writable_primary = is_true("isWritablePrimary") || is_true("ismaster");
  said.primary = text("primary");
  said.me = text("me");
  // Members of priority 0 are listed apart; they hold the same data.
  for (const std::string_view list : {"hosts", "passives"}) {
    const auto field = reply.find(list);
    const auto members = field ? field.as_array() : std::nullopt;
    if (!members) continue;
    for (const auto member : *members) {
      if (const auto address = member.as_string()) said.hosts.emplace_back(*address);
    }
  }
  return said;
}

compressor agreed_compressor(bson::document_view reply, const connection_string& uri) {
  const auto field = reply.find("compression");
  const auto chosen = field ? field.as_array() : std::nullopt;
  if (!chosen) return compressor::none;
  for (const auto entry : *chosen) {
    const auto& offered = uri.compressors();
    const auto same = [&entry](compressor c) { return entry.as_string() == to_string(c); };
    const auto at = std::ranges::find_if(offered, same);
    if (at != offered.end()) return *at;
  }
  return compressor::none;
}

}  // namespace sluice::wire
