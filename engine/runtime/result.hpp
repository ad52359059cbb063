// Expected failures as values: what a server, a socket, a document or an operator did. Exceptions are for programming
// errors and start-up only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/outcome/basic_result.hpp>
#include <boost/outcome/policy/terminate.hpp>
#include <boost/outcome/try.hpp>

// Only named here: what returns results need not know Asio, and what defines coroutines includes it.
namespace boost::asio {
class any_io_executor;
template <typename T, typename Executor>
class awaitable;
}  // namespace boost::asio

namespace sluice {

enum class error_kind : std::uint8_t {
  cancelled,       // somebody asked for the end; not worth a log line
  network,         // refused, reset, closed, unreachable, name not found
  timeout,         // a time limit passed
  authentication,  // wrong credentials or mechanism
  server,          // a server's reply with ok: 0, or a write error; code and name are set
  protocol,        // bytes that are no valid wire message or BSON
  configuration,   // URI, flags, files: the operator's input
  refused,         // a precondition does not hold: namespaces exist, versions do not fit, another owner, ...
  storage,         // local disk
};

[[nodiscard]] std::string_view to_string(error_kind kind) noexcept;

/// `message` is one sentence for the operator: the thing (namespace, `_id`, host), the cause, and what to do.
/// Never holds credentials.
struct error {
  error_kind kind = error_kind::cancelled;
  std::string message;
  std::int32_t server_code = 0;    // the server's numeric code; 0 when it is no server error
  std::string server_code_name{};  // "NotWritablePrimary", ...; empty when the server gave none
};

namespace outcome = BOOST_OUTCOME_V2_NAMESPACE;

/// Value or error; looking at the wrong one ends the process.
template <class T = void>
using result = outcome::basic_result<T, error, outcome::policy::terminate>;

/// A coroutine of the engine. What cancels it is said at its declaration.
template <class T>
using task = boost::asio::awaitable<T, boost::asio::any_io_executor>;

[[nodiscard]] inline auto ok() {
  return outcome::success();
}
[[nodiscard]] inline error failure(error_kind kind, std::string message) {
  return {kind, std::move(message)};
}

}  // namespace sluice

// The language has no way to say "give me the value or return the error"; these two say it, in a function and in a
// coroutine. `declaration` is the variable to define, e.g. SLUICE_CO_TRY(auto reply, co_await connection.run(...)).
#define SLUICE_TRY(declaration, ...) BOOST_OUTCOME_TRY(declaration, __VA_ARGS__)
#define SLUICE_CO_TRY(declaration, ...) BOOST_OUTCOME_CO_TRY(declaration, __VA_ARGS__)
#define SLUICE_TRYV(...) BOOST_OUTCOME_TRYV(__VA_ARGS__)
#define SLUICE_CO_TRYV(...) BOOST_OUTCOME_CO_TRYV(__VA_ARGS__)
