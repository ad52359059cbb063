// A server on a lane of the test's own, over real sockets, with a session that is what the test says.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "engine/http/server.hpp"
#include "engine/runtime/lane.hpp"
#include "tests/unit/http/fake_controls.hpp"
#include "tests/unit/http/raw_client.hpp"

namespace sluice::http::test {

inline const std::string get_progress = "GET /api/v1/progress HTTP/1.1\r\nHost: localhost\r\n\r\n";

class http_server : public testing::Test {
 protected:
  void serve(const server_limits& bounds = {}, const server_options& options = {}) {
    auto listening = server::listen(lane_.executor(), options, controls_, bounds);
    ASSERT_TRUE(listening) << listening.error().message;
    server_ = std::move(listening).value();
    lane_.start();
  }
  void TearDown() override {
    server_.reset();
    lane_.stop();
  }
  raw_client connect() {
    raw_client client(server_->port());
    EXPECT_TRUE(client.connected());
    return client;
  }
  raw_reply ask(std::string_view request) {
    raw_client client = connect();
    client.send(request);
    return client.read_reply();
  }
  /// Retries until the server has noticed that others have gone.
  int status_when_there_is_room() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    int status = 0;
    while (status != 200 && std::chrono::steady_clock::now() < deadline) status = ask(get_progress).status;
    return status;
  }

  fake_controls controls_;
  runtime::lane lane_{"http-test"};
  std::unique_ptr<server> server_;
};

}  // namespace sluice::http::test
