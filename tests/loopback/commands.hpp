// Commands by name: a request goes in, a reply comes out. Knows the server's state and BSON, no socket.
#pragma once

#include <string>
#include <string_view>

#include "tests/loopback/node.hpp"
#include "tests/loopback/protocol.hpp"

namespace sluice::loopback {

/// What belongs to one connection.
struct conversation {
  node& server;
  data_set::scratch scratch;  // see data_set::elements
  std::int32_t id = 0;
};

/// Runs the command, or answers CommandNotFound. Afterwards, `more_to_come` of the reply tells that the same request
/// wants another reply (exhaust).
[[nodiscard]] reply run_command(conversation& with, const request& asked);

/// ok: 0 with code and name. `host` and stack of a real server's reply are left out.
[[nodiscard]] bson::document refusal(const node& server, std::int32_t code, std::string_view code_name,
                                     std::string_view message);
/// Appends ok: 1 and operationTime.
[[nodiscard]] bson::document accepted(const node& server, bson::builder& fields);
/// {cursor: {firstBatch: [...], id: 0, ns}, ok: 1}
[[nodiscard]] bson::document whole_cursor(const node& server, std::string_view full_name,
                                          const std::vector<bson::document>& documents);
/// A boolean or number option of the command.
[[nodiscard]] bool flag(const request& asked, std::string_view name);

using command_function = reply (*)(conversation&, const request&);

// identity_commands.cpp
reply run_hello(conversation& with, const request& asked);
reply run_build_info(conversation& with, const request& asked);
reply run_get_parameter(conversation& with, const request& asked);
reply run_set_config(conversation& with, const request& asked);
reply run_set_status(conversation& with, const request& asked);
reply run_connection_status(conversation& with, const request& asked);
reply run_append_note(conversation& with, const request& asked);
reply run_nothing(conversation& with, const request& asked);  // ok: 1 and no more

// catalog_commands.cpp
reply run_list_databases(conversation& with, const request& asked);
reply run_list_collections(conversation& with, const request& asked);
reply run_list_indexes(conversation& with, const request& asked);
reply run_count(conversation& with, const request& asked);
reply run_data_size(conversation& with, const request& asked);
reply run_create(conversation& with, const request& asked);
reply run_create_indexes(conversation& with, const request& asked);
reply run_coll_mod(conversation& with, const request& asked);
reply run_drop(conversation& with, const request& asked);
reply run_drop_database(conversation& with, const request& asked);
reply run_rename_collection(conversation& with, const request& asked);
/// The $collStats stage's document.
[[nodiscard]] bson::document collection_statistics(conversation& with, const std::string& full_name);

// read_commands.cpp
reply run_find(conversation& with, const request& asked);
reply run_get_more(conversation& with, const request& asked);
reply run_kill_cursors(conversation& with, const request& asked);
reply run_aggregate(conversation& with, const request& asked);

// write_commands.cpp
reply run_insert(conversation& with, const request& asked);
reply run_update(conversation& with, const request& asked);
reply run_delete(conversation& with, const request& asked);
reply run_find_and_modify(conversation& with, const request& asked);

}  // namespace sluice::loopback
