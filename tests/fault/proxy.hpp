// A TCP proxy between the engine and one server, inside the test's process: it throttles, stalls and cuts what passes
// through it. Knows nothing of what passes. Two threads a connection; every member may be called from any thread.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace sluice::fault {

enum class direction : std::uint8_t { to_server, to_client };

enum class cut_kind : std::uint8_t {
  fin,         // both ends see an orderly end in the middle of whatever was under way: a truncated message
  reset,       // both ends see "connection reset"
  half_close,  // this direction ends, the other one stays open and silent
};

class proxy {
 public:
  /// Listens on a free port of 127.0.0.1 and passes connections on to `target_port` there.
  explicit proxy(std::uint16_t target_port);
  ~proxy();
  proxy(const proxy&) = delete;
  proxy& operator=(const proxy&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// For a replica set of one node, which would otherwise send the engine around the proxy.
  [[nodiscard]] std::string direct_uri() const {
    return "mongodb://127.0.0.1:" + std::to_string(port_) + "/?directConnection=true";
  }

  /// Cuts `times` connections, each one as soon as a random number of bytes in [least, most] has passed in this
  /// direction (over all connections together) since the one before: always after the first part of a message.
  struct cuts {
    direction where = direction::to_client;
    cut_kind how = cut_kind::fin;
    std::uint32_t times = 1;
    std::uint64_t least = 1;
    std::uint64_t most = 1;
    std::uint64_t seed = 1;
  };
  void plan(const cuts& planned);
  /// Bytes a second over all connections together; 0 lifts the limit.
  void throttle(direction where, std::uint64_t bytes_per_second);
  /// Nothing passes in this direction until resume().
  void stall(direction where);
  void resume();
  void reset_all();
  /// Every connection ends, and new ones end at once, as where the way to a host is cut; until resume().
  void cut();

  [[nodiscard]] std::uint32_t cut_count() const;
  [[nodiscard]] std::uint64_t passed(direction where) const;
  [[nodiscard]] std::uint64_t connections() const;
  /// Connections that were turned away by cut().
  [[nodiscard]] std::uint64_t turned_away() const;

 private:
  struct link;
  struct grant {
    std::size_t bytes = 0;
    bool cut = false;
    cut_kind how = cut_kind::fin;
  };
  void accept_all();
  void pump(const std::shared_ptr<link>& on, direction where);
  /// How much of `wanted` may pass now; waits while it is stalled or too fast.
  [[nodiscard]] grant pass(link& on, direction where, std::size_t wanted);
  void draw(direction where);

  struct lane {
    bool stalled = false;
    std::uint64_t passed = 0;
    std::uint64_t bytes_per_second = 0;
    cuts planned{.times = 0};
    std::uint64_t until_cut = 0;
  };

  std::uint16_t port_ = 0;
  std::uint16_t target_port_;
  int listener_ = -1;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::array<lane, 2> lanes_;
  std::mt19937_64 random_;
  std::uint32_t cut_count_ = 0;
  std::uint64_t connections_ = 0;
  std::uint64_t turned_away_ = 0;
  bool is_cut_ = false;
  bool ending_ = false;
  std::vector<std::shared_ptr<link>> links_;
  std::vector<std::thread> pumps_;
  std::thread acceptor_;
};

}  // namespace sluice::fault
