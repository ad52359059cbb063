// Replica sets out of mongod processes.
#include "tests/lab/replica_set.hpp"

#include <algorithm>

namespace sluice::lab {
namespace {

using std::chrono::seconds;
constexpr seconds election_limit{60};

// What a node says of itself; an empty document when it does not answer.
document hello(mongod_process& node) {
  document reply;
  bson_error_t error;
  if (!node.running()) {
    return {};
  }
  client connection(node.direct_uri(false) + "&socketTimeoutMS=2000&connectTimeoutMS=2000");
  return connection.try_run("admin", document::json(R"({"hello": 1})"), reply, error) ? reply : document{};
}

}  // namespace

replica_set::replica_set(replica_set_options options) : options_(std::move(options)) {
  for (std::size_t index = 0; index < options_.nodes; ++index) {
    server_options server = options_.server;
    if (!server.directory.empty()) {
      server.directory /= options_.name + "-" + std::to_string(index);
    }
    if (server.port != 0) {
      server.port = static_cast<std::uint16_t>(server.port + index);
    }
    nodes_.push_back(std::make_unique<mongod_process>(std::move(server), options_.name));
  }
  initiate();
  if (options_.server.root) {
    make_root();
  }
}

void replica_set::initiate() {
  std::string members;
  for (std::size_t index = 0; index < nodes_.size(); ++index) {
    members += (index == 0 ? "" : ", ") + std::string("{\"_id\": ") + std::to_string(index) + ", \"host\": \"" +
               nodes_[index]->address() + "\"}";
  }
  // Short timeouts: a test that kills a primary wants the next one soon.
  const std::string command = "{\"replSetInitiate\": {\"_id\": \"" + options_.name + "\", " +
                              (options_.config_server ? "\"configsvr\": true, " : "") + "\"members\": [" + members +
                              "], \"settings\": {\"electionTimeoutMillis\": 2000, \"heartbeatIntervalMillis\": 500}}}";
  document reply;
  bson_error_t error;
  constexpr std::uint32_t already_initialized = 23;
  constexpr std::uint32_t unauthorized = 13;  // data of an earlier run, where the localhost exception is over
  if (!nodes_.front()->connect(false).try_run("admin", document::json(command), reply, error) &&
      error.code != already_initialized && error.code != unauthorized) {
    throw failure("replSetInitiate of " + options_.name + ": " + error.message);
  }
  (void)primary();
}

void replica_set::make_root() {
  client first = primary().connect(false);
  const auto& root = *options_.server.root;
  document reply;
  bson_error_t error;
  const std::string command = "{\"createUser\": \"" + json_escaped(root.user) + "\", \"pwd\": \"" +
                              json_escaped(root.password) +
                              R"(", "roles": ["root"], "writeConcern": {"w": "majority"}})";
  if (!first.try_run("admin", document::json(command), reply, error)) {
    // Data of an earlier run: the user is there, and the localhost exception is over.
    connect().run("admin", R"({"ping": 1})");
  }
}

std::string replica_set::uri_as(const std::optional<credentials>& who, const std::string& more_parameters) const {
  std::string hosts;
  for (const auto& node : nodes_) {
    hosts += (hosts.empty() ? "" : ",") + node->address();
  }
  std::string uri = "mongodb://" + uri_user_info(who) + hosts + "/?replicaSet=" + options_.name;
  for (const auto& parameters : {uri_tls_parameters(options_.server.tls), more_parameters}) {
    uri += parameters.empty() ? "" : "&" + parameters;
  }
  return uri;
}

std::size_t replica_set::find_primary() {
  const auto found = std::find_if(nodes_.begin(), nodes_.end(),
                                  [](const auto& node) { return hello(*node).boolean("isWritablePrimary"); });
  return static_cast<std::size_t>(found - nodes_.begin());
}

mongod_process& replica_set::primary() {
  std::size_t index = nodes_.size();
  if (!eventually([&] { return (index = find_primary()) < nodes_.size(); }, election_limit)) {
    throw failure("no primary in " + options_.name + ":" + tail_of(nodes_.front()->log_file(), 5));
  }
  return *nodes_[index];
}

mongod_process& replica_set::secondary() {
  for (const auto& node : nodes_) {
    if (hello(*node).boolean("secondary")) {
      return *node;
    }
  }
  throw failure("no secondary in " + options_.name);
}

void replica_set::step_down() {
  mongod_process& before = primary();
  if (nodes_.size() == 1) {
    // Nobody else can be elected: it takes its role back when the second is over.
    before.connect().run("admin", R"({"replSetStepDown": 1, "force": true})");
    (void)primary();
    return;
  }
  before.connect().run("admin", R"({"replSetStepDown": 10, "secondaryCatchUpPeriodSecs": 8})");
  if (!eventually(
          [&] {
            const auto index = find_primary();
            return index < nodes_.size() && nodes_[index].get() != &before;
          },
          election_limit)) {
    throw failure("no other node of " + options_.name + " became primary after the step-down");
  }
}

void replica_set::add_user(const credentials& who, const std::string& roles) {
  connect().run("admin", "{\"createUser\": \"" + json_escaped(who.user) + "\", \"pwd\": \"" +
                             json_escaped(who.password) + "\", \"roles\": " + roles +
                             R"(, "writeConcern": {"w": "majority"}})");
}

void replica_set::stop() {
  // Secondaries first: a primary that shuts down waits for them to catch up.
  for (auto& node : nodes_) {
    if (!hello(*node).boolean("isWritablePrimary")) {
      node->stop();
    }
  }
  for (auto& node : nodes_) {
    node->stop();
  }
}

void replica_set::restart() {
  for (auto& node : nodes_) {
    node->restart();
  }
  (void)primary();
}

double replica_set::cpu_seconds() const {
  double sum = 0;
  for (const auto& node : nodes_) {
    sum += node->cpu_seconds();
  }
  return sum;
}

}  // namespace sluice::lab
