// A server of any version that has one answer to every command: for questions to versions that are not at hand.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "bson/document.hpp"
#include "bson/extended_json.hpp"
#include "engine/wire/connection.hpp"
#include "tests/unit/wire/scripted_server.hpp"

namespace sluice::wire::test {

/// A reply with a cursor that has ended, and `only` in its batch, or nothing.
inline bson::document cursor_reply(std::optional<bson::document> only = std::nullopt) {
  bson::builder body;
  body.open_document("cursor").append("id", std::int64_t{0}).append("ns", "admin.$cmd.aggregate");
  body.open_array("firstBatch");
  if (only) body.append("0", only->view());
  body.close().close();
  return body.append("ok", 1.0).finish();
}

inline bson::document error_reply(std::int32_t code, std::string_view name, std::string_view words) {
  bson::builder body;
  body.append("ok", 0.0).append("code", code).append("codeName", name).append("errmsg", words);
  return body.finish();
}

template <typename T>
struct answered {
  result<T> answer;
  std::string asked;  // the last command, as JSON; empty: none came
};

/// What `question` makes of a server of that version that always says `answer`.
template <typename T>
answered<T> ask_one_answer(std::int32_t wire_version_max, bson::document answer,
                           std::function<task<result<T>>(connection&)> question) {
  std::string asked;
  std::optional<result<T>> told;
  {
    const scripted_server server([&](peer& client) {
      client.greet(wire_version_max);
      for (auto message = client.read_message(); !message.empty(); message = client.read_message()) {
        asked = bson::to_json(peer::body_of(message));
        client.send(reply_message(2, peer::id_of(message), answer));
      }
    });
    std::string path = server.path();
    for (std::size_t at = path.find('/'); at != std::string::npos; at = path.find('/', at)) path.replace(at, 1, "%2F");
    const auto uri = connection_string::parse("mongodb://" + path);
    boost::asio::io_context lane;
    runtime::cancel_scope scope;
    auto ask = [&]() -> task<void> {
      auto opened = co_await connection::open(uri.value(), uri.value().hosts().front(), scope);
      if (!opened) {
        told.emplace(opened.error());
        co_return;
      }
      told.emplace(co_await question(*opened.value()));
      opened.value()->close();
    };
    boost::asio::co_spawn(lane, ask(), boost::asio::detached);
    lane.run();
  }
  return {std::move(told).value(), asked};
}

}  // namespace sluice::wire::test
