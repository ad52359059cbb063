// What every fault test does around its fault: runs a copy in this process, watches it, listens to what it logs, sets
// fail points, and asks the oracle. Must never decide by time what a condition can tell.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/runtime/log.hpp"
#include "engine/session/copy_session.hpp"
#include "tests/lab/mongod_process.hpp"
#include "tests/lab/replica_set.hpp"

namespace sluice::fault {

/// Keeps what the engine logs; the engine's log goes here from construction to destruction.
class captured_log final : public log_sink {
 public:
  captured_log();
  ~captured_log() override;
  [[nodiscard]] bool wants(log_level level) const noexcept override { return level >= log_level::info; }
  void write(const log_record& record) noexcept override;

  /// How many lines hold this text.
  [[nodiscard]] std::size_t count(std::string_view text) const;
  /// The last lines, for test messages.
  [[nodiscard]] std::string tail(std::size_t lines = 25) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

/// Settings of a copy that does not wait as long as operators do.
[[nodiscard]] session::copy_settings settings_for(const std::string& source_uri, const std::string& destination_uri);

/// A copy under way in this process.
class running_copy {
 public:
  explicit running_copy(session::copy_settings settings);

  [[nodiscard]] session::progress now(bool with_collections = false) const {
    return session_->snapshot(with_collections);
  }
  [[nodiscard]] bool ended() const;
  /// Until it has copied so many documents; false when it ended before, or did not get there.
  [[nodiscard]] bool reached(std::int64_t documents) const;
  /// How it ended; one that has not ended in time is stopped and comes back as a timeout error.
  [[nodiscard]] result<> wait(std::chrono::seconds limit = std::chrono::seconds(100));

 private:
  std::unique_ptr<session::copy_session> session_;
};

/// Runs a copy to its end.
[[nodiscard]] result<> copy(const session::copy_settings& settings);
/// The run after one that failed; when that one could not reach the destination to end its lease, the lease passes
/// first.
[[nodiscard]] result<> copy_again(const session::copy_settings& settings);

/// Test failures unless the outcome is good; the log's tail goes into the message.
void expect_success(const result<>& outcome, const captured_log& log);
/// Test failures unless the oracle finds both sides equal, and the source not empty.
void expect_equal(const std::string& source_uri, const std::string& destination_uri,
                  std::vector<std::string> include = {}, std::vector<std::string> exclude = {});

/// A fail point of one node, set while this lives: failCommand, or another one by its name.
class fail_command {
 public:
  /// `mode` and `data` as extended JSON: R"({"times": 1})", R"({"failCommands": ["insert"], "errorCode": 10107})".
  fail_command(lab::mongod_process& node, const std::string& mode, const std::string& data,
               std::string name = "failCommand");
  ~fail_command();
  fail_command(const fail_command&) = delete;
  fail_command& operator=(const fail_command&) = delete;
  /// How many commands it has hit so far.
  [[nodiscard]] std::int64_t hits();

 private:
  lab::client node_;
  std::string name_;
  std::int64_t before_ = 0;
  bool off_ = false;
};

/// The number that the test's random choices come from: SLUICE_SEED, or a new one. It is printed.
[[nodiscard]] std::uint64_t test_seed();

}  // namespace sluice::fault
