#include "engine/wire/srv.hpp"

#include "engine/wire/blocking_call.hpp"

namespace sluice::wire {

task<result<connection_string>> resolve_srv(connection_string uri) {
  if (!uri.is_srv()) co_return uri;
  auto look_up = [&uri] { return uri.resolved(); };
  co_return co_await call_blocking(look_up);
}

}  // namespace sluice::wire
