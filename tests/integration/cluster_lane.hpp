// What the tests of engine/cluster share: one lane for one test, and connections over it.
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "engine/cluster/catalog.hpp"
#include "engine/cluster/deployment.hpp"
#include "tests/lab/replica_set.hpp"

namespace sluice::cluster::testing {

class lane {
 public:
  /// Runs a coroutine to its end and gives back what it returned.
  template <class T>
  T run(task<T> work) {
    std::optional<T> value;
    boost::asio::co_spawn(
        context_,
        [](task<T> todo, std::optional<T>& out) -> task<void> { out.emplace(co_await std::move(todo)); }(
                                                    std::move(work), value),
        [](const std::exception_ptr& thrown) {
          if (thrown) std::rethrow_exception(thrown);
        });
    context_.run();
    context_.restart();
    return std::move(value.value());
  }
  /// The same for what must succeed.
  template <class T>
  T must(task<result<T>> work) {
    auto done = run(std::move(work));
    if (!done) throw std::runtime_error(done.error().message);
    return std::move(done.value());
  }
  runtime::cancel_scope& scope() { return scope_; }
  boost::asio::any_io_executor executor() { return context_.get_executor(); }

 private:
  boost::asio::io_context context_;
  runtime::cancel_scope scope_;
};

inline wire::connection_string parsed(const std::string& uri) {
  auto value = wire::connection_string::parse(uri);
  if (!value) throw std::runtime_error(value.error().message);
  return std::move(value.value());
}

/// A connection to the first host of a URI.
inline std::unique_ptr<wire::connection> open(lane& on, const std::string& uri) {
  const auto where = parsed(uri);
  return on.must(wire::connection::open(where, where.hosts().front(), on.scope()));
}

inline lab::replica_set_options set_of(std::string name, std::string version = {}, std::size_t nodes = 1) {
  return {.name = std::move(name), .nodes = nodes, .server = {.version = std::move(version), .cache_gb = 0.25}};
}

}  // namespace sluice::cluster::testing
