// What the tests of the checkpoint share: a server in this process, and checkpoints over it as processes have them.
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "engine/state/checkpoint.hpp"
#include "tests/loopback/server.hpp"

namespace sluice::state {

class checkpoint_fixture : public testing::Test {
 protected:
  template <class T>
  T run(task<T> work) {
    std::optional<T> value;
    auto body = [](task<T> todo, std::optional<T>* out) -> task<void> { out->emplace(co_await std::move(todo)); };
    boost::asio::co_spawn(lane_, body(std::move(work), &value), [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    lane_.run();
    lane_.restart();
    return std::move(*value);
  }
  template <class T>
  T must(task<result<T>> work) {
    auto done = run(std::move(work));
    if (!done) throw std::runtime_error(done.error().message);
    return std::move(done.value());
  }
  void must(task<result<>> work) {
    auto done = run(std::move(work));
    if (!done) throw std::runtime_error(done.error().message);
  }
  template <class T>
  std::string refusal(task<result<T>> work) {
    auto done = run(std::move(work));
    if (done) return "(taken)";
    EXPECT_EQ(done.error().kind, error_kind::refused) << done.error().message;
    return done.error().message;
  }

  /// As another process would have it. Without patience a fault is its end.
  std::unique_ptr<checkpoint> another(std::chrono::milliseconds patience = std::chrono::seconds(20),
                                      std::chrono::milliseconds lease_time = limits::lease_time) {
    return std::make_unique<checkpoint>([this] { return connect(); }, scope_, patience, lease_time);
  }
  /// This process at another time: whoever it was before is known to have ended.
  static process_identity process(std::string token) {
    process_identity self = this_process();
    self.token = std::move(token);
    return self;
  }
  /// Another process on this machine, which finds this one alive.
  static process_identity neighbour(std::string token) {
    process_identity self = process(std::move(token));
    self.pid = 1;
    return self;
  }
  static run_parameters parameters(std::string mode = "copy") {
    run_parameters mine{
        .source_identity = "a", .source_name = "A", .destination_identity = "b", .destination_name = "B"};
    mine.mode = std::move(mode);
    return mine;
  }
  void elect() {
    server_.step_down();
    server_.step_up();
  }
  std::uint64_t commands(const char* name) const { return server_.commands(name); }
  std::string nth(const char* command, std::uint64_t from_now, const char* what) const {
    return std::string(command) + ":" + std::to_string(commands(command) + from_now) + ":" + what;
  }

  loopback::server server_{{}};
  boost::asio::io_context lane_;
  runtime::cancel_scope scope_;
  wire::connection_string uri_ = wire::connection_string::parse(server_.uri()).value();
  bool elect_on_connect_ = false;  // an election between two sendings of a command

 private:
  task<result<std::unique_ptr<wire::connection>>> connect() {
    if (std::exchange(elect_on_connect_, false)) elect();
    auto opened = co_await wire::connection::open(uri_, uri_.hosts().front(), scope_);
    co_return opened;
  }
};

}  // namespace sluice::state
