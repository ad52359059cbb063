// The life of one mongod.
#include "tests/lab/mongod_process.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

#include <unistd.h>

namespace sluice::lab {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

bool executable(const fs::path& file) {
  return fs::is_regular_file(file) && ::access(file.c_str(), X_OK) == 0;
}

std::optional<fs::path> in_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (executable(fs::path(folder) / name)) {
      return fs::path(folder) / name;
    }
  }
  return std::nullopt;
}

std::optional<fs::path> from_environment(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr || *value == '\0') {
    return std::nullopt;
  }
  if (!executable(value)) {
    throw failure(std::string(variable) + "=" + value + " is not an executable file");
  }
  return fs::path(value);
}

// A killed test cannot clean up after itself; the next one does it for those whose process is gone.
void remove_leftovers() {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(lab_directory(), ignored)) {
    const int owner = std::atoi(entry.path().filename().c_str());
    if (owner > 0 && ::kill(owner, 0) != 0 && errno == ESRCH) {
      fs::remove_all(entry.path(), ignored);
    }
  }
}

fs::path fresh_directory() {
  static std::atomic<unsigned> made = 0;
  if (made == 0) {
    remove_leftovers();
  }
  fs::path folder = lab_directory() / (std::to_string(::getpid()) + "-" + std::to_string(made++));
  fs::remove_all(folder);
  return folder;
}

// mongod wants a keyFile readable by its owner only; the content is no secret: it guards data that tests made up.
fs::path write_key_file(const fs::path& folder) {
  fs::path file = folder / "key";
  if (!fs::exists(file)) {
    std::ofstream(file) << "c2x1aWNlbGFib3JhdG9yeQ==\n";
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  }
  return file;
}

std::string percent_encoded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.') {
      result += c;
      continue;
    }
    std::array<char, 4> code{};
    std::snprintf(code.data(), code.size(), "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
    result += code.data();
  }
  return result;
}

}  // namespace

fs::path lab_directory() {
  const char* elsewhere = std::getenv("SLUICE_LAB_DIRECTORY");
  return elsewhere != nullptr && *elsewhere != '\0' ? fs::path(elsewhere) : fs::path(SLUICE_LAB_DEFAULT_DIRECTORY);
}

fs::path find_mongod(const std::string& version) {
  if (version.empty()) {
    if (auto given = from_environment("MONGOD")) {
      return *given;
    }
    if (auto installed = in_path("mongod")) {
      return *installed;
    }
  }
  const std::string wanted = version.empty() ? default_server_version : version;
  fs::path fetched = fs::path(SLUICE_LAB_SERVERS) / wanted / "mongod";
  if (!executable(fetched)) {
    throw failure("no mongod " + wanted + " in " + fetched.string() +
                  ": run tools/bootstrap --all-versions, or name one with MONGOD");
  }
  return fetched;
}

std::optional<fs::path> find_mongos() {
  if (auto given = from_environment("MONGOS")) {
    return given;
  }
  if (auto installed = in_path("mongos")) {
    return installed;
  }
  const fs::path unpacked = fs::path(SLUICE_LAB_SERVERS) / "mongos-5.0" / "mongos";
  return executable(unpacked) ? std::optional(unpacked) : std::nullopt;
}

std::string uri_user_info(const std::optional<credentials>& who) {
  return who ? percent_encoded(who->user) + ":" + percent_encoded(who->password) + "@" : "";
}

std::string uri_tls_parameters(const std::optional<certificates>& tls) {
  return tls ? "tls=true&tlsCAFile=" + percent_encoded(tls->authority_file.string()) : "";
}

mongod_process::mongod_process(server_options options, std::string replica_set)
    : options_(std::move(options)), replica_set_(std::move(replica_set)), program_(find_mongod(options_.version)) {
  remove_directory_ = options_.directory.empty();
  directory_ = fs::absolute(remove_directory_ ? fresh_directory() : options_.directory);
  fs::create_directories(data_directory());
  port_ = options_.port;
  start();
}

mongod_process::~mongod_process() {
  if (process_) {
    process_->kill();
  }
  if (remove_directory_) {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }
}

std::vector<std::string> mongod_process::command_line() const {
  std::vector<std::string> command{program_.string(),
                                   "--bind_ip",
                                   "127.0.0.1",
                                   "--port",
                                   std::to_string(port_),
                                   "--dbpath",
                                   data_directory().string(),
                                   "--logpath",
                                   log_file().string(),
                                   "--logappend",
                                   "--nounixsocket",
                                   "--setParameter",
                                   "diagnosticDataCollectionEnabled=false",
                                   "--wiredTigerCacheSizeGB",
                                   std::to_string(options_.cache_gb)};
  const auto add = [&](std::initializer_list<std::string> more) { command.insert(command.end(), more); };
  if (!replica_set_.empty()) {
    add({"--replSet", replica_set_});
  }
  if (options_.oplog_mb != 0) {
    add({"--oplogSize", std::to_string(options_.oplog_mb)});
  }
  if (options_.enable_test_commands) {
    add({"--setParameter", "enableTestCommands=1"});
  }
  if (options_.root) {
    add({"--keyFile", write_key_file(directory_).string()});
  }
  if (options_.tls) {
    add({"--tlsMode", "requireTLS", "--tlsCertificateKeyFile", options_.tls->server_file.string(), "--tlsCAFile",
         options_.tls->authority_file.string(), "--tlsAllowConnectionsWithoutCertificates"});
  }
  command.insert(command.end(), options_.arguments.begin(), options_.arguments.end());
  return command;
}

void mongod_process::start() {
  // Another program may take the free port before mongod does; then mongod ends, and the next port is tried.
  const int attempts = options_.port == 0 && port_ == 0 ? 5 : 1;
  for (int attempt = 1;; ++attempt) {
    if (attempts > 1) {
      port_ = free_port();
    }
    process_ = std::make_unique<child_process>(
        child_process::options{.command = command_line(), .output = directory_ / "mongod.out"});
    if (eventually([&] { return !process_->running() || answers(); }, seconds{120}) && process_->running()) {
      return;
    }
    process_->kill();
    if (attempt >= attempts) {
      throw failure(program_.string() + " does not start on port " + std::to_string(port_) + ":" +
                    tail_of(directory_ / "mongod.out", 5) + tail_of(log_file(), 8));
    }
  }
}

bool mongod_process::answers() {
  document reply;
  bson_error_t error;
  return connect(false).try_run("admin", document::json(R"({"hello": 1})"), reply, error);
}

std::string mongod_process::direct_uri(bool with_credentials) const {
  std::string uri = "mongodb://" + uri_user_info(with_credentials ? options_.root : std::nullopt) + address() +
                    "/?directConnection=true&serverSelectionTimeoutMS=5000";
  if (options_.tls) {
    uri += "&" + uri_tls_parameters(options_.tls);
  }
  return uri;
}

void mongod_process::stop() {
  if (process_) {
    process_->terminate(seconds{60});
  }
}

void mongod_process::kill() {
  if (process_) {
    process_->kill();
  }
}

void mongod_process::freeze() {
  process_->signal(SIGSTOP);
}
void mongod_process::thaw() {
  process_->signal(SIGCONT);
}

void mongod_process::restart() {
  stop();
  start();
}

void mongod_process::restart(std::vector<std::string> arguments) {
  options_.arguments = std::move(arguments);
  restart();
}

void mongod_process::restart_alone() {
  const std::string set = std::exchange(replica_set_, {});
  restart();
  replica_set_ = set;
}

}  // namespace sluice::lab
