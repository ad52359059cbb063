// libmongoc as a library under our rules: initialized once, silent, its warnings handed to whoever asked.
#pragma once

#include <string>
#include <vector>

namespace sluice::wire {

/// Before the first use of libmongoc; any number of times, from any thread. Names us in the handshake.
void require_mongoc();

/// While it lives, what libmongoc logs on this thread is collected here (it goes nowhere otherwise: stderr is not ours
/// to write to). One at a time on a thread.
class mongoc_messages {
 public:
  mongoc_messages();
  ~mongoc_messages();
  mongoc_messages(const mongoc_messages&) = delete;
  mongoc_messages& operator=(const mongoc_messages&) = delete;

  [[nodiscard]] const std::vector<std::string>& warnings() const noexcept { return warnings_; }

 private:
  friend struct mongoc_log;
  std::vector<std::string> warnings_;
};

}  // namespace sluice::wire
