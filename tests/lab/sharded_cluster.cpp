// Sharded clusters out of replica sets and a mongos.
#include "tests/lab/sharded_cluster.hpp"

namespace sluice::lab {
namespace {

std::unique_ptr<replica_set> start_set(const std::string& name, const sharded_cluster_options& of, const char* role,
                                       std::size_t nodes) {
  replica_set_options options{.name = name, .nodes = nodes, .config_server = role == std::string_view("--configsvr")};
  options.server.version = of.version;
  options.server.root = of.root;
  options.server.arguments = {role};
  return std::make_unique<replica_set>(options);
}

std::string seed_list(replica_set& set) {
  std::string seeds = set.name() + "/";
  for (std::size_t i = 0; i < set.size(); ++i) seeds += (i == 0 ? "" : ",") + set.node(i).address();
  return seeds;
}

}  // namespace

sharded_cluster::sharded_cluster(const sharded_cluster_options& options) : root_(options.root) {
  config_ = start_set("config", options, "--configsvr", 1);
  for (std::size_t index = 0; index < options.shards; ++index) {
    shards_.push_back(start_set("shard" + std::to_string(index), options, "--shardsvr", options.nodes));
  }
  directory_ = config_->node(0).data_directory().parent_path();
  for (std::size_t number = 0; number < options.routers; ++number) start_mongos(number);
  client router = connect();
  for (const auto& set : shards_) {
    router.run("admin", R"({"addShard": ")" + seed_list(*set) + "\"}");
  }
  // The mongos was built without the newest catalog format: this has to come before anything is sharded.
  router.run("admin", R"({"setFeatureCompatibilityVersion": "4.4"})");
}

sharded_cluster::~sharded_cluster() = default;

std::string sharded_cluster::uri_as(const std::optional<credentials>& who) const {
  std::string hosts;
  for (const running_mongos& one : routers_) hosts += (hosts.empty() ? "" : ",") + one.address();
  return "mongodb://" + uri_user_info(who) + hosts + "/";
}

client sharded_cluster::connect_to(std::size_t router) const {
  return client("mongodb://" + uri_user_info(root_) + routers_.at(router).address() +
                "/?serverSelectionTimeoutMS=2000");
}

void sharded_cluster::start_mongos(std::size_t number) {
  const auto program = find_mongos();
  if (!program) {
    throw failure("no mongos: name one with MONGOS, or run tools/bootstrap --all-versions where one is at hand");
  }
  running_mongos& one = routers_.emplace_back();
  one.port = free_port();
  const std::string name = "mongos" + std::to_string(number);
  const auto log = directory_ / (name + ".log");
  std::vector<std::string> command{program->string(), "--configdb",    seed_list(*config_),      "--bind_ip",
                                   "127.0.0.1",       "--port",        std::to_string(one.port), "--logpath",
                                   log.string(),      "--nounixsocket"};
  if (root_) command.insert(command.end(), {"--keyFile", (directory_ / "key").string()});  // the config server's
  one.mongos = std::make_unique<child_process>(
      child_process::options{.command = std::move(command), .output = directory_ / (name + ".out")});
  const bool ready = eventually(
      [&] {
        document reply;
        bson_error_t error;
        return !one.mongos->running() ||
               connect_to(number).try_run("admin", document::json(R"({"ping": 1})"), reply, error);
      },
      std::chrono::seconds{60});
  if (!ready || !one.mongos->running()) {
    throw failure("mongos does not start:" + tail_of(directory_ / (name + ".out"), 5) + tail_of(log, 5));
  }
}

void sharded_cluster::add_user(const credentials& who, const std::string& roles) {
  connect().run("admin", "{\"createUser\": \"" + json_escaped(who.user) + "\", \"pwd\": \"" +
                             json_escaped(who.password) + "\", \"roles\": " + roles + "}");
}

void sharded_cluster::shard_collection(const std::string& database, const std::string& collection,
                                       const std::string& key) {
  client router = connect();
  router.run("admin", R"({"enableSharding": ")" + json_escaped(database) + "\"}");
  router.run("admin",
             R"({"shardCollection": ")" + json_escaped(database + "." + collection) + R"(", "key": )" + key + "}");
}

}  // namespace sluice::lab
