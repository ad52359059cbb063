#include "engine/cluster/hello_reply.hpp"

#include <cstring>

namespace sluice::cluster {

namespace {

std::string text_of(bson::document_view reply, std::string_view key) {
  const auto field = reply.find(key);
  return field ? std::string(field.as_string().value_or("")) : std::string();
}

bool flag_of(bson::document_view reply, std::string_view key) {
  const auto field = reply.find(key);
  return field && field.to_bool().value_or(false);
}

void append_names(bson::document_view reply, std::string_view key, std::vector<std::string>& names) {
  const auto field = reply.find(key);
  const auto list = field ? field.as_array() : std::nullopt;
  if (!list) return;
  for (const auto name : *list) {
    if (const auto text = name.as_string()) names.emplace_back(*text);
  }
}

}  // namespace

hello_reply read_hello(bson::document_view reply) {
  hello_reply said;
  said.set_name = text_of(reply, "setName");
  said.me = text_of(reply, "me");
  said.primary = text_of(reply, "primary");
  append_names(reply, "hosts", said.members);
  append_names(reply, "passives", said.members);
  said.is_mongos = text_of(reply, "msg") == "isdbgrid";
  said.is_uninitiated = flag_of(reply, "isreplicaset");
  said.is_config_server = static_cast<bool>(reply.find("configsvr"));
  said.is_writable_primary = flag_of(reply, "isWritablePrimary") || flag_of(reply, "ismaster");
  said.is_secondary = flag_of(reply, "secondary");
  said.is_arbiter = flag_of(reply, "arbiterOnly");
  if (const auto election = reply.find("electionId")) said.election = election.as_object_id();
  return said;
}

bool is_older_election(const bson::object_id& a, const bson::object_id& b) noexcept {
  return std::memcmp(a.bytes, b.bytes, sizeof a.bytes) < 0;
}

}  // namespace sluice::cluster
