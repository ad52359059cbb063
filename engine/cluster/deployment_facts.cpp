#include "engine/cluster/deployment_facts.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "engine/cluster/command_cursor.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::cluster {

namespace {

constexpr std::string_view stand_in_prefix = "hosts-";
constexpr std::int32_t invalid_length = 16;

bool is_unauthorized(const error& e) noexcept {
  return e.kind == error_kind::server && e.server_code == wire::unauthorized;
}

std::optional<feature_compatibility> read_fcv_document(bson::document_view fields) {
  const auto version = fields.find("version");
  if (!version || !version.as_string()) return {};
  return feature_compatibility{.version = std::string(*version.as_string()),
                               .changing = fields.find("targetVersion") || fields.find("previousVersion")};
}

error refused_fcv(const wire::connection& node) {
  const auto& uri = node.uri();
  std::string who = uri.has_credentials()
                        ? "the user \"" + uri.user() +
                              "\" may not read the feature compatibility"
                              " version; grant it the built-in role clusterMonitor (action getParameter"
                              " on the cluster) or backup (find on admin.system.version)"
                        : "the server demands authentication; put a user into the URI";
  return {.kind = error_kind::refused,
          .message = node.host().to_string() + ": " + who,
          .server_code = wire::unauthorized,
          .server_code_name = "Unauthorized"};
}

/// The first document of a small find, or an empty document when there is none.
task<result<bson::document>> find_one(wire::connection& node, std::string database, std::string collection,
                                      bson::document filter) {
  bson::builder command;
  command.append("find", collection).append("filter", filter).append("limit", 1).append("singleBatch", true);
  bson::document find = command.finish();
  SLUICE_CO_TRY(auto listed, co_await run_cursor(node, std::move(database), std::move(find)));
  if (listed.documents.empty()) co_return bson::document();
  co_return std::move(listed.documents.front());
}

}  // namespace

std::string hex_of(bson::bytes_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const auto byte : bytes) {
    text += digits[std::to_integer<std::size_t>(byte >> 4)];
    text += digits[std::to_integer<std::size_t>(byte & std::byte{0x0f})];
  }
  return text;
}

task<result<server_version>> read_server_version(wire::connection& node) {
  bson::builder command;
  command.append("buildInfo", 1);
  bson::document build_info = command.finish();
  SLUICE_CO_TRY(const auto answer, co_await node.run("admin", std::move(build_info)));
  const auto version = answer.body.find("version");
  const auto parsed = version ? parse_server_version(version.as_string().value_or("")) : std::nullopt;
  if (!parsed) {
    co_return failure(error_kind::protocol, node.host().to_string() + ": buildInfo names no version that can be read");
  }
  co_return *parsed;
}

task<result<feature_compatibility>> read_feature_compatibility(wire::connection& node, bool is_mongos) {
  if (!is_mongos) {
    bson::builder command;
    command.append("getParameter", 1).append("featureCompatibilityVersion", 1);
    bson::document get_parameter = command.finish();
    const auto answer = co_await node.run("admin", std::move(get_parameter));
    if (answer) {
      const auto fields = answer.value().body.find("featureCompatibilityVersion");
      const auto inner = fields ? fields.as_document() : std::nullopt;
      if (auto read = inner ? read_fcv_document(*inner) : std::nullopt) co_return *std::move(read);
    } else if (!is_unauthorized(answer.error())) {
      co_return answer.error();
    }
  }
  bson::builder filter;
  filter.append("_id", "featureCompatibilityVersion");
  bson::document by_id = filter.finish();
  const auto found = co_await find_one(node, "admin", "system.version", std::move(by_id));
  if (!found && is_unauthorized(found.error())) co_return refused_fcv(node);
  if (!found) co_return found.error();
  if (auto read = read_fcv_document(found.value())) co_return *std::move(read);
  co_return failure(error_kind::protocol,
                    node.host().to_string() + ": admin.system.version holds no featureCompatibilityVersion");
}

std::string stand_in_identity(const hello_reply& said) {
  auto members = said.members;
  std::ranges::sort(members);
  std::uint64_t hash = 14695981039346656037ull;  // FNV-1a: no secret, only a short name for a list
  const auto mix = [&hash](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
    hash = (hash ^ 0xffu) * 1099511628211ull;
  };
  mix(said.set_name);
  for (const auto& member : members) mix(member);
  std::array<std::byte, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(hash >> (56 - 8 * i));
  return std::string(stand_in_prefix) + hex_of(bytes);
}

bool is_stand_in(std::string_view identity) noexcept {
  return identity.starts_with(stand_in_prefix);
}

task<result<std::string>> read_deployment_identity(wire::connection& node, hello_reply said) {
  std::optional<bson::object_id> id;
  if (said.is_mongos) {
    bson::document everything;
    const auto found = co_await find_one(node, "config", "version", std::move(everything));
    if (!found && !is_unauthorized(found.error())) co_return found.error();
    if (found) {
      if (const auto field = found.value().view().find("clusterId")) id = field.as_object_id();
    } else {
      said.members.push_back(node.host().to_string());
    }
  } else {
    bson::builder command;
    command.append("replSetGetConfig", 1);
    bson::document get_config = command.finish();
    const auto answer = co_await node.run("admin", std::move(get_config));
    if (!answer && !is_unauthorized(answer.error())) co_return answer.error();
    if (answer) {
      if (const auto field = answer.value().body.at("config", "settings", "replicaSetId")) id = field.as_object_id();
    }
  }
  if (!id) co_return stand_in_identity(said);
  co_return hex_of(id->bytes);
}

task<result<bool>> probe_bypass_empty_timestamp(wire::connection& node) {
  // Without a single document the command cannot do anything. Its fields are parsed first: 40415 for one that is
  // unknown (measured: 4.4.2, 5.0.4, 6.0.5), else "Write batch sizes must be between 1 and 100000" (6.0.27).
  bson::builder command;
  command.append("insert", "probe").open_array("documents").close().append("bypassEmptyTsReplacement", true);
  bson::document insert = command.finish();
  const auto answer = co_await node.run("sluice", std::move(insert));
  if (answer) co_return true;
  if (answer.error().kind != error_kind::server) co_return answer.error();
  // Any other answer is not understood either; then the repair that works everywhere is the safe choice.
  co_return answer.error().server_code == invalid_length;
}

}  // namespace sluice::cluster
