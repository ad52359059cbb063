// What tests of connections share: one lane driven by the test itself, and calls that run to their end on it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "bson/document.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::wire {

using namespace std::chrono_literals;
using opened = result<std::unique_ptr<connection>>;

/// One lane for one test; everything in it is run to its end.
class lane {
 public:
  void run(const std::function<task<void>()>& body) {
    boost::asio::co_spawn(context_, body, [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    context_.run();
    context_.restart();
  }
  /// Runs beside the body.
  void also(std::function<task<void>()> body) {
    boost::asio::co_spawn(context_, std::move(body), boost::asio::detached);
  }
  boost::asio::any_io_executor executor() { return context_.get_executor(); }

 private:
  boost::asio::io_context context_;
};

inline connection_string parsed(const std::string& uri) {
  auto value = connection_string::parse(uri);
  if (!value) throw std::runtime_error(value.error().message);
  return std::move(value).value();
}

/// Opens and gives it back; the scope must outlive it.
inline opened open_on(lane& on, const std::string& uri, runtime::cancel_scope& scope) {
  std::optional<opened> answer;
  on.run([&]() -> task<void> {
    const auto where = parsed(uri);
    answer.emplace(co_await connection::open(where, where.hosts().front(), scope));
  });
  return std::move(*answer);
}

inline bson::document command(std::string_view name, bson::document_view rest = {}) {
  bson::builder made;
  made.append(name, 1).append_all(rest);
  return made.finish();
}

inline result<reply> run_on(lane& on, connection& over, std::string_view database, bson::document what,
                            std::chrono::milliseconds limit = {}) {
  std::optional<result<reply>> answer;
  on.run([&]() -> task<void> { answer.emplace(co_await over.run(database, what, limit)); });
  return std::move(*answer);
}

inline std::string message_of(const opened& attempt) {
  return attempt ? "opened" : attempt.error().message;
}

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace sluice::wire
