// What cancelling one operation does to the others: nothing.
#include <array>
#include <optional>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include "engine/runtime/result.hpp"

namespace sluice::runtime {
namespace {

namespace asio = boost::asio;
using stream = asio::local::stream_protocol::socket;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// Two sockets, joined.
struct pipe_ends {
  explicit pipe_ends(asio::io_context& on) : near(on), far(on) { asio::local::connect_pair(near, far); }
  stream near;
  stream far;
};

struct ended {
  boost::system::error_code fault;
  std::size_t bytes = 0;
};

task<void> read_once(stream& from, std::optional<ended>& how) {
  std::array<char, 16> into{};
  auto [fault, bytes] = co_await from.async_read_some(asio::buffer(into), as_result);
  how = ended{fault, bytes};
}

void run_ready(asio::io_context& context) {
  context.restart();
  context.poll();
}

void spawn(asio::io_context& context, task<void> work) {
  asio::co_spawn(context, std::move(work), [](const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
}

TEST(cancelled_operation, ends_itself_and_no_other) {
  asio::io_context context(1);
  pipe_ends patient(context);
  pipe_ends restless(context);
  std::optional<ended> waiting;
  // More requests than the ring has places (16,384), with those of the patient read among what is used again.
  constexpr int rounds = 40'000;
  for (int i = 0; i < rounds; ++i) {
    if (i % 97 == 0 || i % 61 == 0) {  // it gets something now and then, as live connections do
      if (i > 0) {
        asio::write(patient.far, asio::buffer("x", 1));
        for (int tries = 0; tries < 100'000 && !waiting; ++tries) run_ready(context);
        ASSERT_TRUE(waiting) << i;
        ASSERT_FALSE(waiting->fault) << i << " " << waiting->fault.message();
        ASSERT_EQ(waiting->bytes, 1U) << i;
        waiting.reset();
      }
      spawn(context, read_once(patient.near, waiting));
      run_ready(context);
    }
    std::optional<ended> cancelled;
    spawn(context, read_once(restless.near, cancelled));
    run_ready(context);
    restless.near.cancel();
    for (int tries = 0; tries < 100'000 && !cancelled; ++tries) run_ready(context);
    ASSERT_TRUE(cancelled) << i;
    ASSERT_EQ(cancelled->fault, asio::error::operation_aborted) << i << " " << cancelled->fault.message();
    ASSERT_FALSE(waiting) << "round " << i
                          << ": nobody has written, nobody has cancelled it: " << waiting->fault.message() << ", bytes "
                          << waiting->bytes;
  }
}

// What was being read from a socket that is closed has to end: begun anew, it would read from whichever socket gets the
// closed one's number.
TEST(cancelled_operation, of_a_closed_socket_takes_nothing_from_the_next_one) {
  asio::io_context context(1);
  for (int i = 0; i < 1000; ++i) {
    pipe_ends old(context);
    std::optional<ended> cancelled;
    spawn(context, read_once(old.near, cancelled));
    run_ready(context);
    // Before the kernel's answer is looked at.
    old.near.close();
    pipe_ends fresh(context);
    asio::write(fresh.far, asio::buffer("sixteen and more", 16));
    std::optional<ended> received;
    spawn(context, read_once(fresh.near, received));
    for (int tries = 0; tries < 100'000 && !(cancelled && received); ++tries) run_ready(context);
    ASSERT_TRUE(cancelled) << i;
    ASSERT_EQ(cancelled->fault, asio::error::operation_aborted) << i << " bytes " << cancelled->bytes;
    ASSERT_TRUE(received) << i;
    ASSERT_EQ(received->bytes, 16U) << i << " " << received->fault.message();
  }
}

}  // namespace
}  // namespace sluice::runtime
