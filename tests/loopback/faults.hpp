// Faults by script: "the 17th getMore is cut". Decides which fault hits which command; the server carries it out.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::loopback {

enum class fault_kind : std::uint8_t {
  delay,     // the reply comes `delay_ms` later
  cut,       // the command runs, then the connection closes without a reply
  drop,      // the connection closes before the command runs
  truncate,  // the command runs, half of the reply is sent, then the connection closes
  lie,       // the reply's length prefix says `lie_bytes`
  garbage,   // the reply's body is no BSON
  error,     // the command does not run; ok: 0 with `code` and `code_name`
  stall,     // the command runs, the reply never comes, the connection stays open
};

struct fault {
  std::string command;    // "getMore"; "*" counts all commands together
  std::uint64_t nth = 1;  // counted from 1 over all connections, exhaust replies one by one; 0 hits every one
  fault_kind kind = fault_kind::cut;
  std::uint32_t delay_ms = 1000;
  std::int32_t lie_bytes = 1 << 30;
  std::int32_t code = 11602;
  std::string code_name = "InterruptedDueToReplStateChange";

  /// "command:n:kind[:argument[:argument]]": getMore:17:cut, insert:3:delay:250,
  /// insert:*:error:10107:NotWritablePrimary, find:1:lie:12. Throws std::invalid_argument saying what is wrong.
  [[nodiscard]] static fault parse(std::string_view text);
};

/// Counts commands and finds the fault for each. Thread-safe.
class fault_plan {
 public:
  void add(fault planned);
  void clear();
  /// Called once per reply that is about to be made; the first planned fault that matches wins.
  [[nodiscard]] std::optional<fault> next(std::string_view command);
  /// How often the command was seen.
  [[nodiscard]] std::uint64_t seen(std::string_view command) const;

 private:
  mutable std::mutex mutex_;
  std::vector<fault> planned_;
  std::map<std::string, std::uint64_t, std::less<>> seen_;
};

}  // namespace sluice::loopback
