// The search for a primary over real sockets, where its end meets an answer that is still awaited.
#include "engine/cluster/primary_search.hpp"

#include <optional>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "tests/unit/wire/scripted_server.hpp"

namespace sluice::cluster {
namespace {

std::string uri_of_socket(std::string path) {
  for (std::size_t at = path.find('/'); at != std::string::npos; at = path.find('/', at)) path.replace(at, 1, "%2F");
  return "mongodb://" + path + "/?replicaSet=rs0";
}

// The first connection is hung up on, the second is never answered: it is under way when the time is over. What ends
// it then is the search itself, which must not be told as "cancelled": nobody would print that.
TEST(cluster_primary_search, the_end_of_the_time_keeps_what_a_host_answered_before) {
  wire::test::scripted_server server([](wire::test::peer& client) { client.hang_up(); });
  const auto uri = wire::connection_string::parse(uri_of_socket(server.path()));
  ASSERT_TRUE(uri);
  boost::asio::io_context lane;
  runtime::cancel_scope scope;
  std::optional<result<located_primary>> outcome;
  auto search = [&]() -> task<void> {
    search_options options{
        .whose = "source", .set_name = "rs0", .newest_election = {}, .patience = std::chrono::milliseconds(300)};
    outcome = co_await search_primary(uri.value(), std::move(options), scope);
  };
  boost::asio::co_spawn(lane, search(), boost::asio::detached);
  lane.run();
  ASSERT_TRUE(outcome.has_value());
  ASSERT_TRUE(outcome->has_error());
  EXPECT_EQ(outcome->error().kind, error_kind::network) << outcome->error().message;
  EXPECT_EQ(outcome->error().message.find("cancelled"), std::string::npos) << outcome->error().message;
}

}  // namespace
}  // namespace sluice::cluster
