// The first exchange of a connection: what we tell about ourselves, what the server tells about itself.
#pragma once

#include <string_view>

#include "bson/document.hpp"
#include "engine/wire/connection.hpp"
#include "engine/wire/connection_string.hpp"

namespace sluice::wire {

/// `name`: "hello", or "isMaster" for servers before 4.4.2. `with_metadata` on a connection's very first hello only:
/// servers refuse to hear the client's name twice.
[[nodiscard]] bson::document hello_command(std::string_view name, const connection_string& uri, bool with_metadata);

[[nodiscard]] server_hello read_hello(bson::document_view reply);

/// The first compressor that the server chose among those offered; none when it answered with no list.
[[nodiscard]] compressor agreed_compressor(bson::document_view reply, const connection_string& uri);

}  // namespace sluice::wire
