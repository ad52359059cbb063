// The hand-over to libmongoc and back, where a real server gives no moment to wait for. What real servers say to right
// and wrong credentials is in tests/integration.
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include "engine/wire/connection.hpp"
#include "engine/wire/uri_options.hpp"
#include "tests/unit/wire/scripted_server.hpp"

namespace sluice::wire {
namespace {

TEST(authentication, cancelled_while_libmongoc_waits_for_an_answer) {
  boost::asio::io_context lane;
  runtime::cancel_scope doomed;
  const test::scripted_server silent([&](test::peer& client) {
    const auto hello = client.read_message();  // libmongoc has spoken, and gets no answer
    EXPECT_FALSE(hello.empty());
    boost::asio::post(lane, [&doomed] { doomed.cancel(); });
    client.wait_for_end();
  });
  const auto uri = connection_string::parse("mongodb://al:pw@" + percent_encoded(silent.path()) + "/");
  ASSERT_TRUE(uri) << uri.error().message;

  std::optional<result<std::unique_ptr<connection>>> attempt;
  boost::asio::co_spawn(
      lane,
      [&]() -> task<void> {
        attempt.emplace(co_await connection::open(uri.value(), uri.value().hosts().front(), doomed));
      },
      [](const std::exception_ptr& thrown) {
        if (thrown) std::rethrow_exception(thrown);
      });
  lane.run();
  ASSERT_FALSE(*attempt);
  EXPECT_EQ(attempt->error().kind, error_kind::cancelled) << attempt->error().message;
}

}  // namespace
}  // namespace sluice::wire
