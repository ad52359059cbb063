// The hand-over from libmongoc: it authenticates over our open stream and is gone before the first command of ours.
#pragma once

#include <memory>

#include "engine/runtime/result.hpp"
#include "engine/wire/connection_string.hpp"
#include "engine/wire/transport.hpp"

namespace sluice::wire {

/// Says hello and authenticates as `uri` asks (SCRAM, X.509, PLAIN, GSSAPI, AWS) on a thread of its own, since
/// libmongoc blocks; ends with the stream, so with its limit too. `line` is connected and unused. Afterwards the server
/// knows the client's metadata. Errors: authentication (wrong user, password, mechanism), configuration, and the
/// stream's own.
[[nodiscard]] task<result<>> authenticate(std::shared_ptr<transport> line, connection_string uri);

}  // namespace sluice::wire
