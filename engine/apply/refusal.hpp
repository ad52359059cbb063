// What a refused write is told as, and what a refusal means.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/apply/write_command.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::apply {

/// With the namespace, the `_id`, the server's words, and what to do where that is known.
[[nodiscard]] error refusal(const write_piece& piece, const document_write& write, const refused_statement& refused);

/// The modifier leads through a value that is no document (see one_field_each()).
[[nodiscard]] bool is_stopped_by_a_path(const refused_statement& refused, const document_write& write) noexcept;

/// How many of them expect an effect on a destination that is consistent.
[[nodiscard]] std::size_t expecting(const write_piece& piece);

/// "3 of 20 updates found nothing".
[[nodiscard]] std::string some_of(std::size_t some, std::size_t all, std::string_view what);

}  // namespace sluice::apply
