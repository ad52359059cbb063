// One real mongod: found, started on a free port with its own data folder, stopped, killed, frozen, started again.
// Must never outlive the test that started it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/lab/certificates.hpp"
#include "tests/lab/child_process.hpp"
#include "tests/lab/mongo.hpp"

namespace sluice::lab {

inline constexpr const char* default_server_version = "6.0.27";

struct credentials {
  std::string user;
  std::string password;
};

struct server_options {
  std::string version = {};                 // empty: MONGOD, then PATH, then the default version of tools/bootstrap
  std::filesystem::path directory = {};     // data and log; empty: a fresh folder under build/lab, removed at the end
  std::uint16_t port = 0;                   // 0: a free one
  double cache_gb = 0.5;                    // of WiredTiger, at least 0.25
  std::uint32_t oplog_mb = 0;               // 0: the server's default
  bool enable_test_commands = true;         // opens failCommand
  std::optional<credentials> root = {};     // enforces SCRAM (keyFile); the user is made with role root
  std::optional<certificates> tls = {};     // requires TLS
  std::vector<std::string> arguments = {};  // appended to the command line
};

/// The path of a mongod; throws saying to run tools/bootstrap where there is none.
[[nodiscard]] std::filesystem::path find_mongod(const std::string& version = {});
/// The path of a mongos (MONGOS, PATH, then tools/bootstrap's), or nothing: such tests are counted as not run.
[[nodiscard]] std::optional<std::filesystem::path> find_mongos();
/// build/lab of the checkout (SLUICE_LAB_DIRECTORY overrides it): where data of tests lies.
[[nodiscard]] std::filesystem::path lab_directory();

class mongod_process {
 public:
  /// Starts it and waits until it answers. `replica_set` may be empty for a standalone server.
  mongod_process(server_options options, std::string replica_set);
  ~mongod_process();
  mongod_process(const mongod_process&) = delete;
  mongod_process& operator=(const mongod_process&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::filesystem::path log_file() const { return directory_ / "mongod.log"; }
  [[nodiscard]] std::filesystem::path data_directory() const { return directory_ / "data"; }
  [[nodiscard]] pid_t pid() const noexcept { return process_ ? process_->pid() : -1; }
  [[nodiscard]] bool running() { return process_ && process_->running(); }

  /// A connection string to this node alone. Without credentials only the localhost exception works.
  [[nodiscard]] std::string direct_uri(bool with_credentials = true) const;
  [[nodiscard]] client connect(bool with_credentials = true) const { return client(direct_uri(with_credentials)); }

  void stop();     // SIGTERM and a clean shutdown
  void kill();     // SIGKILL
  void freeze();   // SIGSTOP
  void thaw();     // SIGCONT
  void restart();  // same port and data; after stop() or kill()
  /// The same with other extra arguments: for mongod's that need another role or a smaller cache.
  void restart(std::vector<std::string> arguments);
  /// As no member of its set, which is the only way to write to an oplog; restart() makes it one again.
  void restart_alone();

  [[nodiscard]] double cpu_seconds() const { return process_ ? process_->cpu_seconds() : 0; }
  [[nodiscard]] std::uint64_t peak_memory_bytes() const { return process_ ? process_->peak_memory_bytes() : 0; }

 private:
  [[nodiscard]] std::vector<std::string> command_line() const;
  void start();
  [[nodiscard]] bool answers();

  server_options options_;
  std::string replica_set_;
  std::filesystem::path program_;
  std::filesystem::path directory_;
  bool remove_directory_ = false;
  std::uint16_t port_ = 0;
  std::unique_ptr<child_process> process_;
};

/// "user:password@" for a connection string, percent-encoded; empty without credentials.
[[nodiscard]] std::string uri_user_info(const std::optional<credentials>& who);
/// The query parameters that TLS needs ("tls=true&tlsCAFile=…"); empty without.
[[nodiscard]] std::string uri_tls_parameters(const std::optional<certificates>& tls);

}  // namespace sluice::lab
